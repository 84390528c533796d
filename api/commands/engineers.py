"""`bedrock engineers`: who in the field may be heard by voice alone."""

import uuid
from typing import Annotated, Final

import typer

from api.cli import console, opened, run
from api.settings import Settings
from atlas.crm.rules import contact_address
from atlas.errors import InvalidField, NotFound
from atlas.helpdesk.rules import code_key, pin_mac
from atlas.identity import CorrelationId, StaffId
from atlas.principal import Zone, executor
from atlas.staff.reads import member_by_email
from forge.actions.field_service import GiveHandsFree
from forge.propose import Proposed, propose

CLI = executor("cli")
PIN_LENGTH: Final = 6
COUNTING: Final = "0123456789"
Email = Annotated[str, typer.Argument(help="Their e-mail as a member of staff.")]
Number = Annotated[str, typer.Argument(help="The telephone they call from, as in +447700900123.")]
Pin = Annotated[str, typer.Option(prompt="PIN, six digits", hide_input=True, confirmation_prompt=True, help="Known to them alone.")]

engineers = typer.Typer(no_args_is_help=True, help="Engineers: who is heard by voice, from which telephone.")


def add_engineers(app: typer.Typer) -> None:
    app.add_typer(engineers, name="engineers")


@engineers.command("hands-free")
def hands_free(email: Email, number: Number, pin: Pin) -> None:
    """Lets an engineer ask for the next step, record readings and close jobs by telephone; again, it replaces number and PIN."""

    async def work() -> Proposed:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            async with here.atlas.transaction(CLI) as conn:
                known = await member_by_email(conn, email)
            if known is None:
                raise NotFound("member of staff", email)
            mark = pin_mac(code_key(here.atlas.secret), StaffId(known.staff_id), checked_pin(pin)).hex()
            giving = GiveHandsFree(StaffId(known.staff_id), contact_address(number, "GB"), mark)
            return await propose(here.forge, CLI, giving, reason="arranged at the command line", correlation_id=CorrelationId(uuid.uuid4()))

    made = run(work)
    console.print(f"{email}: {made.state.value}" + (f", {made.failure}" if made.failure else ""))


def checked_pin(pin: str) -> str:
    """Raises InvalidField for what is no PIN, and for what everybody tries first."""
    if len(pin) != PIN_LENGTH or not pin.isascii() or not pin.isdecimal() or len(set(pin)) == 1 or pin in COUNTING:
        raise InvalidField("pin", "six digits, not all the same and not counting up")
    return pin
