"""The demo's year in short: what it shows is what the run and the books say."""

from datetime import date
from pathlib import Path

from rich.console import Console

from atlas.connection import Atlas
from atlas.money import ZERO
from evals.demo.billing import Month, months_billed, sentence_of, table_of
from forge.matrix_in_force import write_in_force
from governance.matrix import load
from tests.billing.billed import charged_line, plan
from tests.given import Owner

SHIPPED = Path(__file__).parents[2] / "governance" / "matrix.yaml"
LINES = 30


async def billed_for(months: int, atlas: Atlas, owner: Owner) -> list[Month]:
    await write_in_force(owner, load(SHIPPED))
    versions = [await plan(owner, code, minor) for code, minor in (("fibre-100", 2500), ("fibre-500", 3900))]
    # By the demo's own rule number 29 leaves in March, and pays until then.
    await owner.execute("ALTER TABLE crm.customer ALTER COLUMN id RESTART WITH 26")
    for number in range(LINES):
        await charged_line(owner, versions[number % 2], date(2025, 1, 1 + number % 28), cycle_day=1 + number % 28)
    said: list[str] = []
    return await months_billed(atlas, [owner], months, said.append)


async def test_months_of_bills_and_payments_leave_no_gap_and_books_that_hold(atlas: Atlas, owner: Owner) -> None:
    months = await billed_for(4, atlas, owner)

    assert [month.holds for month in months] == [True] * 4
    assert all(month.billed.bills > 0 and month.paid > ZERO for month in months)
    assert (months[3].books.waiting, months[3].leavers) == (0, 0)
    assert months[3].books.paid_back > ZERO
    assert months[1].billed.first_number == (months[0].billed.last_number or 0) + 1


async def test_the_table_of_the_year_is_whole_on_a_hundred_columns_and_ends_in_one_sentence(atlas: Atlas, owner: Owner) -> None:
    months = await billed_for(1, atlas, owner)
    console = Console(width=100)

    with console.capture() as shown:
        console.print(table_of(months))

    last = months[0].billed.last_number
    assert all(figure in shown.get() for figure in ("Numbers", f"-{last}", "Ledger", "Broken"))
    assert "…" not in shown.get()
    assert sentence_of(months).startswith(f"{months[0].billed.bills} bills of")
    assert f"numbers 100001 to {last} with 0 gaps" in sentence_of(months)
    assert "the ledger adds up to 0.00, and 0 rows break an invariant" in sentence_of(months)
