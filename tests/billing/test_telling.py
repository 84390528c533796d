"""A bill that was issued is told of: once, to whoever pays it, with what is left to pay and by when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from atlas.billing.reads.runs import held_bills
from atlas.identity import NoticeId
from forge import telling_bills
from forge.actions.billing.runs import ReleaseHeldBills
from forge.bill_run import BILLER, BatchFailed, bill_the_day, drafted, go_on, let_go, prepared
from forge.dunning import chase
from forge.leavers import settle_with_leavers
from forge.matrix_in_force import write_in_force
from forge.may_send import May, permits
from forge.outbox import drain
from forge.propose import Forge
from forge.telling_bills import go_on_and_tell, tell_bills
from governance.dunning import SHIPPED as LADDER_FILE
from governance.dunning import load as load_ladder
from governance.matrix import SHIPPED, load
from tests import carried, given
from tests.billing.arranged import bill, customer_with_line, one, payment
from tests.billing.test_leavers import leaver
from tests.billing.told import MARCH, PHONE, Recording, Refusing, charged, failed, forge, pays, said
from tests.given import NOW, Owner, row

__all__ = ["forge"]


async def test_whoever_is_billed_is_told_how_much_and_by_when(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    due = await one(owner, "SELECT to_char(due_on, 'DD/MM/YYYY') FROM billing.invoice")
    words = f"Your bill 100001 is ready: £36.00, to be paid by {due}. Write to us if you want a line of it explained, or a link to pay."
    assert await said(owner) == f"bill {PHONE} {words}"


async def test_nobody_is_told_of_a_bill_twice(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)

    assert await tell_bills(forge) == []
    assert await one(owner, "SELECT count(*) FROM helpdesk.notice") == 1


async def test_many_bills_are_told_of_so_many_at_a_time(forge: Forge, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling_bills, "AT_ONCE", 2)
    for nth in range(3):
        await charged(owner, f"+44770090020{nth}", f"Customer {nth}")
    await bill_the_day(forge, MARCH)

    made = await tell_bills(forge)

    assert ([one.outcome for one in made], await one(owner, "SELECT count(*) FROM helpdesk.notice")) == (
        [{"bills": 2, "told": 2}, {"bills": 1, "told": 1}],
        3,
    )


async def test_whoever_pays_for_somebody_else_is_told_instead_and_by_whose_name(forge: Forge, owner: Owner) -> None:
    await pays(owner, await charged(owner))
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    told = await said(owner)
    assert told is not None
    assert told.startswith("bill_payer ann@example.com The bill 100001 of Maya Patel, for whom you pay, is ready: £36.00")
    assert PHONE not in told


async def test_whoever_paid_for_them_once_is_told_of_nothing_any_more(forge: Forge, owner: Owner) -> None:
    over = {"valid_from": NOW - timedelta(days=30), "valid_until": NOW - timedelta(days=1)}
    await pays(owner, await charged(owner), **over)
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    assert (await said(owner) or "").startswith(f"bill {PHONE} ")


async def test_a_reminder_goes_to_whoever_pays_and_the_warning_to_whose_line_it_is(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Maya Patel", PHONE)
    await pays(owner, customer)
    due = NOW.date() - timedelta(days=3)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)

    await chase(forge, load_ladder(LADDER_FILE))

    told = await said(owner, "reminder%")
    assert told is not None
    assert told.startswith("reminder_payer ann@example.com A bill of Maya Patel, for whom you pay, is overdue: £35.00 is open.")
    assert "\n" not in told


async def test_what_their_credit_covers_is_not_asked_for(forge: Forge, owner: Owner) -> None:
    await payment(owner, await charged(owner), 5000)
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    assert (await said(owner) or "").startswith(f"bill_covered {PHONE} Your bill 100001 is ready: £36.00. There is nothing to pay")


async def test_what_their_credit_leaves_of_a_bill_is_what_is_asked_for(forge: Forge, owner: Owner) -> None:
    await payment(owner, await charged(owner), 1000)
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    assert "£26.00, to be paid by" in (await said(owner) or "")


async def test_whoever_closed_every_way_for_bills_is_told_by_none(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner)
    await row(owner, "crm.consent", customer_id=customer, purpose="billing", channel="sms", is_given=False, source="asked")
    await bill_the_day(forge, MARCH)

    assert (await tell_bills(forge), await said(owner)) == ([], None)


async def test_a_bill_that_is_held_is_told_of_when_it_is_let_go_and_not_before(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await drafted(forge, run := await prepared(forge, BILLER, MARCH))
    await owner.execute("UPDATE billing.invoice SET state = 'onHold', anomalies = '{much_more}'")
    await let_go(forge, BILLER, run)
    await go_on(forge)
    assert await tell_bills(forge) == []

    async with forge.atlas.transaction(BILLER) as conn:
        held = tuple(await held_bills(conn))
    await carried.out(forge.atlas, ReleaseHeldBills(held), NOW)
    await write_in_force(owner, load(SHIPPED))
    await tell_bills(forge)

    assert (await said(owner) or "").startswith(f"bill {PHONE} ")
    assert await one(owner, "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'billing.run'") == 1


async def test_a_last_bill_in_their_favour_is_told_of_as_such(forge: Forge, owner: Owner) -> None:
    customer = await leaver(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="sms", address=PHONE, is_preferred=True)
    await settle_with_leavers(forge)

    await tell_bills(forge)

    told = await said(owner, "bill_gives_back") or ""
    assert told.startswith(f"bill_gives_back {PHONE} Your last bill ")
    assert "in your favour" in told


async def test_a_bill_of_more_than_a_week_ago_is_left_to_the_reminder(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)
    await owner.execute("ALTER TABLE billing.invoice DISABLE TRIGGER USER")
    await owner.execute("UPDATE billing.invoice SET issued_at = issued_at - interval '8 days'")

    assert await tell_bills(forge) == []


async def test_whoever_pays_is_not_told_of_a_bill_that_the_customers_credit_covers(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner)
    await pays(owner, customer)
    await payment(owner, customer, 5000)
    await bill_the_day(forge, MARCH)

    await tell_bills(forge)

    assert (await said(owner) or "").startswith(f"bill_covered {PHONE} ")


async def test_where_a_payer_cannot_be_reached_the_customer_is_told_the_next_day(forge: Forge, owner: Owner) -> None:
    await pays(owner, await charged(owner))
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)
    await failed(owner, "bill_payer")

    await tell_bills(replace(forge, now=lambda: NOW + timedelta(days=1)))

    told = (await said(owner) or "").splitlines()
    assert [one.split(" Your")[0].split(" The")[0] for one in told] == ["bill_payer ann@example.com", f"bill {PHONE}"]


async def test_what_was_said_to_a_payer_goes_to_nobody_else(forge: Forge, owner: Owner) -> None:
    await pays(owner, await charged(owner))
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)

    await drain(forge.atlas, Refusing())

    assert await one(owner, "SELECT state || ' ' || address FROM helpdesk.notice") == "failed ann@example.com"


async def test_a_payer_is_not_reminded_of_what_was_paid_meanwhile(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Maya Patel", PHONE)
    await pays(owner, customer)
    due = NOW.date() - timedelta(days=3)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)
    await chase(forge, load_ladder(LADDER_FILE))
    await payment(owner, customer, 3500)

    notice = NoticeId(await one(owner, "SELECT id FROM helpdesk.notice WHERE purpose = 'reminder_payer'"))
    async with forge.atlas.transaction(BILLER) as conn:
        permit = (await permits(conn, [notice]))[notice]

    assert (permit.may, permit.why) == (May.NEVER, "nothing is overdue any more")


async def test_nobody_is_woken_by_a_bill_and_a_letter_by_mail_wakes_nobody(forge: Forge, owner: Owner) -> None:
    night = datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    await charged(owner)
    by_mail = await charged(owner, None, "Omar Haddad")
    await row(owner, "crm.contact", customer_id=by_mail, channel="email", address="omar@home.example")
    await bill_the_day(forge, MARCH)

    await tell_bills(replace(forge, now=lambda: night))

    due = "SELECT array_agg(to_char(not_before AT TIME ZONE 'UTC', 'HH24:MI') ORDER BY channel) FROM helpdesk.notice"
    assert await one(owner, due) == ["03:30", "08:00"]


async def test_an_answer_goes_before_ten_thousand_bills(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)
    known = {"channel": "sms", "language": "en", "template": "", "action_id": await given.action(owner, "send_message")}
    await row(owner, "helpdesk.notice", purpose="reply", key="conversation:1:reply:1", address=PHONE, words="Soon.", **known)
    carried_first = Recording()

    await drain(forge.atlas, carried_first)

    assert [words.split(" ")[0] for words in carried_first.words] == ["Soon.", "Your"]


async def test_a_run_that_breaks_is_told_of_as_far_as_it_came(forge: Forge, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)

    async def breaks(forge: Forge) -> None:
        raise BatchFailed("the second batch")

    monkeypatch.setattr(telling_bills, "go_on", breaks)
    with pytest.raises(BatchFailed):
        await go_on_and_tell(forge)

    assert (await said(owner) or "").startswith(f"bill {PHONE} ")


async def test_what_was_switched_off_is_told_the_next_day(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, MARCH)
    await row(owner, "actions.kill_switch", scope="action", name="send_bills", is_on=True, reason="a test", by="staff:1")
    before = [one.state.value for one in await tell_bills(forge)]
    await owner.execute("DELETE FROM actions.kill_switch")

    after = [one.state.value for one in await tell_bills(replace(forge, now=lambda: NOW + timedelta(days=1)))]

    assert (before, after) == (["refused"], ["done"])


async def test_whoever_was_made_one_with_another_since_is_told_as_that_one(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner, phone=None)
    kept = await given.customer(owner, "Maya J. Patel", PHONE)
    await bill_the_day(forge, MARCH)
    await owner.execute("UPDATE crm.customer SET state = 'former', merged_into_id = %s WHERE id = %s", (kept, customer))

    await tell_bills(forge)

    assert (await said(owner) or "").startswith(f"bill {PHONE} ")
