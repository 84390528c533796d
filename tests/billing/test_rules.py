from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.billing.records.bills import InvoiceLine, LineChange
from atlas.billing.records.compensation import CompensationRate, Credit, CreditKind, OutageSuffered
from atlas.billing.records.cycles import Period
from atlas.billing.records.debts import Debt, OverdueInvoice
from atlas.billing.rules.amounts import total
from atlas.billing.rules.comparison import bill_changes, compared
from atlas.billing.rules.compensation import (
    CreditExceedsInvoice,
    credit_cause,
    credit_within,
    credits_due,
    duration_credit,
    goodwill_credit,
    largest_to_one,
    still_due,
)
from atlas.billing.rules.cycles import next_cycle_date, periods_from
from atlas.billing.rules.debts import aged_debts, debts_of, is_due_for_suspension, is_protected
from atlas.billing.rules.proration import prorated_change, prorated_charge
from atlas.billing.rules.tax import line_taxes, shared_out
from atlas.errors import InvalidField
from atlas.identity import CustomerId, IncidentId, InvoiceId, SubscriberId
from atlas.money import ZERO, Money

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
RATE = CompensationRate(timedelta(days=2), Money("5.00"), Decimal("0.10"))
PLAN = Money("30.00")


def line(label: str, amount: str) -> InvoiceLine:
    return InvoiceLine(InvoiceId(1), label, Money(amount))


def test_only_what_moved_between_two_bills_is_named_largest_rise_first() -> None:
    before = [line("Fibre 100", "30.00"), line("Router rental", "4.00"), line("Static address", "5.00")]
    after = [line("Fibre 100", "30.00"), line("International calls", "6.20"), line("Router rental", "4.50")]

    changes = bill_changes(before, after)

    assert changes == [
        LineChange("International calls", Money("6.20")),
        LineChange("Router rental", Money("0.50")),
        LineChange("Static address", Money("-5.00")),
    ]


def test_lines_of_one_label_are_added_up_before_they_are_compared() -> None:
    before = [line("International calls", "1.00"), line("International calls", "2.00")]
    after = [line("International calls", "3.00")]

    assert bill_changes(before, after) == []


def test_the_named_changes_add_up_to_the_difference_of_the_bills() -> None:
    was, now = [line("Fibre 100", "30.00"), line("Discount", "-3.00")], [line("Fibre 100", "31.50"), line("International calls", "6.20")]

    comparison = compared(FEBRUARY, was, MARCH, now)

    assert (comparison.difference, total(change.amount for change in comparison.changes)) == (Money("10.70"), Money("10.70"))


@pytest.mark.parametrize(
    ("days", "in_period", "charge"),
    [(15, 30, "15.00"), (16, 31, "15.48"), (15, 29, "15.52"), (0, 30, "0.00"), (31, 31, "30.00")],
)
def test_a_part_of_a_month_costs_its_share_of_days(days: int, in_period: int, charge: str) -> None:
    assert prorated_charge(PLAN, days, in_period) == Money(charge)


def test_days_outside_the_period_are_refused() -> None:
    with pytest.raises(InvalidField, match="days"):
        prorated_charge(PLAN, 31, 30)


def test_a_dearer_plan_from_day_16_of_a_30_day_month_adds_half_the_difference() -> None:
    april = Period(date(2026, 4, 1), date(2026, 5, 1))

    assert prorated_change(Money("30.00"), Money("60.00"), date(2026, 4, 16), april) == Money("15.00")


def test_the_day_of_a_plan_change_is_billed_once_on_the_new_plan() -> None:
    april = Period(date(2026, 4, 1), date(2026, 5, 1))

    last_day = prorated_change(Money("30.00"), Money("60.00"), date(2026, 4, 30), april)

    assert last_day == Money("1.00")


def test_billing_day_31_falls_on_the_last_day_of_a_short_month_and_returns_to_31() -> None:
    dates = [date(2017, 1, 31)]
    while len(dates) < 6:
        dates.append(next_cycle_date(dates[-1], 31))

    assert dates[1:] == [date(2017, 2, 28), date(2017, 3, 31), date(2017, 4, 30), date(2017, 5, 31), date(2017, 6, 30)]


def test_a_service_started_on_30_january_of_a_leap_year_bills_29_february_to_29_march() -> None:
    second = list(islice(periods_from(datetime(2024, 1, 30, 12, tzinfo=UTC), "Europe/London", 30), 2))[1]

    assert (second.first, second.end - timedelta(days=1)) == (date(2024, 2, 29), date(2024, 3, 29))


def test_periods_follow_the_calendar_of_the_customer_and_leave_no_stub() -> None:
    started = datetime(2023, 3, 1, 3, 47, 56, tzinfo=UTC)

    discounted = list(islice(periods_from(started, "America/New_York", 28), 3))

    assert [(period.first, period.end) for period in discounted] == [
        (date(2023, 2, 28), date(2023, 3, 28)),
        (date(2023, 3, 28), date(2023, 4, 28)),
        (date(2023, 4, 28), date(2023, 5, 28)),
    ]


def test_periods_run_through_every_change_of_the_clocks() -> None:
    started = datetime(2015, 10, 1, 8, 9, 2, tzinfo=UTC)

    periods = list(islice(periods_from(started, "America/Juneau", 1), 24))

    assert (periods[0].first, periods[-1].end) == (date(2015, 10, 1), date(2017, 10, 1))


@given(started=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), cycle_day=st.integers(1, 31))  # noqa: DTZ001
@settings(max_examples=200, deadline=None)
def test_periods_follow_one_another_without_gap_or_overlap(started: datetime, cycle_day: int) -> None:
    periods = list(islice(periods_from(started.replace(tzinfo=UTC), "America/New_York", cycle_day), 30))

    assert all(one.end == after.first and 1 <= after.days <= 31 for one, after in pairwise(periods))


def test_a_credit_note_for_every_line_gives_back_exactly_what_the_invoice_charged() -> None:
    net = [Money("68.33"), Money("68.33"), Money("57.50"), Money("85.00")]

    notes = [amount + tax for amount, tax in zip(net, line_taxes(net, Decimal("0.20")), strict=True)]

    assert total(notes) == Money("334.99")


@given(net=st.lists(st.integers(-10_000, 1_000_000), min_size=1, max_size=40), rate=st.decimals("0", "0.3", places=4))
@settings(max_examples=200, deadline=None)
def test_line_taxes_always_add_up_to_the_tax_of_the_whole(net: list[int], rate: Decimal) -> None:
    taxes = line_taxes([Money.of_minor(amount) for amount in net], rate)

    assert abs(total(taxes).minor - sum(net) * rate) <= Decimal("0.5")


@given(amount=st.integers(0, 10_000_000), weights=st.lists(st.integers(1, 1000), min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_when_an_amount_is_shared_out(amount: int, weights: list[int]) -> None:
    shares = shared_out(Money.of_minor(amount), [Decimal(weight) for weight in weights])

    assert total(shares) == Money.of_minor(amount)


def test_a_credit_above_what_the_invoice_charged_is_refused() -> None:
    with pytest.raises(CreditExceedsInvoice, match=r"31\.00 exceeds the 30\.00"):
        credit_within(InvoiceId(7), Money("11.00"), charged=PLAN, credited_already=Money("20.00"))


def test_the_flat_credit_is_due_from_the_first_minute() -> None:
    assert goodwill_credit(RATE, PLAN) == Money("5.00")


def test_the_flat_credit_of_a_cheap_plan_is_a_months_price_at_most() -> None:
    assert goodwill_credit(RATE, Money("3.00")) == Money("3.00")


@pytest.mark.parametrize(
    ("hours", "credit"),
    [(47, "0.00"), (48, "0.00"), (71, "0.00"), (72, "3.00"), (96, "6.00"), (24 * 90, "25.00")],
)
def test_each_full_day_beyond_the_minimum_gives_back_its_share_up_to_a_months_price(hours: int, credit: str) -> None:
    assert duration_credit(RATE, PLAN, timedelta(hours=hours)) == Money(credit)


def suffered(subscriber: int, customer: int = 1, hours: int = 72, given: str = "0.00", kinds: tuple[str, ...] = ()) -> OutageSuffered:
    return OutageSuffered(
        CustomerId(customer),
        SubscriberId(subscriber),
        timedelta(hours=hours),
        PLAN,
        RATE.minimum_outage,
        RATE.flat,
        RATE.monthly_share_per_day,
        Money(given),
        kinds,
    )


def test_whoever_has_had_the_flat_credit_is_not_due_it_again() -> None:
    due = credits_due([suffered(1), suffered(2, given="5.00", kinds=("goodwill",))], CreditKind.GOODWILL)

    assert [(credit.subscriber_id, credit.amount) for credit in due] == [(1, Money("5.00"))]


def test_a_credit_for_days_says_how_it_was_worked_out() -> None:
    (credit,) = credits_due([suffered(1, given="5.00", kinds=("goodwill",))], CreditKind.DURATION)

    assert (credit.amount, credit.formula) == (Money("3.00"), "1 full day × 0.1 of 30.00 a month")


def test_credits_of_all_kinds_never_exceed_a_months_price() -> None:
    due = credits_due([suffered(1, hours=24 * 90, given="28.00", kinds=("goodwill",))], CreditKind.DURATION)

    assert due[0].amount == Money("2.00")


def test_a_short_outage_is_due_nothing_for_its_days() -> None:
    assert credits_due([suffered(1, hours=3)], CreditKind.DURATION) == []


def test_the_two_kinds_of_credit_for_one_incident_have_keys_of_their_own() -> None:
    keys = [credit_cause(IncidentId(31), kind) for kind in CreditKind]

    assert keys == ["incident:31", "incident:31:duration"]


def test_two_lines_of_one_customer_count_together_as_the_largest_share() -> None:
    given = [Credit(CustomerId(customer), SubscriberId(n), Money("5.00"), "flat") for n, customer in enumerate((1, 1, 2))]

    assert largest_to_one(given) == Money("10.00")


def test_a_credit_that_was_made_larger_than_what_is_due_is_not_due() -> None:
    due = Credit(CustomerId(1), SubscriberId(1), Money("5.00"), "flat")
    asked = [Credit(CustomerId(1), SubscriberId(1), Money("500.00"), "flat")]

    assert still_due(asked, [due]) == []


def overdue(due_on: date, outstanding: str, customer: int = 1, *, vulnerable: bool = False, disputed: bool = False) -> OverdueInvoice:
    return OverdueInvoice(CustomerId(customer), "Maya Patel", due_on, Money(outstanding), (), vulnerable, False, False, disputed)


def test_a_debt_is_aged_by_the_day_each_bill_was_due() -> None:
    today = date(2026, 3, 31)
    bills = [
        overdue(date(2026, 3, 30), "1.00"),
        overdue(date(2026, 3, 1), "2.00"),
        overdue(date(2026, 2, 28), "4.00"),
        overdue(date(2025, 12, 30), "8.00"),
    ]

    (aged,) = aged_debts(bills, today)

    columns = (aged.days_1_to_30, aged.days_31_to_60, aged.days_61_to_90, aged.days_over_90, aged.total)
    assert columns == (Money("3.00"), Money("4.00"), ZERO, Money("8.00"), Money("15.00"))


def test_the_largest_debt_comes_first() -> None:
    debts = debts_of([overdue(MARCH, "10.00", customer=1), overdue(MARCH, "20.00", customer=2), overdue(FEBRUARY, "15.00", customer=1)])

    assert [(debt.customer_id, debt.owed, debt.oldest_due_on) for debt in debts] == [
        (1, Money("25.00"), FEBRUARY),
        (2, Money("20.00"), MARCH),
    ]


def debt(
    owed: str, oldest: date = FEBRUARY, *, vulnerable: bool = False, emergency: bool = False, deceased: bool = False, disputed: bool = False
) -> Debt:
    return Debt(CustomerId(1), Money(owed), oldest, (), vulnerable, emergency, deceased, disputed)


@pytest.mark.parametrize(
    ("owed", "today", "due"),
    [("10.00", date(2026, 3, 3), True), ("9.99", date(2026, 3, 3), False), ("10.00", date(2026, 3, 2), False)],
)
def test_only_a_debt_of_ten_pounds_and_thirty_days_is_cut_off_for(owed: str, today: date, due: bool) -> None:
    assert is_due_for_suspension(debt(owed), today) is due


@pytest.mark.parametrize(
    "protected", [debt("90.00", vulnerable=True), debt("90.00", emergency=True), debt("90.00", deceased=True), debt("90.00", disputed=True)]
)
def test_the_vulnerable_the_dead_emergency_lines_and_disputed_debts_are_protected(protected: Debt) -> None:
    assert is_protected(protected)


def test_one_disputed_bill_protects_the_whole_customer() -> None:
    (whole,) = debts_of([overdue(MARCH, "10.00"), overdue(FEBRUARY, "15.00", disputed=True)])

    assert is_protected(whole)
