import asyncio
from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from atlas.billing.reads.bills import balance
from atlas.billing.records.compensation import Credit, CreditKind
from atlas.connection import Atlas
from atlas.identity import CustomerId, IncidentId, SubscriberId
from atlas.money import ZERO, Money
from atlas.principal import executor
from forge.actions.billing.compensation import IssueCredits, RequestCredit
from tests import carried
from tests.billing.arranged import bill, compensation, customer_with_line, outage, payment
from tests.given import NOW, Owner


async def due_for(atlas: Atlas, incident: IncidentId, kind: CreditKind = CreditKind.GOODWILL) -> IssueCredits:
    async with atlas.transaction(executor("test")) as conn:
        return await IssueCredits.due_for(conn, incident, kind, NOW)


async def counted(owner: Owner, table: str) -> int:
    found = await (await owner.execute(f"SELECT count(*) FROM {table}".encode())).fetchone()  # noqa: S608
    return int(found[0]) if found else 0


async def test_everybody_behind_an_incident_is_due_the_flat_credit_of_that_day(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    lines = [(await customer_with_line(owner))[1] for _ in range(3)]

    action = await due_for(atlas, await outage(owner, *lines))

    assert [(credit.subscriber_id, credit.amount) for credit in action.credits] == [(line, Money("5.00")) for line in lines]


async def test_a_line_suspended_for_debt_is_due_no_outage_credit(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (line,))

    action = await due_for(atlas, await outage(owner, line))

    assert action.credits == ()


async def test_the_rate_in_force_on_the_day_of_the_outage_counts(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    await owner.execute("INSERT INTO billing.compensation_rate VALUES ('residential', '2026-03-03', '2 days', 900, 0)")
    _, line = await customer_with_line(owner)

    action = await due_for(atlas, await outage(owner, line, lost_at=NOW))

    assert action.credits[0].amount == Money("5.00")


def test_credits_are_judged_by_their_sum_and_by_the_largest_share_of_one_customer() -> None:
    credits_of_two = tuple(Credit(CustomerId(customer), SubscriberId(n), Money("5.00"), "flat") for n, customer in enumerate((1, 1, 2)))

    facts = IssueCredits(IncidentId(31), credits_of_two).facts()

    assert (facts.money, facts.money_each, facts.customers, facts.incident_confirmed) == (Money("15.00"), Money("10.00"), 2, True)


def test_an_incident_that_grew_is_a_new_request_of_credits() -> None:
    few = IssueCredits(IncidentId(31), (Credit(CustomerId(1), SubscriberId(1), Money("5.00"), "flat"),))
    more = IssueCredits(IncidentId(31), (*few.credits, Credit(CustomerId(2), SubscriberId(2), Money("5.00"), "flat")))

    assert few.operation_key != more.operation_key


def test_ten_thousand_credits_have_a_key_that_fits_an_index() -> None:
    many = tuple(Credit(CustomerId(n), SubscriberId(n), Money("5.00"), "flat") for n in range(10_000))

    assert len(IssueCredits(IncidentId(31), many).operation_key) < 100


def test_credits_read_back_from_their_json_are_the_same() -> None:
    action = IssueCredits(IncidentId(31), (Credit(CustomerId(1), SubscriberId(1), Money("5.00"), "flat"),), CreditKind.DURATION)
    adapter = TypeAdapter(IssueCredits)

    assert adapter.validate_json(adapter.dump_json(action), strict=True) == action


async def test_a_credit_lowers_what_the_customer_owes(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    customer, line = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    async with atlas.transaction(executor("test")) as conn:
        assert (await balance(conn, customer, NOW.date())).owed == Money("25.00")


async def test_credits_say_what_was_given(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    lines = [(await customer_with_line(owner))[1] for _ in range(2)]

    outcome = await carried.out(atlas, await due_for(atlas, await outage(owner, *lines)), NOW)

    assert outcome == {"credits": 2, "customers": 2, "money": "10.00", "not_due": 0, "told": 0}


async def test_the_same_credits_carried_out_twice_are_given_once(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner)
    action = await due_for(atlas, await outage(owner, line))
    await carried.out(atlas, action, NOW)

    again = await carried.out(atlas, action, NOW)

    assert (again["credits"], await counted(owner, "billing.credit"), await counted(owner, "billing.journal")) == (0, 1, 1)


async def test_the_same_credits_carried_out_by_four_workers_at_once_are_given_once(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    lines = [(await customer_with_line(owner))[1] for _ in range(5)]
    action = await due_for(atlas, await outage(owner, *lines))

    outcomes = await asyncio.gather(*(carried.out(atlas, action, NOW) for _ in range(4)))

    assert (sum(outcome["credits"] for outcome in outcomes), await counted(owner, "billing.posting")) == (5, 10)


async def test_every_credit_has_a_balanced_journal(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    lines = [(await customer_with_line(owner))[1] for _ in range(3)]

    await carried.out(atlas, await due_for(atlas, await outage(owner, *lines)), NOW)

    sums = await (await owner.execute("SELECT sum(amount_minor)::int FROM billing.posting GROUP BY journal_id")).fetchall()
    assert sums == [(0,), (0,), (0,)]


async def test_an_incident_that_lost_a_member_asks_for_fewer_credits(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    lines = [(await customer_with_line(owner))[1] for _ in range(2)]
    incident = await outage(owner, *lines)
    action = await due_for(atlas, incident)
    await owner.execute("DELETE FROM itsm.incident_subscriber WHERE subscriber_id = %s", (lines[0],))

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert [credit.subscriber_id for credit in refreshed.credits] == [lines[1]]


async def test_credits_for_which_nothing_moved_are_refreshed_to_themselves(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    lines = [(await customer_with_line(owner))[1] for _ in range(2)]
    action = await due_for(atlas, await outage(owner, *lines))

    async with atlas.transaction(executor("test")) as conn:
        assert await action.refreshed(conn, NOW) == action


async def test_a_credit_larger_than_what_is_due_is_not_given(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    customer, line = await customer_with_line(owner)
    forged = IssueCredits(await outage(owner, line), (Credit(customer, SubscriberId(line), Money("500.00"), "trust me"),))

    outcome = await carried.out(atlas, forged, NOW)

    assert (outcome["credits"], await counted(owner, "billing.credit")) == (0, 0)


async def test_days_without_service_are_credited_beside_the_flat_credit(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500, share="0.10000", hours=48)
    _, line = await customer_with_line(owner)
    incident = await outage(owner, line, lost_at=NOW - timedelta(days=4), restored_at=NOW)
    await carried.out(atlas, await due_for(atlas, incident), NOW)

    action = await due_for(atlas, incident, CreditKind.DURATION)
    await carried.out(atlas, action, NOW)

    given_minor = await (await owner.execute("SELECT cause, amount_minor FROM billing.credit ORDER BY id")).fetchall()
    assert given_minor == [(f"incident:{incident}", 500), (f"incident:{incident}:duration", 600)]


async def test_a_customer_who_asks_is_credited_for_their_own_line_only(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    (maya, hers), (_, other) = await customer_with_line(owner), await customer_with_line(owner, "Omar Haddad")
    incident = await outage(owner, hers, other)
    everybody = (await due_for(atlas, incident)).credits

    async with atlas.transaction(executor("test")) as conn:
        asked = await RequestCredit(maya, incident, everybody).refreshed(conn, NOW)

    assert [credit.subscriber_id for credit in asked.credits] == [hers]


def test_nobody_who_benefits_may_rule_on_a_requested_credit() -> None:
    assert RequestCredit(CustomerId(5), IncidentId(31), ()).for_customer == CustomerId(5)


async def test_what_is_not_yet_due_is_owed_but_not_overdue(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})

    async with atlas.transaction(executor("test")) as conn:
        found = await balance(conn, customer, NOW.date())

    assert (found.owed, found.overdue) == (Money("30.00"), ZERO)


async def test_an_overpayment_stands_in_the_customers_favour(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await payment(owner, customer, 500)

    async with atlas.transaction(executor("test")) as conn:
        found = await balance(conn, customer, NOW.date())

    assert (found.owed, found.last_payment) == (Money("-5.00"), Money("5.00"))


async def test_credits_cannot_be_written_without_an_allowed_action(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner)
    action = await due_for(atlas, await outage(owner, line))

    with pytest.raises(Exception, match="no action was allowed"):
        async with atlas.transaction(executor("test")) as conn:
            await action.carry_out(conn, NOW)

    assert await counted(owner, "billing.credit") == 0
