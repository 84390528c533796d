"""The provider's list of payments as a file: the recorded twin of asking the provider, and what many banks send anyway."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from atlas.errors import InvalidField
from atlas.money import ZERO, Money
from forge.outside.ports import Receipt


@dataclass(frozen=True)
class StatementFile:
    """A CSV with the columns reference, amount (decimal, in the currency of the books) and at (ISO 8601; without a zone: UTC).

    An amount below nothing went out: a refund, under the provider's name for it.
    """

    path: Path

    async def receipts(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Raises InvalidField with the line that cannot be read."""
        return [one for one in await self._between(since, until) if one.amount >= ZERO]

    async def refunds(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Raises InvalidField with the line that cannot be read."""
        return [replace(one, amount=-one.amount) for one in await self._between(since, until) if one.amount < ZERO]

    async def _between(self, since: datetime, until: datetime) -> list[Receipt]:
        found = await asyncio.to_thread(self._read)
        return [receipt for receipt in found if since <= receipt.at < until]

    def _read(self) -> list[Receipt]:
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            return [_receipt(number, row) for number, row in enumerate(csv.DictReader(file), start=2)]


def _receipt(line: int, row: dict[str, str | None]) -> Receipt:
    try:
        at = datetime.fromisoformat(row["at"] or "")
        return Receipt(str(row["reference"]), Money(str(row["amount"])), at if at.tzinfo else at.replace(tzinfo=UTC))
    except (KeyError, ValueError, ArithmeticError) as error:
        raise InvalidField(f"line {line}", f"is not reference, amount, at: {error}") from error
