"""How debts are chased: the operator's ladder, what stops it, and that whoever pays is served again."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas.actions.records import ActionState
from atlas.billing.reads.dunning import chased, promises, why_suspended
from atlas.billing.records.dunning import Chased, Does, PromiseToPay
from atlas.billing.rules.dunning import NothingOverdue, PromisesBroken, checked_promise, rung_due
from atlas.billing.rules.money_in import RefundExceedsPayment
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.dunning import OpenDispute, RestoreService, SendDunningNotices, TakePromiseToPay
from forge.actions.billing.money_in import RefundPayment
from forge.actions.billing.suspension import SuspendForNonPayment
from forge.dunning import chase, restore
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.dunning import SHIPPED, LadderRefused, load
from governance.matrix import SHIPPED as MATRIX_FILE
from governance.matrix import load as load_matrix
from tests import carried, given
from tests.billing.arranged import bill, customer_with_line, one, payment, told_from_when
from tests.given import NOW, Owner, row

LADDER = load(SHIPPED)
MONDAY = NOW.date()


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    matrix = load_matrix(MATRIX_FILE)
    await write_in_force(owner, matrix)
    return Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))


def owing(days: int, owed: str = "30.00", **columns: object) -> Chased:
    at = Chased(
        CustomerId(1),
        Money(owed),
        1,
        MONDAY - timedelta(days=days),
        (SubscriberId(1),),
        (),
        None,
        None,
        False,
        False,
        False,
        False,
        False,
        False,
        "UTC",
        None,
    )
    return replace(at, **columns)  # type: ignore[arg-type]


def step(one: Chased, today: date = MONDAY, holidays: tuple[date, ...] = ()) -> str | None:
    rung = rung_due(LADDER, one, NOW + (today - MONDAY), today, holidays)
    return rung.step if rung else None


LETTERS = ("reminder", "second-reminder", "final-notice")
WORDS = (*LETTERS, "told-from-when")


@pytest.mark.parametrize(
    ("debt", "due"),
    [
        (owing(2), None),
        (owing(3), "reminder"),
        (owing(100), "reminder"),
        (owing(3, "0.99"), None),
        (owing(20, steps=("reminder",)), "second-reminder"),
        (owing(26, steps=LETTERS), "told-from-when"),
        (owing(29, steps=WORDS), "slow-down"),
        (owing(32, steps=WORDS, is_restricted=True, cut_from=MONDAY), "cut-off"),
        (owing(32, steps=WORDS, is_restricted=True), None),
        (owing(99, steps=WORDS, is_restricted=True, cut_from=MONDAY + timedelta(days=1)), None),
        (owing(70, steps=WORDS, is_suspended=True), "last-letter"),
        (owing(95, unpaid_bills=2, steps=(*WORDS, "last-letter"), is_suspended=True), "end"),
        (owing(95, unpaid_bills=1, steps=(*WORDS, "last-letter"), is_suspended=True), None),
    ],
    ids=[
        "too young",
        "first day",
        "none left out",
        "too small",
        "next",
        "told from when",
        "slow",
        "cut",
        "never told",
        "told another day",
        "letter",
        "end",
        "one bill ends nothing",
    ],
)
def test_the_lowest_step_that_was_not_taken_is_due(debt: Chased, due: str | None) -> None:
    assert step(debt) == due


@pytest.mark.parametrize("protection", ["is_vulnerable", "has_emergency_line", "is_disputed"])
def test_whoever_is_protected_is_written_to_and_never_slowed_or_cut_off(protection: str) -> None:
    letters = [step(owing(days, steps=LETTERS[:place], **{protection: True})) for place, days in enumerate((3, 14, 23))]

    assert (letters, step(owing(400, steps=LETTERS, **{protection: True}))) == ([*LETTERS], None)


UNHEARD = {"steps": WORDS, "warned": 1, "is_restricted": True, "can_be_warned": True}


@pytest.mark.parametrize(
    ("days_ago", "more", "due"),
    [
        (3, {"has_new_way": True}, "told-from-when"),
        (2, {"has_new_way": True, "last_step_at": NOW - timedelta(days=2)}, None),
        (6, {}, None),
        (7, {}, "told-from-when"),
        (70, {"can_be_warned": False}, None),
        (70, {"is_vulnerable": True}, None),
        (70, {"promised_until": MONDAY}, None),
        (70, {"is_suspended": True}, "last-letter"),
    ],
    ids=["a way not tried", "too soon", "same ways in the pause", "same ways after it", "no way", "protected", "promised", "cut off"],
)
def test_a_warning_that_reached_nobody_is_due_again_once_somebody_can_be_told(days_ago: int, more: dict[str, Any], due: str | None) -> None:
    assert step(owing(100, **{**UNHEARD, "unheard_at": NOW - timedelta(days=days_ago), **more})) == due


def test_a_warning_that_reached_nobody_holds_up_no_slowing_down_while_nobody_can_be_told() -> None:
    assert step(owing(40, steps=WORDS, warned=1, unheard_at=NOW - timedelta(days=9))) == "slow-down"


def test_nobody_writes_of_money_to_who_died() -> None:
    assert step(owing(40, is_deceased=True)) is None


@pytest.mark.parametrize("days", [4, 5, 6], ids=["friday", "saturday", "sunday"])
def test_nobody_is_cut_off_on_a_blackout_day_and_letters_go_on(days: int) -> None:
    today = MONDAY + timedelta(days=days)

    assert (step(owing(40, steps=WORDS), today), step(owing(40), today)) == (None, "reminder")


def test_nobody_is_cut_off_on_a_holiday_or_the_day_before() -> None:
    debt = owing(40, steps=WORDS)

    assert [step(debt, MONDAY, (MONDAY + timedelta(days=days),)) for days in (0, 1, 2)] == [None, None, "slow-down"]


def test_a_promise_stops_the_ladder_until_its_day_and_a_broken_one_lets_it_go_on() -> None:
    debts = [owing(40, steps=WORDS, promised_until=MONDAY + timedelta(days=days)) for days in (1, 0, -1)]

    assert [step(debt) for debt in debts] == [None, None, "slow-down"]


def test_no_two_steps_within_three_days() -> None:
    assert step(owing(40, steps=("reminder",), last_step_at=NOW - timedelta(days=2))) is None


@pytest.mark.parametrize(
    ("was", "becomes", "line", "wrong"),
    [
        ("does: message", "does: mesage", 24, "did you mean message"),
        ("owed_at_least: 1.00", "owed_at_least: 1", 26, "such as 250.00"),
        ("overdue_for: 3d", "overdue_for: 30d", 27, "comes before"),
        ("step: second-reminder", "step: reminder", 27, "stands twice"),
        ("overdue_for: 31d", "overdue_for: 29d", 43, "harsher than this house"),
        ("apart: 3d\n", "", 7, "has no apart"),
        ("blackout: [friday, saturday, sunday]", "blackout: [fryday]", 8, "did you mean friday"),
        ("notice: 5d", "notice: 6d", 43, "not told in time"),
        ("does: warn", "does: message", 43, "not told in time"),
        ("notice: 5d", "notice: 1d", 1, "harsher than this house"),
        ("amount: 5.00", "amount: 11.00", 17, "a late fee of 11.00"),
        ("overdue_for: 15d", "overdue_for: 3d", 1, "before anybody was written to"),
        ("tax_category: exempt", "tax_category: none", 20, "not known here"),
    ],
)
def test_a_ladder_that_is_wrong_is_refused_with_its_line(was: str, becomes: str, line: int, wrong: str) -> None:
    with pytest.raises(LadderRefused) as refused:
        load(SHIPPED.read_text().replace(was, becomes, 1))

    assert wrong in str(refused.value)
    assert refused.value.line == line


def test_a_ladder_that_cuts_before_it_writes_is_refused() -> None:
    steps = SHIPPED.read_text().split("steps:\n")
    cut = "  - {step: cut-off, does: suspend, overdue_for: 31d, owed_at_least: 10.00}\n"

    with pytest.raises(LadderRefused, match="never written to"):
        load(f"{steps[0]}steps:\n{cut}")


async def in_debt(owner: Owner, days: int, phone: str = "+447700900001", **columns: object) -> CustomerId:
    customer, _ = await customer_with_line(owner, phone=phone, **columns)
    due = MONDAY - timedelta(days=days)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3000, "Films": 500}, due_on=due)
    return customer


async def test_the_night_writes_to_whoever_is_late_once_and_in_their_language(forge: Forge, owner: Owner) -> None:
    await in_debt(owner, 5, language="de")

    first = await chase(forge, LADDER)
    again = await chase(forge, LADDER)

    assert ([one.state for one in first], again) == ([ActionState.DONE], [])
    assert "€" not in await one(owner, "SELECT words FROM helpdesk.notice")
    assert "überfällig: £35.00" in await one(owner, "SELECT words FROM helpdesk.notice")


async def test_every_step_that_slows_or_cuts_waits_for_a_person(forge: Forge, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    action = await given.action(owner)
    for letter in WORDS:
        taken = {"step": letter, "oldest_due_on": MONDAY - timedelta(days=40), "owed_minor": 3500, "taken_at": NOW - timedelta(days=9)}
        await row(owner, "billing.dunning_step", customer_id=customer, action_id=action, **taken)

    proposed = await chase(forge, replace(LADDER, late_fee=None))

    assert [(one.state, one.approver_roles) for one in proposed] == [(ActionState.WAITING, ("billing_lead",))]
    assert await one(owner, "SELECT restricted_for FROM crm.subscriber") is None


async def cut_off(atlas: Atlas, owner: Owner) -> CustomerId:
    customer = await in_debt(owner, 40)
    async with atlas.transaction(executor("test")) as conn:
        action = SuspendForNonPayment(tuple(one.debt for one in await chased(conn, MONDAY)))
    await told_from_when(owner, customer, MONDAY - timedelta(days=40))
    await carried.out(atlas, action, NOW)
    return customer


async def test_whoever_pays_is_served_again_at_once_and_told(atlas: Atlas, owner: Owner) -> None:
    customer = await cut_off(atlas, owner)
    matrix = load_matrix(MATRIX_FILE)
    await write_in_force(owner, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))
    assert await restore(forge, customer) == []

    await payment(owner, customer, 3500)
    (restored,) = await restore(forge, customer)

    assert (restored.state, await one(owner, "SELECT state FROM crm.subscriber")) == (ActionState.DONE, "active")
    assert "Thank you for your payment" in await one(owner, "SELECT words FROM helpdesk.notice WHERE purpose = 'service_back'")


async def test_a_line_that_was_cut_off_for_abuse_is_not_restored_by_a_payment(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'abuse'")
    await payment(owner, customer, 3500)

    outcome = await carried.out(atlas, RestoreService((customer,), MONDAY), NOW)

    assert (outcome["lines_restored"], await one(owner, "SELECT state FROM crm.subscriber")) == (0, "suspended")


async def test_payment_arrives_during_suspension_run(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 5)
    async with atlas.transaction(executor("test")) as conn:
        action = SendDunningNotices("reminder", tuple(one.debt for one in await chased(conn, MONDAY)))
    await payment(owner, customer, 3500)

    outcome = await carried.out(atlas, action, NOW)

    assert (outcome["customers"], await one(owner, "SELECT count(*) FROM helpdesk.notice")) == (0, 0)


async def test_customer_disputes_one_line(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    async with atlas.transaction(executor("test")) as conn:
        action = await OpenDispute.of(conn, customer, "films", "never ordered", NOW)

    await carried.out(atlas, action, NOW)

    async with atlas.transaction(executor("test")) as conn:
        (left,) = await chased(conn, MONDAY)
    assert (left.owed, left.is_disputed) == (Money("30.00"), False)


async def test_a_promise_is_taken_once_and_is_broken_when_its_day_is_over(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 40)
    until = MONDAY + timedelta(days=7)

    await carried.out(atlas, TakePromiseToPay(customer, Money("35.00"), until), NOW)
    with pytest.raises(InvalidField, match="there is a promise already"):
        await carried.out(atlas, TakePromiseToPay(customer, Money("35.00"), until + timedelta(days=1)), NOW)

    async with atlas.transaction(executor("test")) as conn:
        states = [(await promises(conn, customer, day))[0].is_broken for day in (until, until + timedelta(days=1))]
        said = await why_suspended(conn, customer, MONDAY)
    assert (states, said.promised_until, said.overdue) == ([False, True], until, Money("35.00"))


def test_a_promise_is_refused_for_a_day_too_far_for_nothing_owed_and_after_two_that_were_broken() -> None:
    broken = [PromiseToPay(Money("30.00"), MONDAY - timedelta(days=days), NOW, True) for days in (10, 30)]

    for promise, error in (
        ((Money("30.00"), 15, []), InvalidField),
        ((Money("0.00"), 3, []), NothingOverdue),
        ((Money("30.00"), 3, broken), PromisesBroken),
    ):
        amount, days, made = promise
        with pytest.raises(error):
            checked_promise(LADDER, made, amount, MONDAY + timedelta(days=days), MONDAY)


async def test_refund_larger_than_what_was_paid(atlas: Atlas, owner: Owner) -> None:
    customer = await in_debt(owner, 5)
    reference = await payment(owner, customer, 5000)

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(RefundExceedsPayment):
            await RefundPayment.of(conn, customer, reference, Money("15.01"), "asked")
        action = await RefundPayment.of(conn, customer, reference, Money("15.00"), "asked")
    for _ in range(2):
        await carried.out(atlas, action, NOW)

    assert await one(owner, "SELECT count(*) FROM actions.errand WHERE operation = 'refund'") == 1


def test_the_ladder_that_ships_only_ever_grows_harsher() -> None:
    harms = [rung.does for rung in LADDER.rungs if rung.does not in (Does.MESSAGE, Does.WARN)]

    assert harms == [Does.RESTRICT, Does.SUSPEND, Does.TERMINATE]
