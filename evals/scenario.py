"""A scenario: who speaks, in which world, what must be true afterwards, and what must never be said. Read from YAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atlas.errors import AtlasError
from atlas.modules import MODULES

SCENARIOS: Final = Path(__file__).parent / "scenarios"

# Whatever a conversation is about, that it was had and what it asked for may be written down.
ALWAYS_MAY_CHANGE: Final = (
    "helpdesk.message",
    "helpdesk.conversation",
    "actions.action",
    "actions.audit",
    "actions.audit_head",
    "actions.matrix_in_force",
    "actions.hard_limit",
    "actions.budget_spent",
)


class ScenarioMalformed(AtlasError):
    """A scenario file that does not read as one, with the field that is wrong."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Speaker(Part):
    """One of: a persona of the world, a member of staff of it, or nobody we know."""

    world: str = "harbour"
    channel: Literal["sms", "whatsapp", "voice", "email", "chat", "console"] = "chat"
    customer: str = ""
    staff: str = ""
    verified: bool = False

    @property
    def audience(self) -> str:
        if self.staff:
            return "staff"
        return "customer" if self.customer else "stranger"


class Outcome(Part):
    """What must be true afterwards. `tools_called`: exactly these, in order. Texts are looked for in all replies, whatever their case."""

    tools_called: tuple[str, ...] | None = None
    modules: tuple[str, ...] | None = None
    reply_states: tuple[str, ...] = ()
    reply_language: str = ""
    proposes: tuple[str, ...] = ()
    atlas_changes_only: tuple[str, ...] = ()


class Scenario(Part):
    """`says` are the turns of one conversation. `given` names what has happened in the world before. `never` may not be said."""

    module: str
    name: str
    says: tuple[str, ...]
    by: Speaker
    given: tuple[Literal["outage"], ...] = ()
    then: Outcome = Field(default_factory=Outcome)
    never: tuple[str, ...] = ()
    most_seconds: float = 10.0


def parsed_scenario(module: str, name: str, text: str) -> Scenario:
    """Raises ScenarioMalformed, naming the file and the field."""
    try:
        raw = yaml.safe_load(text)
        says = raw.get("says", ())
        return Scenario(**{**raw, "module": module, "name": name, "says": (says,) if isinstance(says, str) else tuple(says)})
    except (ValidationError, yaml.YAMLError, AttributeError) as error:
        raise ScenarioMalformed(f"{module}/{name}: {error}") from error


def scenarios(modules: tuple[str, ...] = MODULES) -> Iterator[Scenario]:
    """Every scenario of the modules, in the order of the roster."""
    for module in modules:
        for path in sorted((SCENARIOS / module).glob("*.yaml")):
            yield parsed_scenario(module, path.stem, path.read_text())
