"""Turn: who asks, when, and the transaction this one call runs in."""

import functools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from atlas.errors import AtlasError, NotPermitted
from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.principal import Assurance, NotPermittedHere, Principal
from atlas.statements import Connection
from forge.action import Action
from forge.propose import Proposed
from tools.authority import scope_of

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
STATED: Final = "assurance"


class NotSureEnough(NotPermitted):
    """Whoever asks may well be who they seem, but the door knows it less surely than this question needs."""

    def __init__(self, needed: Assurance) -> None:
        super().__init__(f"this needs somebody known for certain (level {int(needed)})")
        self.needed = needed


class NotAuthorised(NotPermitted):
    """The holder of the account did not record that whoever asks may do this for them."""

    def __init__(self, tool: str) -> None:
        super().__init__("the holder of the account has not recorded that somebody else may do this for them")
        self.tool = tool


class AssuranceUnstated(AtlasError):
    """A tool that customers may use says not how surely they must be known: nothing starts on a guess."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"the tool {tool} states no assurance; decorate it with needs(...)")


@dataclass(frozen=True)
class Turn:
    """One tool call. `propose` hands an action to Forge as this principal, outside this read-only transaction."""

    principal: Principal
    now: datetime
    conn: Connection
    correlation_id: CorrelationId
    propose: Callable[[Action, str], Awaitable[Proposed]]
    # What a question means, as the named model made it; None where nothing here embeds sentences.
    meaning: Callable[[str], Awaitable[tuple[str, Sequence[float]]]] | None = None

    @property
    def customer_id(self) -> CustomerId:
        """The customer this turn is for: proven by the door, never said by a model."""
        if self.principal.customer_id is None:
            raise NotPermittedHere("this question is about a customer, and nobody proved to be one")
        return self.principal.customer_id

    @property
    def staff_id(self) -> StaffId:
        if self.principal.staff_id is None:
            raise NotPermittedHere("this question is for staff only")
        return self.principal.staff_id

    def for_staff_only(self) -> None:
        """Raises NotPermittedHere where it is not a member of staff who asks."""
        if self.principal.staff_id is None:
            raise NotPermittedHere("this question is for staff only")

    def authorised(self, tool: str) -> None:
        """Raises NotAuthorised where somebody who acts for a customer asks what the customer did not let them."""
        if self.principal.may is not None and scope_of(tool) not in self.principal.may:
            raise NotAuthorised(tool)

    def assured(self, level: Assurance) -> None:
        """Raises NotSureEnough below `level`; NotPermittedHere where nobody proved to be a customer at all."""
        if self.principal.assurance >= level:
            return
        if self.principal.customer_id is None:
            raise NotPermittedHere("this question is about a customer, and nobody proved to be one")
        raise NotSureEnough(level)

    @property
    def is_verified(self) -> bool:
        return self.principal.assurance >= Assurance.VERIFIED


ToolOfTurn = Callable[Concatenate[Turn, Arguments], Coroutine[Any, Any, Answer]]


def needs(level: Assurance) -> Callable[[ToolOfTurn[Arguments, Answer]], ToolOfTurn[Arguments, Answer]]:
    """States how surely whoever asks must be known (SECURITY.md, assurance levels); checked at every call, whoever calls."""

    def stated(tool: ToolOfTurn[Arguments, Answer]) -> ToolOfTurn[Arguments, Answer]:
        @functools.wraps(tool)
        async def checked(turn: Turn, /, *given: Arguments.args, **named: Arguments.kwargs) -> Answer:
            turn.assured(level)
            if level > Assurance.UNKNOWN:
                turn.authorised(tool.__name__)
            return await tool(turn, *given, **named)

        setattr(checked, STATED, level)
        return checked

    return stated


def assurance_of(tool: Callable[..., Any]) -> Assurance:
    """What `tool` states. Raises AssuranceUnstated."""
    stated = getattr(tool, STATED, None)
    if not isinstance(stated, Assurance):
        raise AssuranceUnstated(getattr(tool, "__name__", repr(tool)))
    return stated
