"""`bill-run`: accounts with a plan, usage and tax, from nothing to issued, posted and numbered invoices, beside one bare statement."""

import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.billing.reads.books import broken_invariants
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.principal import Zone
from atlas.statements import Connection, Statements
from evals.bench import Conditions, Row
from forge.bill_run import BILLER, drafted, issued, let_go, prepared
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load

SQL: Final = Statements(__file__)
ACCOUNTS: Final = 100_000
BILLED_ON: Final = date(2026, 3, 1)


# What this database could do at the fastest: three lines a bill as one statement, with no key, no number, no tax rule and no books.
BARE: Final = b"""
CREATE TABLE public.bare AS
SELECT charge.customer_id, part.label, part.net, part.net / 5 AS tax, sum(part.net) OVER (PARTITION BY charge.customer_id) AS total
  FROM billing.charge
  JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.kind = 'recurring'
  JOIN billing.usage_total AS used ON used.charge_id = charge.id
 CROSS JOIN LATERAL (VALUES ('February', price.amount_minor), ('March', price.amount_minor), ('Calls', used.units)) AS part (label, net)
"""


class Interrupted(AtlasError):
    """The benchmark's own hand that stops the run half way."""


class NotBilled(AtlasError):
    """The run left something unbilled, a gap, or books that do not hold: what it took was not measured."""


async def run(conditions: Conditions) -> Sequence[Row]:
    return await measured(conditions, ACCOUNTS)


async def measured(conditions: Conditions, accounts: int) -> list[Row]:
    """The bare statement first, then the run: interrupted in the middle of its batches, taken up, and proven whole."""
    settings = Settings(home=conditions.home / "bill-run")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
        await arranged(owner, accounts)
        floor = await timed(owner.execute(BARE))
        atlas = await stack.enter_async_context(Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=4))
        matrix = load(SHIPPED)
        await put_in_force(atlas, matrix)
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: datetime.now(UTC), ZoneInfo("Europe/London"))
        took = await timed(whole_run(forge, owner))
        await proven(owner, accounts)
    return [
        Row(
            "bill-run",
            f"{accounts:,} accounts issued, posted, numbered",
            "s",
            took,
            None,
            floor,
            "one bare statement, nothing posted",
            "≤ 20 s",
        ),
        Row("bill-run", "gaps, numbers twice, invariants broken after an interruption", "", 0, None, None, "", "0"),
    ]


async def arranged(owner: Connection, accounts: int) -> None:
    await SQL.run(owner, "plan")
    await SQL.run(owner, "accounts", accounts=accounts)
    await SQL.run(owner, "usage", accounts=accounts)
    await owner.execute("ANALYZE")


async def whole_run(forge: Forge, owner: Connection) -> None:
    run_id = await prepared(forge, BILLER, BILLED_ON)
    await drafted(forge, run_id)
    asked = await let_go(forge, BILLER, run_id)
    if asked.outcome is None:
        # A run of this size waits for a billing lead; that wait is not what is measured.
        await SQL.run(owner, "ruled", run_id=run_id)

    def interrupting(step: str, done: int, of: int) -> None:
        if done * 2 > of:
            raise Interrupted(f"{step} {done} of {of}")

    try:
        await issued(forge, run_id, interrupting)
    except* Interrupted:
        await issued(forge, run_id)


async def proven(owner: Connection, accounts: int) -> None:
    """Raises NotBilled."""
    found = await SQL.value(owner, "whole", accounts=accounts)
    broken = await broken_invariants(owner)
    if not found or broken:
        raise NotBilled(f"whole: {found}; invariants broken: {len(broken)}")


async def timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began
