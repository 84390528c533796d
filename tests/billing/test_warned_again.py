"""A warning that reached nobody was not given: it is said again, by whatever reaches them now, and until it did nobody is cut off."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from atlas.connection import Atlas
from atlas.identity import CustomerId
from forge.dunning import chase
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.dunning import SHIPPED, load
from governance.matrix import SHIPPED as MATRIX_FILE
from governance.matrix import load as load_matrix
from tests.billing.arranged import bill, customer_with_line, one
from tests.given import NOW, Owner, row

LADDER = load(SHIPPED)
TODAY = NOW.date()
# Three letters, three nights apart, and the warning: the night on which it comes for a bill that was never chased before.
LATE, WARNED = timedelta(days=20), 9
SMS, MAIL = "+447700900001", "maya@example.com"
SAID = (
    "SELECT step.attempt, step.taken_at::date, step.announced_for, notice.channel FROM billing.dunning_step AS step"
    "  LEFT JOIN helpdesk.notice ON notice.action_id = step.action_id AND notice.customer_id = step.customer_id"
    " WHERE step.step = 'told-from-when' ORDER BY step.attempt"
)


async def in_debt(owner: Owner, phone: str | None = SMS) -> CustomerId:
    """A customer whose one bill of 35.00 is late, and of whom nobody asked it yet."""
    customer, _ = await customer_with_line(owner, phone=phone)
    due = TODAY - LATE
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)
    return customer


class Nights:
    """One night after another: the ladder is climbed, and every word of the night arrives by `reaching` channels and by no others."""

    def __init__(self, atlas: Atlas, owner: Owner) -> None:
        self.atlas, self.owner, self.night = atlas, owner, 0
        self.matrix = MatrixInForce(load_matrix(MATRIX_FILE))
        self.cut_off_on: date | None = None

    async def until(self, night: int, reaching: Sequence[str]) -> None:
        await write_in_force(self.owner, load_matrix(MATRIX_FILE))
        while self.night < night:
            now = NOW + timedelta(days=self.night)
            await chase(Forge(self.atlas, Register.of_modules(), self.matrix, lambda at=now: at, ZoneInfo("Europe/London")), LADDER)
            await self.arrived(now, reaching)
            self.night += 1

    async def arrived(self, now: datetime, reaching: Sequence[str]) -> None:
        arrives = "UPDATE helpdesk.notice SET state = CASE WHEN channel = ANY (%s) THEN 'delivered' ELSE 'failed' END, sent_at = %s"
        await self.owner.execute(f"{arrives} WHERE state = 'queued'".encode(), (list(reaching), now))
        # Somebody agrees to slow the line down, and nobody ever to cut it off: that it is asked is what matters here.
        await self.owner.execute(
            "UPDATE crm.subscriber SET restricted_for = 'non_payment'"
            " WHERE EXISTS (SELECT FROM actions.action WHERE name = 'restrict_for_non_payment')"
        )
        if self.cut_off_on is None and await one(self.owner, "SELECT count(*) FROM actions.action WHERE name = 'suspend_for_non_payment'"):
            self.cut_off_on = now.date()


@pytest.fixture
def nights(atlas: Atlas, owner: Owner) -> Nights:
    return Nights(atlas, owner)


async def said(owner: Owner) -> list[tuple[int, int, str | None]]:
    """Every time the warning was said: which attempt, on which night, by which channel."""
    found = await (await owner.execute(SAID)).fetchall()
    return [(attempt, (on - TODAY).days, channel) for attempt, on, _, channel in found]


async def test_a_warning_whose_every_delivery_failed_is_said_again_each_week_and_nobody_is_cut_off(owner: Owner, nights: Nights) -> None:
    await in_debt(owner)

    await nights.until(45, reaching=())

    assert await said(owner) == [(place + 1, WARNED + 7 * place, "sms") for place in range(6)]
    assert nights.cut_off_on is None


async def test_once_a_repeated_warning_arrives_it_is_the_last_and_its_own_day_counts(owner: Owner, nights: Nights) -> None:
    await in_debt(owner)
    await nights.until(WARNED + 5, reaching=())

    await nights.until(45, reaching=("sms",))

    (_, (attempt, on, day, _)) = await (await owner.execute(SAID)).fetchall()
    assert (attempt, on, nights.cut_off_on) == (2, TODAY + timedelta(days=WARNED + 7), day)
    assert day >= on + LADDER.notice


async def test_a_channel_that_is_opened_later_is_used_at_once(owner: Owner, nights: Nights) -> None:
    customer = await in_debt(owner, phone=None)
    await nights.until(25, reaching=())
    never_heard = await said(owner)

    await row(owner, "crm.contact", customer_id=customer, channel="email", address=MAIL)
    await nights.until(26, reaching=("email",))

    assert (never_heard, await said(owner)) == ([(1, WARNED, None)], [(1, WARNED, None), (2, 25, "email")])


async def test_consent_that_is_given_again_brings_the_warning(owner: Owner, nights: Nights) -> None:
    customer = await in_debt(owner)
    await row(owner, "crm.consent", customer_id=customer, purpose="service", channel="sms", is_given=False, source="asked on the phone")
    await nights.until(25, reaching=("sms",))
    before = await said(owner)

    await owner.execute("UPDATE crm.consent SET is_given = true")
    await nights.until(26, reaching=("sms",))

    assert (before, await said(owner)) == ([(1, WARNED, None)], [(1, WARNED, None), (2, 25, "sms")])


async def test_a_new_way_is_tried_before_the_one_that_failed_and_does_not_wait_for_the_week(owner: Owner, nights: Nights) -> None:
    customer = await in_debt(owner)
    await nights.until(WARNED + 1, reaching=())

    await row(owner, "crm.contact", customer_id=customer, channel="email", address=MAIL)
    await nights.until(45, reaching=("email",))

    assert await said(owner) == [(1, WARNED, "sms"), (2, WARNED + 3, "email")]
    assert nights.cut_off_on is not None


async def test_whoever_paid_is_not_warned_again(owner: Owner, nights: Nights) -> None:
    customer = await in_debt(owner)
    await nights.until(WARNED + 1, reaching=())

    await owner.execute("SELECT billing.receive_payment(%s, 3500, %s, 'card', 'P1')", (customer, NOW))
    await nights.until(45, reaching=("sms",))

    assert await said(owner) == [(1, WARNED, "sms")]


async def test_a_warning_on_its_way_or_in_doubt_is_not_said_again(owner: Owner, nights: Nights) -> None:
    await in_debt(owner)
    await nights.until(WARNED + 1, reaching=("sms",))

    await owner.execute("UPDATE helpdesk.notice SET state = 'in_doubt' WHERE purpose = 'suspension_notice'")
    await nights.until(35, reaching=())

    assert (await said(owner), nights.cut_off_on) == ([(1, WARNED, "sms")], None)


async def test_those_warned_for_the_first_time_and_again_the_same_night_are_both_told(owner: Owner, nights: Nights) -> None:
    await in_debt(owner)
    await nights.until(7, reaching=())
    later, _ = await customer_with_line(owner, phone=SMS)
    due = TODAY + timedelta(days=7) - LATE
    await bill(owner, later, due.replace(day=1), {"Fibre 100": 4500}, due_on=due)

    await nights.until(WARNED + 8, reaching=())

    found = await (await owner.execute(SAID)).fetchall()
    assert sorted((attempt, (on - TODAY).days) for attempt, on, _, _ in found) == [(1, WARNED), (1, WARNED + 7), (2, WARNED + 7)]
    assert await given_words(owner) == 3


async def given_words(owner: Owner) -> int:
    return int(await one(owner, "SELECT count(*) FROM helpdesk.notice WHERE purpose = 'suspension_notice'"))
