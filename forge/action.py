"""An Action: what is to be done, as plain facts. It says what governance must know, and how Atlas changes if it may be."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.identity import CustomerId, DeviceId, IncidentId
from atlas.statements import Connection
from governance.facts import Facts


@dataclass(frozen=True)
class Difference:
    """One thing that an action would change, in words for whoever rules on it."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Action(ABC):
    """One order given. Subclasses are frozen dataclasses of plain typed fields: they are stored as JSON and digested.

    `name` is how the matrix and the action table call it. Nothing in here knows who proposed it or who approved.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def operation_key(self) -> str:
        """Two proposals with the same key are one operation: the second finds the first (law 5)."""

    @abstractmethod
    def facts(self) -> Facts:
        """What governance judges. Pure: taken from the arguments alone."""

    @abstractmethod
    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Changes Atlas, in the transaction that claimed this action; the outcome, as JSON that people will read.

        Rows of effect tables are stamped with the action by the database itself. Raise AtlasError where it cannot be done: nothing is kept.
        """

    @property
    def incident_id(self) -> IncidentId | None:
        """The incident it belongs to, where there is one."""
        return None

    @property
    def for_customer(self) -> CustomerId | None:
        """The one customer who benefits, where there is one: such a person never rules on it."""
        return None

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        """The same order with its facts taken again from Atlas; equal to itself where nothing moved."""
        return self

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        """Whose allowances it uses up (the matrix's `per: customer`); what goes to many at once names them all."""
        return () if self.for_customer is None else (self.for_customer,)

    @property
    def touched_devices(self) -> tuple[DeviceId, ...]:
        """Which devices' allowances it uses up (the matrix's `per: device`)."""
        return ()

    @property
    def rests_on(self) -> tuple[tuple[str, int], ...]:
        """Rows (table, id) that must not have been changed by anybody between its proposal and its carrying out."""
        return ()

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:  # noqa: ARG002
        """What customers would see, word for word, one sample of each kind; empty where they see nothing."""
        return ()

    async def differences(self, conn: Connection, now: datetime) -> tuple[Difference, ...]:  # noqa: ARG002
        """Before and after, for whoever rules on it; empty where its figures say it all."""
        return ()
