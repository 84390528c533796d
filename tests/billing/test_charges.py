"""Charging begins with evidence, changes with the plan, and ends; each order does so once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from atlas.billing.reads.charges import charges_of_line
from atlas.billing.records.charges import Charge
from atlas.billing.rules.charges import ChargedAlready, NotCharged
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, OfferingVersionId, SubscriberId
from atlas.principal import executor
from forge.actions.billing.charges import ChangeCharge, StartCharging, StopCharging
from tests import carried, given
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner

EVIDENCE = "accounting_start:8f3a"


async def line_of(owner: Owner, timezone: str = "Europe/London") -> tuple[CustomerId, SubscriberId, OfferingVersionId]:
    customer, line = await customer_with_line(owner)
    await owner.execute("UPDATE crm.customer SET timezone = %s WHERE id = %s", (timezone, customer))
    found = await (await owner.execute("SELECT offering_version_id FROM crm.subscriber WHERE id = %s", (line,))).fetchone()
    assert found is not None
    return CustomerId(customer), SubscriberId(line), OfferingVersionId(found[0])


async def charged(atlas: Atlas, line: SubscriberId) -> list[Charge]:
    async with atlas.transaction(executor("test")) as conn:
        return await charges_of_line(conn, line)


async def days(atlas: Atlas, line: SubscriberId) -> list[tuple[date, date | None]]:
    return [(charge.starts_on, charge.ends_on) for charge in await charged(atlas, line)]


async def test_billing_starts_from_activation_evidence_on_the_customers_own_day(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner, "America/New_York")
    worked_at = datetime(2026, 3, 1, 3, 47, 56, tzinfo=UTC)

    await carried.out(atlas, StartCharging(customer, line, version, worked_at, EVIDENCE, None), NOW)

    assert [(charge.starts_on, charge.evidence, charge.evidence_at) for charge in await charged(atlas, line)] == [
        (date(2026, 2, 28), EVIDENCE, worked_at)
    ]


async def test_the_cycle_day_is_that_of_the_first_service(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)

    await carried.out(atlas, StartCharging(customer, line, version, datetime(2026, 1, 31, 12, tzinfo=UTC), EVIDENCE, None), NOW)

    found = await (await owner.execute("SELECT cycle_day FROM billing.account WHERE customer_id = %s", (customer,))).fetchone()
    assert found == (31,)


async def test_an_operator_who_bills_everybody_on_one_day_opens_accounts_on_it(atlas: Atlas, owner: Owner) -> None:
    await owner.execute("UPDATE billing.convention SET cycle = 'fixed', fixed_day = 29")
    customer, line, version = await line_of(owner)

    await carried.out(atlas, StartCharging(customer, line, version, NOW, EVIDENCE, None), NOW)

    found = await (await owner.execute("SELECT cycle_day FROM billing.account WHERE customer_id = %s", (customer,))).fetchone()
    assert found == (29,)


async def test_a_charge_without_evidence_or_in_the_future_is_refused_and_nothing_is_kept(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)

    with pytest.raises(InvalidField, match="evidence"):
        await carried.out(atlas, StartCharging(customer, line, version, NOW, " ", None), NOW)
    with pytest.raises(InvalidField, match="at"):
        await carried.out(atlas, StartCharging(customer, line, version, NOW + timedelta(hours=1), EVIDENCE, None), NOW)

    assert await charged(atlas, line) == []


async def test_a_line_of_somebody_else_is_not_found(atlas: Atlas, owner: Owner) -> None:
    _, line, version = await line_of(owner)
    stranger, _ = await customer_with_line(owner, "Omar Haddad")

    with pytest.raises(NotFound):
        await carried.out(atlas, StartCharging(CustomerId(stranger), line, version, NOW, EVIDENCE, None), NOW)


async def test_a_line_has_one_charge_for_its_plan(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)
    await carried.out(atlas, StartCharging(customer, line, version, NOW, EVIDENCE, None), NOW)

    with pytest.raises(ChargedAlready):
        await carried.out(atlas, StartCharging(customer, line, version, NOW - timedelta(days=1), EVIDENCE, None), NOW)

    assert len(await charged(atlas, line)) == 1


async def test_the_day_of_a_change_belongs_to_the_new_plan(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)
    dearer = OfferingVersionId(await given.offering(owner, "fibre-900", 6000))
    await carried.out(atlas, StartCharging(customer, line, version, datetime(2026, 2, 1, 9, tzinfo=UTC), EVIDENCE, None), NOW)

    await carried.out(atlas, ChangeCharge(customer, line, dearer, datetime(2026, 2, 15, 9, tzinfo=UTC), EVIDENCE, None), NOW)

    assert await days(atlas, line) == [(date(2026, 2, 1), date(2026, 2, 15)), (date(2026, 2, 15), None)]


async def test_the_day_of_a_change_belongs_to_the_old_plan_where_the_convention_says_so(atlas: Atlas, owner: Owner) -> None:
    await owner.execute("UPDATE billing.convention SET change_day = 'old'")
    customer, line, version = await line_of(owner)
    dearer = OfferingVersionId(await given.offering(owner, "fibre-900", 6000))
    await carried.out(atlas, StartCharging(customer, line, version, datetime(2026, 2, 1, 9, tzinfo=UTC), EVIDENCE, None), NOW)

    await carried.out(atlas, ChangeCharge(customer, line, dearer, datetime(2026, 2, 15, 9, tzinfo=UTC), EVIDENCE, None), NOW)

    assert await days(atlas, line) == [(date(2026, 2, 1), date(2026, 2, 16)), (date(2026, 2, 16), None)]


async def test_an_upgrade_and_a_downgrade_on_the_same_day_charge_that_day_once(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)
    dearer = OfferingVersionId(await given.offering(owner, "fibre-900", 6000))
    await carried.out(atlas, StartCharging(customer, line, version, datetime(2026, 2, 1, 9, tzinfo=UTC), EVIDENCE, None), NOW)

    await carried.out(atlas, ChangeCharge(customer, line, dearer, datetime(2026, 2, 15, 9, tzinfo=UTC), EVIDENCE, None), NOW)
    await carried.out(atlas, ChangeCharge(customer, line, version, datetime(2026, 2, 15, 10, tzinfo=UTC), EVIDENCE, None), NOW)

    day = date(2026, 2, 15)
    assert await days(atlas, line) == [(date(2026, 2, 1), day), (day, day), (day, None)]


async def test_a_change_at_2359_local_is_of_that_day_though_it_is_the_next_in_utc(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner, "America/New_York")
    dearer = OfferingVersionId(await given.offering(owner, "fibre-900", 6000))
    await carried.out(atlas, StartCharging(customer, line, version, datetime(2026, 2, 1, 15, tzinfo=UTC), EVIDENCE, None), NOW)

    await carried.out(atlas, ChangeCharge(customer, line, dearer, datetime(2026, 2, 16, 4, 59, tzinfo=UTC), EVIDENCE, None), NOW)

    assert (await days(atlas, line))[1] == (date(2026, 2, 15), None)


async def test_a_line_that_is_not_charged_is_neither_changed_nor_stopped(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)

    with pytest.raises(NotCharged):
        await carried.out(atlas, ChangeCharge(customer, line, version, NOW, EVIDENCE, None), NOW)
    with pytest.raises(NotCharged):
        await carried.out(atlas, StopCharging(customer, line, NOW, "ceased", None), NOW)


async def test_an_end_is_written_once_and_what_a_charge_is_about_never_changes(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)
    await carried.out(atlas, StartCharging(customer, line, version, NOW - timedelta(days=3), EVIDENCE, None), NOW)
    await carried.out(atlas, StopCharging(customer, line, NOW, "ceased", None), NOW)

    for change in (b"ends_on = NULL", b"starts_on = starts_on - 1"):
        with pytest.raises(Exception, match="start another one"):
            await owner.execute(b"UPDATE billing.charge SET " + change)


async def test_the_same_order_again_finds_what_it_did(atlas: Atlas, owner: Owner) -> None:
    customer, line, version = await line_of(owner)
    action = await given.action(owner)
    order = await given.row(owner, "oms.product_order", customer_id=customer, subscriber_id=line, kind="add", action_id=action)
    start = StartCharging(customer, line, version, NOW - timedelta(days=3), EVIDENCE, order)  # type: ignore[arg-type]

    first = await carried.out(atlas, start, NOW)
    await owner.execute("UPDATE actions.action SET operation_key = operation_key || 'x' WHERE name = 'start_charging'")
    again = await carried.out(atlas, start, NOW)

    assert (first, len(await charged(atlas, line))) == (again, 1)


async def test_days_of_suspension_are_kept(atlas: Atlas, owner: Owner) -> None:
    _, line, _ = await line_of(owner)

    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (line,))
    await owner.execute("UPDATE crm.subscriber SET state = 'active', suspended_for = NULL WHERE id = %s", (line,))

    found = await (await owner.execute("SELECT resumed_on - paused_on, paused_for FROM billing.pause")).fetchall()
    assert found == [(0, "non_payment")]
