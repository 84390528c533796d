"""A scenario: who speaks, in which world, what must be true afterwards, and what must never be said or done. Read from YAML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atlas.errors import AtlasError
from atlas.modules import MODULES

SCENARIOS: Final = Path(__file__).parent / "scenarios"

Given = Literal["outage", "installation"]
Kind = Literal["request", "refusal", "mixed", "identity", "injection"]
Door = Literal["mailbox", "widget", "relay", "gather"]


class ScenarioMalformed(AtlasError):
    """A scenario file that does not read as one, with the field that is wrong."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Speaker(Part):
    """One of: a persona of the world, a member of staff of it, or nobody we know.

    `door`: what they say comes in by it as the platform hears it from outside, and the answer is what they read or hear there. Without
    one it is handed to the agents, as by somebody known so surely.
    """

    world: str = "harbour"
    door: Door | None = None
    channel: Literal["sms", "whatsapp", "voice", "email", "chat", "console"] = "chat"
    customer: str = ""
    staff: str = ""
    verified: bool = False

    @property
    def audience(self) -> str:
        if self.staff:
            return "staff"
        return "customer" if self.customer else "stranger"


class Letter(Part):
    """What a letter has beside its words. `sender`: whom it claims to be from, where that is not the speaker's address on file.

    `is_proven`: our own mail server says that DMARC passed. `quotes`: our last letter stands below, as programs put it there.
    """

    sender: str = ""
    subject: str = ""
    html: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    attached: tuple[str, ...] = ()
    is_proven: bool = True
    quotes: bool = False


class Turn(Part):
    """One message; `by` where somebody else speaks, or by another channel, than the scenario says.

    `{code}` in the words becomes the digits that were sent last, `{wrong code}` others. `does`: what is done at a door instead of saying
    something: somebody signs in (as the owner of `words`, or of their own telephone), keys in digits, or breaks in before they speak.
    `tab`: which page of the chat. `is_answered` False: nobody may answer it.
    """

    words: str = ""
    by: Speaker | None = None
    does: Literal["says", "signs in", "keys in", "breaks in"] = "says"
    letter: Letter = Field(default_factory=Letter)
    tab: int = 1
    is_answered: bool = True


class Ruling(Part):
    """Somebody of the staff rules on what waits, after so many turns (0: after all). `refused`: the platform must not let them."""

    action: str
    by: str
    ruling: Literal["approve", "reject", "refused"] = "approve"
    after: int = 0


class Shown(Part):
    """Rows that the difference of Atlas must show: how many of a table, new, changed or gone, with these values in them."""

    table: str
    kind: Literal["new", "changed", "gone"] = "new"
    rows: int = 1
    having: dict[str, str | int | bool | None] = Field(default_factory=dict)


class Limits(Part):
    """`turns`: by then all tools that are wanted were called. `seconds`: the slowest turn."""

    turns: int = 8
    seconds: float = 10.0


class Outcome(Part):
    """What must be true afterwards. `tools_called` and `proposes`: exactly these. Texts: in any reply, whatever their case.

    `atlas_changes_only`: what may change besides; `atlas_shows`: what must.
    """

    tools_called: tuple[str, ...] | None = None
    modules: tuple[str, ...] | None = None
    reply_states: tuple[str, ...] = ()
    reply_language: str = ""
    proposes: tuple[str, ...] = ()
    atlas_shows: tuple[Shown, ...] = ()
    atlas_changes_only: tuple[str, ...] = ()


class Scenario(Part):
    """`says` are the turns of one conversation. `given` names what has happened in the world before. `never` may not be said.

    `never_changes`: tables of which no row may be written, not even one that is gone in the end. `planted`: hostile words put into the
    speaker's name before.
    """

    module: str
    name: str
    kind: Kind = "request"
    says: tuple[Turn, ...] = Field(min_length=1)
    by: Speaker
    given: tuple[Given, ...] = ()
    planted: str = ""
    approvals: tuple[Ruling, ...] = ()
    then: Outcome
    never: tuple[str, ...] = ()
    never_changes: tuple[str, ...] = ()
    limits: Limits = Field(default_factory=Limits)

    @property
    def title(self) -> str:
        return f"{self.module}/{self.name}"

    def speaker(self, turn: Turn) -> Speaker:
        return turn.by or self.by

    @property
    def doors(self) -> frozenset[Door]:
        return frozenset(door for turn in self.says if (door := self.speaker(turn).door))


def _turns(says: Any) -> list[Any]:
    listed = says if isinstance(says, list) else [says]
    return [{"words": one} if isinstance(one, str) else one for one in listed]


def parsed_scenario(module: str, name: str, text: str) -> Scenario:
    """Raises ScenarioMalformed, naming the file and the field."""
    try:
        raw = yaml.safe_load(text)
        return Scenario(**{**raw, "module": module, "name": name, "says": _turns(raw.get("says", []))})
    except (ValidationError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise ScenarioMalformed(f"{module}/{name}: {error}") from error


def scenarios(modules: tuple[str, ...] = MODULES, named: str = "") -> Iterator[Scenario]:
    """Every scenario of the modules whose title holds `named`, in the order of the roster."""
    for module in modules:
        for path in sorted((SCENARIOS / module).glob("*.yaml")):
            if named in f"{module}/{path.stem}":
                yield parsed_scenario(module, path.stem, path.read_text())
