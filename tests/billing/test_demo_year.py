"""The demo's year in short: what it shows is what the run and the books say."""

from pathlib import Path

from atlas.connection import Atlas
from atlas.money import ZERO
from evals.demo.billing import Month, months_billed
from forge.matrix_in_force import write_in_force
from governance.matrix import load
from tests.given import Owner

SHIPPED = Path(__file__).parents[2] / "governance" / "matrix.yaml"


async def test_months_of_bills_and_payments_leave_no_gap_and_books_that_hold(atlas: Atlas, owner: Owner) -> None:
    await write_in_force(owner, load(SHIPPED))

    months: list[Month] = []
    await months_billed(atlas, owner, 30, 2, months.append)

    assert [month.holds for month in months] == [True, True]
    assert all(month.billed.bills > 0 and month.paid > ZERO for month in months)
    assert months[1].billed.first_number == (months[0].billed.last_number or 0) + 1
