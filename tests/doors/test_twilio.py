"""Messages and delivery reports from Twilio: kept once, in whatever order and however often they come."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from api.inbound.twilio.signature import Call
from atlas.connection import Atlas
from evals.inbound.twilio import Hook
from tests import given
from tests.doors.hooking import TWILIO, called, hooked, one, said
from tests.given import Owner

REFERENCE = "SM" + "a" * 32


async def test_a_message_is_kept_with_who_wrote_it_and_a_job_to_answer(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)

    assert await said(atlas, "My internet is dead") == 204

    kept = await one(owner, "SELECT customer_id, channel, address, words, author FROM helpdesk.message")
    assert kept == (maya, "sms", "+447700900001", "My internet is dead", f"customer:{maya}")
    conversation = await one(owner, "SELECT id FROM helpdesk.conversation")
    assert await one(owner, "SELECT task_name, lock FROM jobs.procrastinate_jobs") == ("agents.answer", f"conversation:{conversation}")


async def test_a_message_that_twilio_delivers_again_is_kept_once(atlas: Atlas, owner: Owner) -> None:
    hook = TWILIO.message("+447700900001", "Hello")

    statuses = await asyncio.gather(*(hooked(atlas, hook) for _ in range(8)))

    assert set(statuses) == {204}
    assert await one(owner, "SELECT count(*) FROM helpdesk.message") == 1
    assert await one(owner, "SELECT count(*) FROM helpdesk.inbox") == 1


async def test_a_burst_leaves_one_job(atlas: Atlas, owner: Owner) -> None:
    for words in ("Hi", "my internet", "is down"):
        await said(atlas, words)

    assert await one(owner, "SELECT count(*) FROM jobs.procrastinate_jobs") == 1
    assert await one(owner, "SELECT count(*) FROM helpdesk.inbox WHERE state = 'received'") == 3


async def test_a_number_on_nobodys_file_is_a_stranger(atlas: Atlas, owner: Owner) -> None:
    await said(atlas, "Which plans do you have?", "+447700900999")

    assert await one(owner, "SELECT customer_id, author FROM helpdesk.message") == (None, "customer:stranger")


async def test_a_number_that_two_customers_share_is_neither_of_them(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner, "Maya Patel", "+447700900001")
    await given.customer(owner, "Tom Reed", "+447700900001")

    await said(atlas, "What do I owe?")

    assert await one(owner, "SELECT customer_id, author FROM helpdesk.message") == (None, "customer:stranger")


async def test_whatsapp_is_its_own_channel_and_its_names_and_words_are_kept_raw(atlas: Atlas, owner: Owner) -> None:
    await hooked(atlas, TWILIO.message("whatsapp:+447700900001", "<script>alert(1)</script> \u202e"))

    assert await one(owner, "SELECT channel, address, words FROM helpdesk.message") == (
        "whatsapp",
        "+447700900001",
        "<script>alert(1)</script> \u202e",
    )
    assert await one(owner, "SELECT profile_name FROM helpdesk.inbox") == "Maya <b>T.</b> & Co"


async def test_a_picture_without_words_is_kept_with_where_it_lies(atlas: Atlas, owner: Owner) -> None:
    picture = TWILIO.message("+447700900001", "").with_field("NumMedia", "1")
    picture = picture.with_field("MediaUrl0", "https://api.twilio.com/ME1").with_field("MediaContentType0", "image/png")

    assert await hooked(atlas, picture) == 204

    assert await one(owner, "SELECT media -> 0 ->> 'url' FROM helpdesk.inbox") == "https://api.twilio.com/ME1"


async def test_a_short_code_or_a_name_may_write_too(atlas: Atlas, owner: Owner) -> None:
    assert await said(atlas, "Your parcel", "60123") == 204
    assert await said(atlas, "Your parcel", "PARCELCO") == 204

    assert await one(owner, "SELECT count(*) FROM helpdesk.message WHERE customer_id IS NULL") == 2


async def test_letters_that_the_database_cannot_hold_lose_nothing_else(atlas: Atlas, owner: Owner) -> None:
    assert await said(atlas, "nul\x00 here") == 204

    assert await one(owner, "SELECT words FROM helpdesk.message") == "nul here"


async def test_a_slash_at_the_end_of_the_address_is_signed_and_accepted(atlas: Atlas) -> None:
    assert await hooked(atlas, TWILIO.message(path="/webhooks/twilio/messages/")) == 204
    assert await hooked(atlas, replace(TWILIO.message(), query="x=%C3%A9%20y&a=1")) == 204


REFUSED: dict[str, Any] = {
    "no signature": {"signatures": ()},
    "two signatures": {"signatures": (b"RSOYDt4T1cUTdK1PDd93/VVr8B8=",) * 2},
    "letters that are not ASCII": {"signatures": (b"\xfc" * 28,)},
    "no body": {"body": b""},
    "no form": {"content_type": b"multipart/form-data"},
    "another path": {"path": b"/webhooks/twilio/status"},
}


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED)
async def test_what_twilio_did_not_sign_is_refused_and_leaves_nothing(atlas: Atlas, owner: Owner, changed: dict[str, Any]) -> None:
    call = TWILIO.call(TWILIO.message())

    assert await called(atlas, Call(**{**vars(call), **changed})) == 403

    assert await one(owner, "SELECT count(*) FROM helpdesk.inbox") == 0


async def test_without_a_public_address_or_a_key_everything_is_refused(atlas: Atlas) -> None:
    call = TWILIO.call(TWILIO.message())

    assert await called(atlas, call, public_url=None) == 403
    assert await called(atlas, call, twilio_auth_token=None) == 403


async def test_a_body_beyond_all_messages_is_not_read(atlas: Atlas) -> None:
    assert await said(atlas, "x" * 70_000) == 413


@pytest.mark.parametrize("name", ["MessageSid", "From", "AccountSid"])
async def test_a_signed_call_that_is_no_message_is_told_which_field_is_wrong(atlas: Atlas, name: str) -> None:
    assert await hooked(atlas, TWILIO.message().with_field(name, "odd;")) == 422


async def notice(owner: Owner, state: str = "sent", reference: str | None = REFERENCE) -> int:
    sent = {"purpose": "reply", "key": "one", "channel": "sms", "address": "+447700900001", "language": "en", "template": "", "words": "Hi"}
    action = await given.action(owner)
    return await given.row(owner, "helpdesk.notice", **sent, state=state, provider_reference=reference, action_id=action)


def report(status: str, error: str = "") -> Hook:
    return TWILIO.status(REFERENCE, status, error)


ORDERS = list(itertools.permutations(("queued", "sent", "delivered")))


@pytest.mark.parametrize("order", ORDERS, ids=["-".join(order) for order in ORDERS])
async def test_delivery_reports_come_to_the_same_in_every_order(atlas: Atlas, owner: Owner, order: tuple[str, ...]) -> None:
    await notice(owner)

    for status in order:
        assert await hooked(atlas, report(status)) == 204

    assert await one(owner, "SELECT state, delivery FROM helpdesk.notice") == ("delivered", "delivered")


async def test_a_failure_says_why_and_a_word_that_it_arrived_after_all_stands(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    await hooked(atlas, report("undelivered", "30003"))
    failed = await one(owner, "SELECT state, failure FROM helpdesk.notice")
    await hooked(atlas, report("delivered"))
    await hooked(atlas, report("sent"))

    assert failed == ("failed", "carrier: undelivered 30003")
    assert await one(owner, "SELECT state, failure, delivery FROM helpdesk.notice") == ("delivered", None, "delivered")


async def test_word_of_a_message_that_nobody_sent_is_kept_apart(atlas: Atlas, owner: Owner) -> None:
    assert await hooked(atlas, report("delivered")) == 204

    assert await one(owner, "SELECT state, kind FROM helpdesk.inbox") == ("quarantined", "status:delivered")


async def test_a_report_that_overtakes_the_outbox_counts_once_the_message_is_known(atlas: Atlas, owner: Owner) -> None:
    waiting = await notice(owner, "leased", reference=None)
    await hooked(atlas, report("delivered"))
    await hooked(atlas, report("sent"))

    await owner.execute("UPDATE helpdesk.notice SET state = 'sent', provider_reference = %s WHERE id = %s", (REFERENCE, waiting))

    assert await one(owner, "SELECT state, delivery FROM helpdesk.notice") == ("delivered", "delivered")
    assert await one(owner, "SELECT count(*) FROM helpdesk.inbox WHERE state = 'merged'") == 2


async def test_a_status_that_nobody_knows_changes_nothing(atlas: Atlas, owner: Owner) -> None:
    await notice(owner)

    assert await hooked(atlas, report("pondering")) == 204

    assert await one(owner, "SELECT state, delivery FROM helpdesk.notice") == ("sent", None)
