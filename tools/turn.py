"""Turn: who asks, when, and the transaction this one call runs in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.principal import NotPermittedHere, Principal
from atlas.statements import Connection
from forge.action import Action
from forge.propose import Proposed


@dataclass(frozen=True)
class Turn:
    """One tool call. `propose` hands an action to Forge as this principal, outside this read-only transaction."""

    principal: Principal
    now: datetime
    conn: Connection
    correlation_id: CorrelationId
    propose: Callable[[Action, str], Awaitable[Proposed]]

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
