from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from atlas.billing.reads import balance
from atlas.billing.records import Credit, CreditKind
from atlas.billing.rules import PaymentArrived, ProtectedFromDisconnection
from atlas.connection import Atlas
from atlas.identity import CustomerId, IncidentId, SubscriberId
from atlas.money import ZERO, Money
from atlas.principal import executor
from forge.actions.billing import IssueCredits, RequestCredit, SuspendForNonPayment
from forge.wording import LANGUAGES, worded
from tests import carried, given
from tests.billing.arranged import bill, compensation, customer_with_line, outage, payment
from tests.given import NOW, Owner

LONG_AGO = (NOW - timedelta(days=70)).date().replace(day=1)


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


async def notices(owner: Owner) -> list[tuple[str, str, str]]:
    return await (await owner.execute("SELECT purpose, address, words FROM helpdesk.notice ORDER BY id")).fetchall()


async def test_whoever_is_credited_is_told_the_amount_in_the_same_transaction(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    _, line = await customer_with_line(owner, phone="+447700900001")

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert await notices(owner) == [
        (
            "credit",
            "+447700900001",
            "We have taken £5.00 off your next bill, for the time on 02/03/2026 when your internet was down."
            " You need not do anything. We are sorry for the trouble.",
        )
    ]


async def test_a_customer_with_two_lines_is_told_once_of_the_whole_amount(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner, flat_minor=500)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    second = await given.subscriber(owner, customer, await given.device(owner, "olt-2"))

    await carried.out(atlas, await due_for(atlas, await outage(owner, line, second)), NOW)

    assert [words[:26] for _, _, words in await notices(owner)] == ["We have taken £10.00 off y"]


async def test_nobody_is_told_twice_of_one_credit(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner, phone="+447700900001")
    action = await due_for(atlas, await outage(owner, line))
    await carried.out(atlas, action, NOW)

    again = await carried.out(atlas, action, NOW)

    assert (again["told"], len(await notices(owner))) == (0, 1)


async def test_whoever_closed_the_channel_for_bills_is_credited_but_not_written_to(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'billing', 'sms', false, now(), 'test')", (customer,))

    outcome = await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert (outcome["credits"], outcome["told"]) == (1, 0)


async def test_a_closed_preferred_channel_gives_way_to_one_that_is_open(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    customer, line = await customer_with_line(owner, phone="+447700900001")
    await given.row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@example.com")
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'billing', 'sms', false, now(), 'test')", (customer,))

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    assert [address for _, address, _ in await notices(owner)] == ["maya@example.com"]


async def test_a_credit_is_told_after_the_quiet_hours_of_the_customer(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, line = await customer_with_line(owner, phone="+447700900001")
    await owner.execute("UPDATE crm.contact SET quiet_from = '08:00', quiet_until = '10:30'")

    await carried.out(atlas, await due_for(atlas, await outage(owner, line)), NOW)

    found = await (await owner.execute("SELECT not_before FROM helpdesk.notice")).fetchone()
    assert found == (NOW.replace(hour=10, minute=30),)


async def test_the_approver_sees_the_words_in_each_language_spoken(atlas: Atlas, owner: Owner) -> None:
    await compensation(owner)
    _, one = await customer_with_line(owner, phone="+447700900001")
    _, other = await customer_with_line(owner, "Jonas Weber", "+447700900002", language="de")
    action = await due_for(atlas, await outage(owner, one, other))

    async with atlas.transaction(executor("test")) as conn:
        samples = await action.preview(conn, NOW)

    assert sorted(words[:18] for words in samples) == ["We have taken £5.0", "Wir ziehen £5.00 v"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_credit_for_days_has_words_in_every_language(language: str) -> None:
    words = worded("credit_days", language, {"amount": "£6.00", "day": "02/03/2026"})

    assert "£6.00" in words
    assert "02/03/2026" in words


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


async def in_debt(owner: Owner, **columns: Any) -> CustomerId:
    customer, _ = await customer_with_line(owner, **columns)
    await bill(owner, customer, LONG_AGO, {"Fibre 100": 3000})
    return customer


async def suspension(atlas: Atlas) -> SuspendForNonPayment:
    async with atlas.transaction(executor("test")) as conn:
        return await SuspendForNonPayment.due(conn, NOW)


async def states(owner: Owner) -> list[tuple[str, str | None]]:
    return await (await owner.execute("SELECT state, suspended_for FROM crm.subscriber ORDER BY id")).fetchall()


async def test_a_debt_that_was_asked_for_and_not_paid_is_cut_off(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner)

    outcome = await carried.out(atlas, await suspension(atlas), NOW)

    assert (outcome, await states(owner)) == ({"customers": 1, "lines_suspended": 1, "owed": "30.00"}, [("suspended", "non_payment")])


async def test_cutting_off_is_judged_as_a_disconnection_with_the_money_owed(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner)

    facts = (await suspension(atlas)).facts()

    assert (facts.is_disconnection, facts.money, facts.customers, facts.is_protected) == (True, Money("30.00"), 1, False)


async def test_nobody_whom_something_protects_is_proposed_for_cutting_off(atlas: Atlas, owner: Owner) -> None:
    await in_debt(owner, is_vulnerable=True)
    await in_debt(owner, has_emergency_line=True)
    disputed = await in_debt(owner)
    await owner.execute("UPDATE billing.invoice SET is_disputed = true WHERE customer_id = %s", (disputed,))

    assert (await suspension(atlas)).debts == ()


async def test_a_payment_that_arrived_since_the_approval_stops_the_cutting_off(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    action = await suspension(atlas)
    await payment(owner, customer, 3000)

    with pytest.raises(PaymentArrived):
        await carried.out(atlas, action, NOW)

    assert await states(owner) == [("active", None)]


async def test_somebody_found_to_be_vulnerable_since_the_approval_is_not_cut_off(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    action = await suspension(atlas)
    await owner.execute("UPDATE crm.customer SET is_vulnerable = true WHERE id = %s", (customer,))

    with pytest.raises(ProtectedFromDisconnection):
        await carried.out(atlas, action, NOW)

    assert await states(owner) == [("active", None)]


async def test_whoever_paid_is_left_out_when_the_facts_are_taken_again(atlas: Atlas, owner: Owner) -> None:
    paid, still_owing = await in_debt(owner), await in_debt(owner)
    action = await suspension(atlas)
    await payment(owner, paid, 3000)

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert [debt.customer_id for debt in refreshed.debts] == [still_owing]


async def test_a_payment_settles_the_oldest_bill_first(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    await payment(owner, customer, 3000)

    assert (await suspension(atlas)).debts == ()


async def test_a_part_payment_leaves_the_rest_of_the_oldest_bill_open(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner)
    await payment(owner, customer, 1000)

    action = await suspension(atlas)

    assert [debt.owed for debt in action.debts] == [Money("20.00")]


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
