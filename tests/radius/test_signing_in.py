"""Who may come in, asked of real FreeRADIUS by radclient."""

import pytest

from api.radius.serving import Server
from tests import given
from tests.cmdb import aaa
from tests.given import Owner
from tests.radius.bng import ask, sign_in

NAME = "maya@harbour.example"
METHODS = ["User_Password", "CHAP_Password", "MS_CHAP_Password"]


@pytest.fixture
async def line(owner: Owner, freeradius: Server) -> int:
    customer = await given.customer(owner)
    made = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await aaa.credential(owner, made, NAME)
    return made


@pytest.mark.parametrize("method", METHODS)
async def test_an_active_line_is_accepted_with_its_plan_by_each_method(freeradius: Server, line: int, method: str) -> None:
    answer = await sign_in(freeradius, NAME, aaa.CREDENTIAL, method)

    assert answer.kind == "Access-Accept"
    wanted = {
        "Mikrotik-Rate-Limit": "20000k/100000k",
        "Framed-Pool": "residential",
        "Session-Timeout": "86400",
        "Acct-Interim-Interval": "300",
    }
    assert wanted.items() <= answer.attributes.items()


@pytest.mark.parametrize(
    ("state", "why", "words"), [("suspended", "non_payment", "suspended"), ("terminated", None, "ended"), ("aborted", None, "ended")]
)
async def test_a_line_out_of_service_is_rejected_and_told_why(
    freeradius: Server, line: int, owner: Owner, state: str, why: str | None, words: str
) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = %s, suspended_for = %s", (state, why))

    answer = await sign_in(freeradius, NAME, aaa.CREDENTIAL)

    assert (answer.kind, words in answer.attributes["Reply-Message"]) == ("Access-Reject", True)
    assert set(answer.attributes) <= {"Reply-Message", "Message-Authenticator"}


async def test_whoever_guesses_learns_nothing_of_the_line(freeradius: Server, line: int, owner: Owner) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment'")

    wrong, nobody = (
        await sign_in(freeradius, NAME, "a guess of eight"),
        await sign_in(freeradius, "nobody@harbour.example", "a guess of eight"),
    )

    assert wrong == nobody
    assert (wrong.kind, wrong.attributes["Reply-Message"]) == ("Access-Reject", "Wrong name or password.")


async def test_a_request_without_message_authenticator_is_not_answered(freeradius: Server, line: int) -> None:
    answer = await ask(freeradius, "auth", User_Name=NAME, User_Password=aaa.CREDENTIAL)

    assert answer.kind == ""
