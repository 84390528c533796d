"""What a run changed in Atlas, row by row, read as the owner; and whose each row is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from evals.difference import NAMES_CUSTOMER, Row
from evals.difference import Change as Written

Owner = AsyncConnection[tuple[Any, ...]]

LOOKING: Final = Path(__file__).with_suffix(".sql").read_text()
# Columns that lead to a customer where a row does not name one, and the table they lead to.
LEADS_TO: Final = {
    "subscriber_id": "crm.subscriber",
    "invoice_id": "billing.invoice",
    "order_id": "oms.product_order",
    "conversation_id": "helpdesk.conversation",
    "notice_id": "helpdesk.notice",
}


@dataclass(frozen=True)
class Change(Written):
    """One row that was written. `customer`: whose, where it is somebody's."""

    customer: int | None

    @property
    def action_id(self) -> int | None:
        """The action that the row says wrote it: as it stands now, and only where that is news."""
        named = next((self.row[name] for name in ACTION_COLUMNS if self.row.get(name) is not None), None)
        return int(named) if named is not None else None


ACTION_COLUMNS: Final = ("action_id", "retired_by_action_id", "corrected_by_action_id", "acknowledged_by_action_id", "waived_by_action_id")


class Watch:
    """Looks at every table of ours in one session: what changed since the last look, at a few milliseconds a look."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._whose: dict[tuple[str, int], int] = {}

    @classmethod
    async def of(cls, owner: Owner) -> "Watch":
        await owner.execute(LOOKING.encode())
        watch = cls(owner)
        await watch.look()
        return watch

    async def look(self) -> list[Change]:
        """Every row written since the last look."""
        rows = await (await self._owner.execute("SELECT place, key, before, after FROM pg_temp.changes()")).fetchall()
        for place, _, _, after in rows:
            self._learn(place, after)
        return [Change(place, key, before, after, self.whose(place, after or before or {})) for place, key, before, after in rows]

    def _learn(self, place: str, row: Row | None) -> None:
        if row and row.get("customer_id") is not None and isinstance(row.get("id"), int):
            self._whose[place, row["id"]] = row["customer_id"]
        if row and place == "crm.subscriber":
            self._whose["gis.premise", row["premise_id"]] = row["customer_id"]

    def whose(self, place: str, row: Row) -> int | None:
        """The customer whose row it is; None for the operator's own."""
        if place in ("crm.customer", "gis.premise"):
            return row.get("id") if place == "crm.customer" else self._whose.get((place, row.get("id", 0)))
        named = next((row[name] for name in NAMES_CUSTOMER if row.get(name) is not None), None)
        if named is not None:
            return int(named)
        return next((self._whose.get((table, row[name])) for name, table in LEADS_TO.items() if row.get(name) is not None), None)
