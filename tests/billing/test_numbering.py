"""Whatever is billed, rolled back, credited and billed again, in whatever order: numbers run on without a gap, and none is used twice."""

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.billing.reads.books import broken_invariants
from tests.billing.arranged import one
from tests.billing.billed import billed, charged_line, plan
from tests.given import NOW, Owner

STEPS = st.lists(st.sampled_from(["billed", "rolled back", "credited", "credited and rolled back"]), min_size=1, max_size=6)
NOTE = (
    "SELECT billing.issue_credit_note('n' || line.id, line.invoice_id, ARRAY[line.id], ARRAY[NULL::bigint], %s, 'a mistake')"
    "  FROM billing.invoice_line AS line JOIN billing.invoice ON invoice.id = line.invoice_id AND invoice.number IS NOT NULL"
    " WHERE NOT EXISTS (SELECT FROM billing.credit_note_line AS given WHERE given.invoice_line_id = line.id) ORDER BY line.id LIMIT 1"
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_numbers_have_no_gap_whatever_was_rolled_back(owner: Owner, steps: list[str]) -> None:
    async with owner.transaction(force_rollback=True):
        customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2025, 1, 1))
        for number, step in enumerate(steps, start=1):
            async with owner.transaction(force_rollback=step.endswith("rolled back")):
                if "credited" in step:
                    await one(owner, NOTE, NOW)
                else:
                    await billed(owner, date(2025, number, 1), customer)
        kept = [steps.count("billed"), await one(owner, "SELECT count(*) FROM billing.credit_note")]

        found = await one(owner, "SELECT array_agg(number ORDER BY number) FROM billing.invoice WHERE number IS NOT NULL")
        notes = await one(owner, "SELECT array_agg(number ORDER BY number) FROM billing.credit_note")
        assert (found or []) == list(range(100001, 100001 + len(found or [])))
        assert (notes or []) == list(range(1, 1 + kept[1]))
        assert len(found or []) <= kept[0]
        assert await broken_invariants(owner) == []
