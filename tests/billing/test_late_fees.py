"""What lateness costs and what precedes a cut: a fee on the next bill, once for each; and nobody cut off who was not told from when."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from atlas import principal
from atlas.actions.records import ActionState
from atlas.billing.reads.dunning import chased, fees_due
from atlas.billing.rules.dunning import first_day_to_cut
from atlas.billing.rules.notes import FeeOnDraft, FeeWaived
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, NoticeId, StaffId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.corrections import IssueCreditNote
from forge.actions.billing.dunning import WarnOfSuspension
from forge.actions.billing.late_fees import ChargeLateFees, WaiveLateFee, waiver
from forge.actions.billing.money_in import RecordPayment
from forge.actions.billing.suspension import SuspendForNonPayment
from forge.dunning import chase
from forge.matrix_in_force import write_in_force
from forge.may_send import May, permits
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.dunning import SHIPPED, load
from governance.matrix import SHIPPED as MATRIX_FILE
from governance.matrix import load as load_matrix
from tests import carried, given
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, one, open_of, owed, payment, told_from_when
from tests.billing.billed import billed, charge, lines, plan
from tests.given import NOW, Owner, member, row
from tools.billing import money

LADDER = load(SHIPPED)
MONDAY = NOW.date()
FEE = LADDER.late_fee
assert FEE is not None


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    matrix = load_matrix(MATRIX_FILE)
    await write_in_force(owner, matrix)
    return Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))


async def late(owner: Owner, days: int = 20, phone: str = "+447700900001", minor: int = 3000, **columns: object) -> tuple[CustomerId, int]:
    """A customer and their one bill, overdue for so many days."""
    customer, _ = await customer_with_line(owner, phone=phone, **columns)
    due = MONDAY - timedelta(days=days)
    return customer, await bill(owner, customer, due.replace(day=1), {"Fibre 100": minor}, due_on=due)


async def fees(atlas: Atlas) -> ChargeLateFees:
    assert FEE is not None
    async with atlas.transaction(executor("test")) as conn:
        return ChargeLateFees(FEE, tuple(await fees_due(conn, FEE, MONDAY)))


@pytest.mark.parametrize(
    ("language", "called"),
    [
        ("en", "Late payment fee, bill {number}"),
        ("de", "Mahngebühr, Rechnung {number}"),
        ("fr", "Frais de retard, facture {number}"),
        ("es", "Recargo por demora, factura {number}"),
        ("hi", "विलंब शुल्क, बिल {number}"),
    ],
)
async def test_a_late_fee_is_called_what_it_is_in_the_customers_language(atlas: Atlas, owner: Owner, language: str, called: str) -> None:
    _, overdue = await late(owner, language=language)

    await carried.out(atlas, await fees(atlas), NOW)

    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)
    assert await one(owner, "SELECT label FROM billing.one_off") == called.format(number=number)


async def test_a_late_fee_stands_on_the_next_bill_and_never_on_the_one_that_is_late(atlas: Atlas, owner: Owner) -> None:
    customer, overdue = await late(owner)
    line = await one(owner, "SELECT id FROM crm.subscriber")
    await row(owner, "billing.account", customer_id=customer, cycle_day=1)
    await charge(owner, customer, line, await plan(owner, "p"), date(2026, 4, 1))

    outcome = await carried.out(atlas, await fees(atlas), NOW)
    owed_before_the_next = await owed(owner, customer)
    run = await billed(owner, date(2026, 4, 1), customer)

    assert (outcome["fees"], owed_before_the_next, await open_of(owner, overdue)) == (1, 3000, 3000)
    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)
    assert [(label, net, tax) for label, kind, _, _, net, tax in await lines(owner, run) if kind == "one_off"] == [
        (f"Late payment fee, bill {number}", 500, 0)
    ]


async def test_a_bill_just_issued_costs_no_late_fee(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, MONDAY.replace(day=1), {"Fibre 100": 3000})

    assert (await fees(atlas)).due == ()


async def test_each_overdue_bill_costs_one_fee_however_often_the_night_comes(forge: Forge, owner: Owner) -> None:
    customer, _ = await late(owner, 40)
    first = await chase(forge, LADDER)
    await bill(owner, customer, MONDAY.replace(month=1, day=1), {"Fibre 100": 3000}, due_on=MONDAY - timedelta(days=16))
    again = [await chase(forge, LADDER) for _ in range(2)]

    fees_of = [[each.outcome for each in made if each.outcome and "fees" in each.outcome] for made in (first, *again)]
    assert [len(each) for each in fees_of] == [1, 1, 0]
    assert await one(owner, "SELECT count(*) FROM billing.one_off") == 2


@pytest.mark.parametrize(
    "spared",
    [
        {"days": 14},
        {"minor": 999},
        {"is_vulnerable": True},
        {"state": "deceased"},
    ],
    ids=["not yet so late", "too little", "vulnerable", "died"],
)
async def test_some_lateness_costs_nothing(atlas: Atlas, owner: Owner, spared: dict[str, object]) -> None:
    await late(owner, **spared)  # type: ignore[arg-type]

    assert (await fees(atlas)).due == ()


async def test_a_promise_or_a_dispute_costs_no_late_fee(atlas: Atlas, owner: Owner) -> None:
    promised, _ = await late(owner)
    _, disputed = await late(owner, phone="+447700900002")
    action = await given.action(owner)
    made = {"amount_minor": 3000, "due_on": MONDAY, "made_at": NOW, "action_id": action}
    await row(owner, "billing.promise_to_pay", customer_id=promised, **made)
    await owner.execute("UPDATE billing.invoice SET is_disputed = true WHERE id = %s", (disputed,))

    assert (await fees(atlas)).due == ()


async def test_whoever_paid_since_it_was_asked_for_is_charged_no_late_fee(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner)
    action = await fees(atlas)
    await payment(owner, customer, 3000)

    assert (await carried.out(atlas, action, NOW))["fees"] == 0


async def test_a_late_fee_is_waived_before_it_is_billed_and_then_never_billed(atlas: Atlas, owner: Owner) -> None:
    customer, overdue = await late(owner)
    await carried.out(atlas, await fees(atlas), NOW)
    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)

    async with atlas.transaction(executor("test")) as conn:
        action = await waiver(conn, customer, number, "first time in ten years")
    assert isinstance(action, WaiveLateFee)
    await carried.out(atlas, action, NOW)

    line = await one(owner, "SELECT id FROM crm.subscriber")
    await row(owner, "billing.account", customer_id=customer, cycle_day=1)
    await charge(owner, customer, line, await plan(owner, "p"), date(2026, 4, 1))
    assert [kind for _, kind, *_ in await lines(owner, await billed(owner, date(2026, 4, 1), customer))] == ["recurring"]
    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(FeeWaived):
            await waiver(conn, customer, number, "again")
    assert (await fees(atlas)).due == ()


async def test_a_late_fee_that_was_billed_is_given_back_by_a_credit_note(atlas: Atlas, owner: Owner) -> None:
    customer, overdue = await late(owner)
    await carried.out(atlas, await fees(atlas), NOW)
    line = await one(owner, "SELECT id FROM crm.subscriber")
    await row(owner, "billing.account", customer_id=customer, cycle_day=1)
    await charge(owner, customer, line, await plan(owner, "p"), date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)
    before = await owed(owner, customer)

    async with atlas.transaction(executor("test")) as conn:
        action = await waiver(conn, customer, number, "goodwill")
    assert isinstance(action, IssueCreditNote)
    await carried.out(atlas, action, NOW)

    assert before - await owed(owner, customer) == 500


async def test_a_fee_on_a_bill_that_is_being_made_is_waived_later_and_one_that_is_not_there_never(atlas: Atlas, owner: Owner) -> None:
    customer, overdue = await late(owner)
    await carried.out(atlas, await fees(atlas), NOW)
    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)
    draft = await bill(owner, customer, MONDAY.replace(day=1), {}, issued_at=None)
    fee = await one(owner, "SELECT id FROM billing.one_off")
    columns = {"label": "Late payment fee", "kind": "one_off", "amount_minor": 500, "tax_minor": 0, "cause": "late"}
    await row(owner, "billing.invoice_line", invoice_id=draft, one_off_id=fee, **columns)

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(FeeOnDraft):
            await waiver(conn, customer, number, "goodwill")
        with pytest.raises(NotFound):
            await waiver(conn, customer, number + 1, "goodwill")


async def warning(atlas: Atlas, cut_from: date = MONDAY + timedelta(days=7)) -> WarnOfSuspension:
    async with atlas.transaction(executor("test")) as conn:
        return WarnOfSuspension("told-from-when", tuple(each.debt for each in await chased(conn, MONDAY)), cut_from, 5)


async def test_whoever_is_to_be_cut_off_is_told_from_when_in_their_language(atlas: Atlas, owner: Owner) -> None:
    await late(owner, 27, language="hi")

    outcome = await carried.out(atlas, await warning(atlas), NOW)

    assert (outcome["told"], outcome["from"]) == (1, "2026-03-09")
    assert (await one(owner, "SELECT words FROM helpdesk.notice")).startswith("09/03/2026 से आपका कनेक्शन बंद")


async def test_a_day_that_came_too_near_while_it_waited_is_moved(atlas: Atlas, owner: Owner) -> None:
    await late(owner, 27)

    outcome = await carried.out(atlas, await warning(atlas, cut_from=MONDAY + timedelta(days=1)), NOW)

    assert outcome["from"] == "2026-03-07"


@pytest.mark.parametrize(("declined", "told"), [("billing", 1), ("service", 0)])
async def test_no_wish_about_bills_keeps_back_that_a_line_is_at_stake(atlas: Atlas, owner: Owner, declined: str, told: int) -> None:
    customer, _ = await late(owner, 27)
    said = {"purpose": declined, "channel": "sms", "is_given": False, "source": "message:1", "recorded_at": NOW}
    await row(owner, "crm.consent", customer_id=customer, action_id=await given.action(owner), **said)

    outcome = await carried.out(atlas, await warning(atlas), NOW)

    assert (outcome["told"], outcome["cannot_be_told"]) == (told, 1 - told)


async def test_a_notice_of_suspension_waits_for_the_morning(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner, 27)
    await owner.execute("UPDATE crm.contact SET quiet_from = '21:00', quiet_until = '08:00' WHERE customer_id = %s", (customer,))
    night = datetime.combine(MONDAY, time(23), tzinfo=NOW.tzinfo)

    await carried.out(atlas, await warning(atlas), night)

    assert await one(owner, "SELECT not_before FROM helpdesk.notice") == datetime.combine(
        MONDAY + timedelta(days=1), time(8), tzinfo=NOW.tzinfo
    )


async def test_words_sent_late_move_the_day_and_words_not_sent_name_none(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner, 40)
    await told_from_when(owner, customer, MONDAY - timedelta(days=40), cut_from=MONDAY, sent_at=NOW - timedelta(days=6))

    async def first_day() -> date | None:
        async with atlas.transaction(executor("test")) as conn:
            return (await chased(conn, MONDAY))[0].cut_from

    in_time = await first_day()
    await owner.execute("UPDATE helpdesk.notice SET sent_at = sent_at + interval '4 days'")
    later = await first_day()
    await owner.execute("UPDATE helpdesk.notice SET state = 'failed'")

    assert (in_time, later, await first_day()) == (MONDAY, MONDAY + timedelta(days=4), None)


async def test_whoever_cannot_be_told_is_never_proposed_for_cutting_off(forge: Forge, owner: Owner) -> None:
    customer, _ = await late(owner, 60)
    action = await given.action(owner)
    for letter in ("reminder", "second-reminder", "final-notice", "told-from-when", "slow-down"):
        taken = {"step": letter, "oldest_due_on": MONDAY - timedelta(days=60), "owed_minor": 3000, "taken_at": NOW - timedelta(days=9)}
        await row(owner, "billing.dunning_step", customer_id=customer, action_id=action, **taken)
    await owner.execute("UPDATE crm.subscriber SET restricted_for = 'non_payment'")

    made = await chase(forge, LADDER)

    assert [each for each in made if each.state is ActionState.WAITING] == []
    assert await one(owner, "SELECT state FROM crm.subscriber") == "active"


def test_the_day_that_is_told_is_no_blackout_day_and_no_eve_of_one() -> None:
    on_saturday = first_day_to_cut(LADDER, MONDAY, ())
    before_a_holiday = first_day_to_cut(replace(LADDER, notice=timedelta(days=2)), MONDAY, (MONDAY + timedelta(days=3),))

    assert (on_saturday, before_a_holiday) == (MONDAY + timedelta(days=7), MONDAY + timedelta(days=7))


async def test_paid_by_cheque_yet_a_notice_of_suspension_is_not_sent(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner, 27)
    await carried.out(atlas, await warning(atlas), NOW)
    notice = NoticeId(await one(owner, "SELECT id FROM helpdesk.notice"))
    async with atlas.transaction(executor("test")) as conn:
        before = (await permits(conn, [notice]))[notice]

    await carried.out(atlas, RecordPayment(customer, Money("30.00"), "cheque", "004411", MONDAY), NOW)

    async with atlas.transaction(executor("test")) as conn:
        after = (await permits(conn, [notice]))[notice]
        assert await chased(conn, MONDAY) == []
    assert (before.may, after.may, after.why) == (May.SEND, May.NEVER, "nothing is overdue any more")


async def test_payment_arrives_during_suspension_run_and_nobody_is_cut_off(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner, 40)
    await told_from_when(owner, customer, MONDAY - timedelta(days=40))
    async with atlas.transaction(executor("test")) as conn:
        action = await SuspendForNonPayment.due(conn, NOW)
    await carried.out(atlas, RecordPayment(customer, Money("30.00"), "cash", "till 7", MONDAY), NOW)

    async with atlas.transaction(executor("test")) as conn:
        assert (await action.refreshed(conn, NOW)).debts == ()
    with pytest.raises(Exception, match="nobody is cut off for that"):
        await carried.out(atlas, action, NOW)

    assert await one(owner, "SELECT state FROM crm.subscriber") == "active"


async def test_a_cheque_told_of_twice_is_one_payment_and_another_amount_is_refused(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await late(owner)
    cheque = RecordPayment(customer, Money("10.00"), "cheque", "004411", MONDAY)
    for _ in range(2):
        await carried.out(atlas, cheque, NOW)

    with pytest.raises(InvalidField, match="with another amount"):
        await carried.out(atlas, replace(cheque, amount=Money("11.00")), NOW)

    assert await owed(owner, customer) == 2000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": Money("0.00")}, "amount"),
        ({"method": "beads"}, "method"),
        ({"reference": " "}, "reference"),
        ({"received_on": MONDAY + timedelta(days=1)}, "received_on"),
    ],
)
async def test_what_is_no_payment_is_refused_with_its_field(atlas: Atlas, owner: Owner, wrong: dict[str, object], field: str) -> None:
    customer, _ = await late(owner)
    cheque = replace(RecordPayment(customer, Money("10.00"), "cheque", "004411", MONDAY), **wrong)  # type: ignore[arg-type]

    with pytest.raises(InvalidField) as refused:
        await carried.out(atlas, cheque, NOW)

    assert (refused.value.field, await owed(owner, customer)) == (field, 3000)


async def test_staff_record_a_cheque_and_waive_a_fee_and_nobody_else_may(atlas: Atlas, owner: Owner) -> None:
    customer, overdue = await late(owner)
    await carried.out(atlas, await fees(atlas), NOW)
    number = await one(owner, "SELECT number FROM billing.invoice WHERE id = %s", overdue)
    bill_lead = principal.staff(StaffId(await member(owner, "Bill Lead", "billing_lead")), "Bill Lead", frozenset())

    async with asking(atlas, bill_lead) as (turn, proposed):
        await money.record_payment(turn, customer, Money("30.00"), "cheque", "004411")
        await money.waive_late_fee(turn, customer, number, "goodwill")
    async with asking(atlas, principal.customer(customer)) as (turn, _):
        with pytest.raises(principal.NotPermittedHere):
            await money.record_payment(turn, customer, Money("30.00"), "cheque", "004411")
        with pytest.raises(principal.NotPermittedHere):
            await money.waive_late_fee(turn, customer, number, "please")

    assert [type(each) for each in proposed] == [RecordPayment, WaiveLateFee]
