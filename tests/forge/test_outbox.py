"""At least once, one key, never twice; and nobody who no longer wishes it."""

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from atlas.connection import Atlas
from forge.may_send import Limit
from forge.outbox import drain
from forge.outside.ports import Message, Never, NoAnswer, NotNow
from forge.outside.recorded import RecordedMessenger
from tests import given

Owner = AsyncConnection[tuple[Any, ...]]
NO_LEASE = timedelta(0)


@dataclass
class Carrier:
    """A messenger over a recorded one, that fails as it is told to, one entry a call."""

    inner: RecordedMessenger
    troubles: list[Exception | None]
    asked: list[str] = field(default_factory=list)

    async def send(self, message: Message) -> str:
        trouble = self.troubles.pop(0) if self.troubles else None
        if not isinstance(trouble, Never | NotNow) and trouble is not None:
            await self.inner.send(message)
        if trouble is not None:
            raise trouble
        return await self.inner.send(message)

    async def find(self, message: Message) -> str | None:
        self.asked.append(message.key)
        return await self.inner.find(message)


class Killed(BaseException):
    """The process dies after the carrier took the message."""


async def notice(owner: Owner, customer_id: int | None = None, **columns: Any) -> str:
    key = columns.pop("key", uuid.uuid4().hex)
    columns = {"purpose": "outage", "channel": "sms", "address": "+447700900001", "language": "en", "words": "It is down.", **columns}
    columns.setdefault("template", "outage.en")
    customer = customer_id or await given.customer(owner)
    await given.row(owner, "helpdesk.notice", customer_id=customer, key=key, action_id=await given.action(owner), **columns)
    return key


async def states(owner: Owner) -> list[str]:
    rows = await (await owner.execute("SELECT state FROM helpdesk.notice ORDER BY id")).fetchall()
    return [row[0] for row in rows]


async def times_sent(owner: Owner) -> list[int]:
    rows = await (await owner.execute("SELECT times FROM helpdesk.recorded_message")).fetchall()
    return [row[0] for row in rows]


async def test_a_notice_is_sent_once_in_its_exact_words(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    first, second = await drain(atlas, RecordedMessenger(atlas)), await drain(atlas, RecordedMessenger(atlas))

    words = await (await owner.execute("SELECT words, times FROM helpdesk.recorded_message")).fetchall()
    assert (first.sent, second.sent, words) == (1, 0, [("It is down.", 1)])


async def test_three_hundred_notices_drained_by_four_at_once_go_out_once_each(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for nth in range(300):
        await notice(owner, maya, words=f"It is down ({nth}).")

    drained = await asyncio.gather(*(drain(atlas, RecordedMessenger(atlas)) for _ in range(4)))

    assert sum(one.sent for one in drained) == 300
    assert await times_sent(owner) == [1] * 300


async def test_a_crash_between_sending_and_marking_sends_nothing_twice(atlas: Atlas, owner: Owner) -> None:
    key = await notice(owner)
    dying = Carrier(RecordedMessenger(atlas), [Killed()])
    with pytest.raises(Killed):
        await drain(atlas, dying, lease=NO_LEASE)

    after = Carrier(RecordedMessenger(atlas), [])
    drained = await drain(atlas, after)

    assert (drained.sent, after.asked) == (1, [key])
    assert await times_sent(owner) == [1]


async def test_a_notice_that_another_process_holds_is_left_alone(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)
    with pytest.raises(Killed):
        await drain(atlas, Carrier(RecordedMessenger(atlas), [Killed()]))

    drained = await drain(atlas, RecordedMessenger(atlas))

    assert (drained.sent, await states(owner)) == (0, ["leased"])


async def test_silence_is_followed_by_a_question_and_not_by_a_second_message(atlas: Atlas, owner: Owner) -> None:
    key = await notice(owner)
    carrier = Carrier(RecordedMessenger(atlas), [NoAnswer("no answer")])

    drained = await drain(atlas, carrier, lease=NO_LEASE)

    assert (drained.sent, carrier.asked, await times_sent(owner)) == (1, [key], [1])


async def test_after_several_silences_a_person_decides(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    drained = await drain(atlas, Deaf(), lease=NO_LEASE)

    assert (drained.in_doubt, await states(owner)) == (1, ["in_doubt"])


class Deaf:
    async def send(self, message: Message) -> str:
        raise NoAnswer(f"nobody answered about {message.key}")

    async def find(self, message: Message) -> str | None:
        return None if message.words else message.key


@pytest.mark.parametrize(("purpose", "consent"), [("outage", "service"), ("restored", "service"), ("credit", "billing")])
async def test_whoever_opts_out_before_it_is_sent_gets_nothing(atlas: Atlas, owner: Owner, purpose: str, consent: str) -> None:
    maya = await given.customer(owner)
    await notice(owner, maya, purpose=purpose)
    await given.row(owner, "crm.consent", customer_id=maya, purpose=consent, channel="sms", is_given=False, source="STOP")

    drained = await drain(atlas, RecordedMessenger(atlas))

    assert (drained.failed, await states(owner), await times_sent(owner)) == (1, ["failed"], [])


async def test_a_reply_to_somebody_who_wrote_is_sent_though_they_want_no_notices(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    await notice(owner, maya, purpose="reply")
    await given.row(owner, "crm.consent", customer_id=maya, purpose="service", channel="sms", is_given=False, source="STOP")

    assert (await drain(atlas, RecordedMessenger(atlas))).sent == 1


async def test_a_wrong_number_fails_for_good(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    drained = await drain(atlas, Carrier(RecordedMessenger(atlas), [Never("no such number")]))

    assert (drained.failed, await states(owner)) == (1, ["failed"])


async def test_a_carrier_that_is_busy_is_asked_again_later(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    drained = await drain(atlas, Carrier(RecordedMessenger(atlas), [NotNow("busy", timedelta(minutes=1))]))

    assert (drained.later, await states(owner), await times_sent(owner)) == (1, ["queued"], [])


async def test_a_carrier_that_breaks_on_one_message_holds_up_no_other(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for nth in range(5):
        await notice(owner, maya, words=f"It is down ({nth}).")

    drained = await drain(atlas, Carrier(RecordedMessenger(atlas), [ZeroDivisionError()]))

    assert (drained.sent, drained.later) == (4, 1)


async def test_a_notice_waits_for_its_hour(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)
    await owner.execute("UPDATE helpdesk.notice SET not_before = now() + interval '1 hour'")

    assert (await drain(atlas, RecordedMessenger(atlas))).sent == 0


async def test_queueing_notices_leaves_one_job_that_sends_them(atlas: Atlas, owner: Owner) -> None:
    for _ in range(3):
        await notice(owner)

    rows = await (await owner.execute("SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'forge.outbox'")).fetchall()
    assert rows == [(1,)]


async def test_a_channel_that_is_switched_off_keeps_its_notices(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)
    await given.row(owner, "actions.kill_switch", scope="channel", name="sms", is_on=True, reason="wrong texts", by="staff:1")

    assert ((await drain(atlas, RecordedMessenger(atlas))).sent, await states(owner)) == (0, ["queued"])


async def test_whoever_cannot_be_reached_one_way_is_reached_the_next(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    await given.row(owner, "crm.contact", customer_id=maya, channel="email", address="maya@example.com")
    await notice(owner, maya)

    await drain(atlas, Carrier(RecordedMessenger(atlas), [Never("no such number")]))

    sent = await (await owner.execute("SELECT channel, address, times FROM helpdesk.recorded_message")).fetchall()
    assert (sent, await states(owner)) == ([("email", "maya@example.com", 1)], ["sent"])


async def test_whoever_opts_out_of_one_channel_while_it_waits_is_told_by_another_that_they_left_open(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for channel in ("whatsapp", "email"):
        await given.row(owner, "crm.contact", customer_id=maya, channel=channel, address=f"{channel} address")
    await notice(owner, maya)
    for channel in ("sms", "whatsapp"):
        await given.row(owner, "crm.consent", customer_id=maya, purpose="service", channel=channel, is_given=False, source="STOP")

    await drain(atlas, RecordedMessenger(atlas))

    sent = await (await owner.execute("SELECT channel FROM helpdesk.recorded_message")).fetchall()
    assert sent == [("email",)]


async def test_a_reply_goes_where_it_was_asked_or_nowhere(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    await given.row(owner, "crm.contact", customer_id=maya, channel="email", address="shared@example.com")
    await notice(owner, maya, purpose="reply")

    await drain(atlas, Carrier(RecordedMessenger(atlas), [Never("no such number")]))

    assert (await states(owner), await times_sent(owner)) == (["failed"], [])


async def test_two_at_one_address_who_would_read_the_same_are_told_once(atlas: Atlas, owner: Owner) -> None:
    await notice(owner, await given.customer(owner, "Maya Patel"))
    await notice(owner, await given.customer(owner, "Ravi Patel"))

    await drain(atlas, RecordedMessenger(atlas))
    await owner.execute("UPDATE helpdesk.notice SET not_before = now() - interval '1 second'")
    await drain(atlas, RecordedMessenger(atlas))

    assert (await states(owner), await times_sent(owner)) == (["sent", "sent"], [1])


async def test_a_process_that_is_to_stop_takes_nothing_more(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    drained = await drain(atlas, RecordedMessenger(atlas), is_stopping=lambda: True)

    assert (drained.sent, await states(owner)) == (0, ["queued"])


@pytest.mark.parametrize(("scope", "name"), [("action", "notify_outage"), ("agent", "billing"), ("channel", "*")])
async def test_what_is_switched_off_after_it_was_queued_stays_in_the_house(atlas: Atlas, owner: Owner, scope: str, name: str) -> None:
    await notice(owner)
    await owner.execute("UPDATE actions.action SET name = 'notify_outage', proposer = 'agent:billing'")
    await given.row(owner, "actions.kill_switch", scope=scope, name=name, is_on=True, reason="wrong words", by="staff:1")

    await drain(atlas, RecordedMessenger(atlas))

    assert (await states(owner), await times_sent(owner)) == (["queued"], [])


async def test_a_bill_waits_for_the_morning_where_they_live(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    await owner.execute("UPDATE crm.contact SET quiet_from = (now() AT TIME ZONE 'Europe/London')::time - interval '1 hour',"
                        " quiet_until = (now() AT TIME ZONE 'Europe/London')::time + interval '1 hour'")  # fmt: skip
    await notice(owner, maya, purpose="credit")

    drained = await drain(atlas, RecordedMessenger(atlas))

    row = await (await owner.execute("SELECT not_before > now() + interval '50 minutes' FROM helpdesk.notice")).fetchone()
    assert (drained.later, row) == (1, (True,))


async def test_an_address_gets_so_many_notices_a_day_and_the_next_waits_for_room(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for nth in range(5):
        await notice(owner, maya, purpose="order_late", words=f"It is late ({nth}).")

    drained = await drain(atlas, RecordedMessenger(atlas), limit=Limit(3))
    waits = await (
        await owner.execute(
            "SELECT failure, not_before > clock_timestamp() + interval '23 hours' FROM helpdesk.notice WHERE state = 'queued'"
        )
    ).fetchall()

    assert (drained.sent, await states(owner)) == (3, ["sent", "sent", "sent", "queued", "queued"])
    assert waits == [("enough for this address for now", True)] * 2


async def test_what_waited_for_room_goes_when_there_is_room_and_nothing_is_lost(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for nth in range(4):
        await notice(owner, maya, purpose="order_late", words=f"It is late ({nth}).")
    await drain(atlas, RecordedMessenger(atlas), limit=Limit(2))
    await owner.execute(
        "UPDATE helpdesk.notice SET sent_at = sent_at - interval '25 hours', queued_at = queued_at - interval '25 hours',"
        " not_before = now() - interval '1 second'"
    )

    later = await drain(atlas, RecordedMessenger(atlas), limit=Limit(2))

    assert (later.sent, await states(owner)) == (2, ["sent"] * 4)
    assert await times_sent(owner) == [1] * 4


async def test_answers_codes_outages_and_visits_go_however_many_there_were(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for purpose in ("order_late", "order_late", "reply", "outage", "restored", "order_visit"):
        await notice(owner, maya, purpose=purpose, words=f"{purpose} {uuid.uuid4()}")

    drained = await drain(atlas, RecordedMessenger(atlas), limit=Limit(1))

    assert (drained.sent, (await states(owner)).count("queued")) == (5, 1)


async def test_another_address_of_theirs_has_a_count_of_its_own(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    for address in ("+447700900001", "+447700900077"):
        await notice(owner, maya, purpose="order_late", address=address)

    drained = await drain(atlas, RecordedMessenger(atlas), limit=Limit(1))

    assert drained.sent == 2


async def test_a_reply_whose_window_closed_while_it_was_queued_goes_as_a_text_to_the_same_number(atlas: Atlas, owner: Owner) -> None:
    await notice(owner, purpose="reply", channel="whatsapp", template="")

    drained = await drain(atlas, RecordedMessenger(atlas))

    assert drained.sent == 1
    sent = await (await owner.execute("SELECT channel, address, state FROM helpdesk.notice")).fetchall()
    assert sent == [("sms", "+447700900001", "sent")]


async def test_a_code_by_whatsapp_goes_no_other_way(atlas: Atlas, owner: Owner) -> None:
    await notice(owner, purpose="reply", channel="whatsapp", template="one_time_code.en")

    await drain(atlas, Carrier(RecordedMessenger(atlas), [Never("the number is unknown")]))

    assert await states(owner) == ["failed"]
