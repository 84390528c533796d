"""What an outage gave back is worked out again from its length, the plan and the dated table: a credit that is another is noticed."""

from datetime import date, timedelta
from typing import Any, Final

import psycopg
import pytest

from atlas.billing.reads.compensation import credits_due_for
from atlas.billing.records.compensation import CreditKind
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor
from evals.standing import broken
from forge.actions.billing.compensation import IssueCredits
from tests import carried
from tests.billing.arranged import compensation, customer_with_line, outage
from tests.given import NOW, Owner, row

SENTENCE: Final = "what was credited for an outage is what its length and the plan come to"
LOST_AT: Final = NOW - timedelta(days=5, hours=1)


@pytest.fixture
async def credited(atlas: Atlas, owner: Owner) -> int:
    """A line at 30.00 a month that was out for five days and an hour and was given both credits; its incident."""
    await compensation(owner)
    _, line = await customer_with_line(owner)
    incident = await outage(owner, line, lost_at=LOST_AT, restored_at=NOW)
    for kind in CreditKind:
        async with atlas.transaction(executor("test")) as conn:
            due = await credits_due_for(conn, incident, kind, NOW)
        await carried.out(atlas, IssueCredits(incident, tuple(due), kind), NOW)
    return incident


def noticed(atlas: Atlas) -> list[str]:
    with psycopg.connect(atlas.url) as looking:
        return broken(looking).get(SENTENCE, [])


async def changed(owner: Owner, statement: str, *values: Any) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(statement.encode(), values)
    await owner.execute("SET session_replication_role = origin")


async def test_what_was_given_for_a_flat_sum_and_for_three_full_days_stands(atlas: Atlas, owner: Owner, credited: int) -> None:
    given = await (await owner.execute("SELECT cause, amount_minor FROM billing.credit ORDER BY id")).fetchall()

    assert [(cause, Money.of_minor(minor)) for cause, minor in given] == [
        (f"incident:{credited}", Money("5.00")),
        (f"incident:{credited}:duration", Money("3.00")),
    ]
    assert noticed(atlas) == []


@pytest.mark.parametrize("kind", ["", ":duration"])
@pytest.mark.parametrize("by", [-1, 1])
async def test_a_penny_more_or_less_is_noticed(atlas: Atlas, owner: Owner, credited: int, kind: str, by: int) -> None:
    cause = f"incident:{credited}{kind}"
    await changed(owner, "UPDATE billing.credit SET amount_minor = amount_minor + %s WHERE cause = %s", by, cause)

    (found,) = noticed(atlas)

    assert f"for {cause}" in found


async def test_a_credit_for_a_line_that_was_never_lost_is_noticed(atlas: Atlas, owner: Owner, credited: int) -> None:
    await changed(owner, "DELETE FROM itsm.incident_subscriber")

    found = noticed(atlas)

    assert len(found) == 2
    assert all("it lost no line" in each for each in found)


async def test_a_credit_for_days_that_the_outage_did_not_last_is_noticed(atlas: Atlas, owner: Owner, credited: int) -> None:
    await changed(owner, "UPDATE itsm.incident_subscriber SET restored_at = lost_at + interval '4 days'")

    assert len(noticed(atlas)) == 1


async def test_a_rate_that_came_into_force_after_the_line_was_lost_changes_nothing_and_one_before_does(
    atlas: Atlas, owner: Owner, credited: int
) -> None:
    later = {"segment": "residential", "minimum_outage": timedelta(hours=48), "flat_minor": 900, "monthly_share_per_day": "0.1"}
    await row(owner, "billing.compensation_rate", valid_from=LOST_AT.date() + timedelta(days=1), **later)
    stands = noticed(atlas)
    await row(owner, "billing.compensation_rate", valid_from=date(2026, 1, 1), **later)

    assert (stands, len(noticed(atlas))) == ([], 2)


async def test_a_price_that_was_changed_under_a_credit_is_noticed(atlas: Atlas, owner: Owner, credited: int) -> None:
    await changed(owner, "UPDATE catalogue.price SET amount_minor = 9000 WHERE kind = 'recurring'")

    assert len(noticed(atlas)) == 1
