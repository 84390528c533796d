"""What waits in the inbox is answered once, by agents or by a person, at the address that wrote."""

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from psycopg import AsyncConnection

from agents.checkpoints import KeptInAtlas
from agents.consultation import Consultants
from agents.router import Router
from agents.supervisor import Graph
from api.answering import answer_conversation
from api.bootstrap import House
from api.chat import Desk
from api.inbound.inbox import kept_aside, retried
from api.inbound.voice.keeping import keep_call, keep_words
from api.settings import Settings
from atlas.connection import Atlas
from atlas.identity import ConversationId
from cortex.pictures import WarmTopology
from forge.matrix_in_force import put_in_force
from forge.outbox import drain
from forge.outside.codes import WithCodes
from forge.outside.recorded import RecordedMessenger
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance import matrix
from tests import given
from tests.agents.conftest import LONDON, NOW, on
from tests.doors.hooking import TWILIO, hooked, one, said

Owner = AsyncConnection[tuple[Any, ...]]
PHONE = "+447700900001"
BILL = "Why is my bill higher this month?"


class Broken:
    """A graph in which everything fails."""

    def copy(self, _: dict[str, Any]) -> "Broken":
        return self

    async def ainvoke(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("nothing works")


class Slow(Broken):
    async def ainvoke(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)


@dataclass(frozen=True)
class Answering:
    """The desk, and the database behind it."""

    desk: Desk
    owner: Owner

    async def work_off(self) -> None:
        """Every conversation in which something waits, as the queue would."""
        waiting = await self.owner.execute("SELECT DISTINCT conversation_id FROM helpdesk.inbox WHERE state = 'received'")
        for (conversation_id,) in await waiting.fetchall():
            await answer_conversation(self.desk, ConversationId(conversation_id))

    async def says(self, words: str, sender: str = PHONE) -> list[str]:
        """What somebody hears after they wrote this."""
        before = await self.one("SELECT coalesce(max(id), 0) FROM helpdesk.message")
        assert await said(self.desk.house.atlas, words, sender) == 204
        await self.work_off()
        rows = await self.owner.execute("SELECT words FROM helpdesk.message WHERE is_from_us AND id > %s ORDER BY id", (before,))
        return [row[0] for row in await rows.fetchall()]

    async def one(self, statement: str, *values: Any) -> Any:
        return await one(self.owner, statement, *values)

    async def delivered_code(self) -> str:
        """Sends what is queued, and reads the digits at the other address, as the customer would."""
        atlas = self.desk.house.atlas
        await drain(atlas, WithCodes(RecordedMessenger(atlas), atlas))
        words = await self.one("SELECT words FROM helpdesk.recorded_message WHERE key LIKE 'code:%%' ORDER BY at DESC LIMIT 1")
        return "".join(letter for letter in words if letter.isdigit())

    def with_graph(self, graph: Broken) -> "Answering":
        broken = replace(self.desk.supervisor, graph=cast(Graph, graph))
        return replace(self, desk=replace(self.desk, supervisor=broken, unplugged=broken, provider_has_s=0.2))


@pytest.fixture
async def answering(
    atlas: Atlas, owner: Owner, checkpoints: KeptInAtlas, router: Router, consulted: Consultants, tmp_path: Path
) -> Answering:
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix.load(matrix.SHIPPED)), lambda: NOW, LONDON)
    await put_in_force(atlas, matrix.load(matrix.SHIPPED))
    supervisor = on(atlas, checkpoints, router, consulted)
    house = House(Settings(home=tmp_path), atlas, forge, WarmTopology(), {})
    return Answering(Desk(house, supervisor, supervisor), owner)


@pytest.fixture
async def reachable(owner: Owner, maya: int) -> int:
    """Maya, who may also be reached by mail, since long ago."""
    await given.row(owner, "crm.contact", customer_id=maya, channel="email", address="maya@example.com", changed_at=given.NOW)
    return maya


async def test_a_message_is_answered_at_the_address_that_wrote(answering: Answering, maya: int) -> None:
    await answering.says("Is there an outage?")

    assert await answering.one("SELECT channel, address, customer_id, purpose FROM helpdesk.notice") == ("sms", PHONE, maya, "reply")
    assert await answering.one("SELECT state, answered_by, tries FROM helpdesk.inbox") == ("answered", "agents", 1)


async def test_a_burst_is_answered_once(answering: Answering, maya: int) -> None:
    for words in ("Hi there", "is there", "an outage?"):
        await said(answering.desk.house.atlas, words)

    await answering.work_off()

    assert await answering.one("SELECT count(*) FROM helpdesk.notice") == 1
    assert await answering.one("SELECT count(*) FROM helpdesk.inbox WHERE state = 'answered'") == 3


async def test_a_job_that_comes_twice_answers_once(answering: Answering, maya: int) -> None:
    await answering.says("Is there an outage?")
    conversation = ConversationId(await answering.one("SELECT id FROM helpdesk.conversation"))

    await asyncio.gather(*(answer_conversation(answering.desk, conversation) for _ in range(3)))

    assert await answering.one("SELECT count(*) FROM helpdesk.notice") == 1


async def test_each_is_answered_by_the_way_it_came(answering: Answering, owner: Owner, maya: int) -> None:
    await given.row(owner, "crm.contact", customer_id=maya, channel="whatsapp", address=PHONE)
    await said(answering.desk.house.atlas, "Is there an outage?")
    await hooked(answering.desk.house.atlas, TWILIO.message("whatsapp:" + PHONE, "Which plans do you have?"))

    await answering.work_off()

    assert await answering.one("SELECT array_agg(channel ORDER BY id) FROM helpdesk.notice") == ["sms", "whatsapp"]


async def test_a_picture_alone_gets_an_answer_too(answering: Answering, maya: int) -> None:
    (reply,) = await answering.says("")

    assert "could not read anything" in reply


async def test_stop_changes_consent_once_however_often_it_is_worked_on(answering: Answering, maya: int) -> None:
    await said(answering.desk.house.atlas, "STOP")
    died = answering.with_graph(Broken())
    await answering.owner.execute("UPDATE helpdesk.inbox SET tries = 1, tried_at = now() - interval '1 hour'")

    await answering.work_off()
    await answering.owner.execute("UPDATE helpdesk.inbox SET state = 'received', tried_at = now() - interval '1 hour'")
    await answer_conversation(answering.desk, ConversationId(await died.one("SELECT id FROM helpdesk.conversation")))

    assert await answering.one("SELECT count(*) FROM actions.action WHERE name = 'record_contact_preference'") == 1
    assert await answering.one("SELECT bool_or(is_given) FROM crm.consent") is False


async def test_stop_from_a_number_of_two_customers_holds_for_the_number(answering: Answering, owner: Owner) -> None:
    for name in ("Maya Patel", "Tom Reed"):
        await given.customer(owner, name, PHONE)

    (reply,) = await answering.says("stop")

    assert "nobody is written to at this number" in reply
    assert await answering.one("SELECT count(DISTINCT customer_id), array_agg(DISTINCT channel) FROM crm.consent") == (2, ["sms"])


async def test_a_stranger_who_wants_a_person_gets_one(answering: Answering) -> None:
    (reply,) = await answering.says("PERSON", "+447700900999")

    assert "passing you on to a colleague" in reply
    assert await answering.one("SELECT owner FROM helpdesk.conversation") == "queue"
    assert await answering.one("SELECT customer_id FROM itsm.ticket") is None


async def test_a_stranger_cannot_hand_over_somebody_elses_conversation(answering: Answering) -> None:
    await answering.says("Which plans do you have?", "+447700900998")
    theirs = await answering.one("SELECT id FROM helpdesk.conversation")

    await answering.says("PERSON", "+447700900999")

    assert await answering.one("SELECT owner FROM helpdesk.conversation WHERE id = %s", theirs) == "agents"


async def test_whoever_cannot_be_answered_gets_a_ticket_and_is_told(answering: Answering, maya: int) -> None:
    (reply,) = await answering.with_graph(Broken()).says(BILL)

    assert "I have opened a ticket" in reply
    assert await answering.one("SELECT customer_id FROM itsm.ticket") == maya
    assert await answering.one("SELECT state, answered_by FROM helpdesk.inbox") == ("answered", "person")


async def test_a_provider_that_hangs_leaves_the_answer_to_the_rules(answering: Answering, maya: int) -> None:
    hanging = answering.with_graph(Slow())
    half = replace(hanging, desk=replace(hanging.desk, unplugged=answering.desk.supervisor))

    (reply,) = await half.says("Is there an outage?")

    assert "outage" in reply or "fault" in reply
    assert await answering.one("SELECT answered_by FROM helpdesk.inbox") == "agents"


async def test_a_message_that_nothing_can_be_done_with_is_parked_and_the_next_is_answered(answering: Answering, maya: int) -> None:
    await answering.owner.execute(
        "INSERT INTO actions.kill_switch (scope, name, is_on, reason, by)"
        " SELECT 'action', name, true, 'a drill', 'test' FROM unnest(ARRAY['hand_over_to_person', 'send_message']) AS name"
    )
    broken = answering.with_graph(Broken())
    await broken.says("poison")
    for _ in range(6):
        await answering.owner.execute("UPDATE helpdesk.inbox SET tried_at = now() - interval '1 hour'")
        await answer_conversation(broken.desk, ConversationId(await answering.one("SELECT id FROM helpdesk.conversation")))
    (parked,) = await kept_aside(answering.desk.house.atlas)
    await answering.owner.execute("UPDATE actions.kill_switch SET is_on = false")

    (reply,) = await answering.says("Is there an outage?")
    assert await retried(answering.desk.house.atlas, parked.inbox_id)
    await answering.work_off()

    assert (parked.state, parked.tries, parked.error_kind) == ("parked", 5, "NotAnswered")
    assert reply
    assert await answering.one("SELECT count(*) FROM helpdesk.inbox WHERE state = 'answered'") == 2


async def test_while_a_person_has_the_conversation_no_agent_talks_over_them(answering: Answering, maya: int) -> None:
    await answering.says("PERSON")

    assert await answering.says("Are you still there?") == []
    assert await answering.one("SELECT answered_by FROM helpdesk.inbox ORDER BY id DESC LIMIT 1") == "person"


async def test_six_digits_by_another_way_verify_and_the_question_is_answered_in_its_language(answering: Answering, reachable: int) -> None:
    await answering.owner.execute("UPDATE crm.customer SET language = 'de' WHERE id = %s", (reachable,))
    (asked,) = await answering.says(BILL)
    (sent,) = await answering.says("CODE")
    code = await answering.delivered_code()

    (reply,) = await answering.says(f"it is {code}")

    assert "Write CODE" in asked
    assert "by e-mail" in sent
    assert "I know that it is you" in reply
    assert "6.20" in reply
    assert (await answering.says("How much do I owe?"))[0].startswith("You owe")


async def test_the_digits_are_kept_nowhere(answering: Answering, reachable: int) -> None:
    await answering.says("CODE")
    code = await answering.delivered_code()
    await answering.says(f"{code[:3]} {code[3:]}")

    for table in ("helpdesk.message", "helpdesk.inbox", "helpdesk.notice", "helpdesk.one_time_code", "actions.action", "actions.audit"):
        rows = await (await answering.owner.execute(f"SELECT t::text FROM {table} AS t".encode())).fetchall()  # noqa: S608
        # Six figures stand by chance in digests, correlation ids and millionths of a second.
        words = [re.sub(r"x[0-9a-f]{32,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\.\d{6}", "", row) for (row,) in rows]
        assert not [row for row in words if code in row or f"{code[:3]} {code[3:]}" in row], table


async def test_the_sixth_guess_is_not_even_compared(answering: Answering, reachable: int) -> None:
    await answering.says("CODE")
    code = await answering.delivered_code()
    wrong = [f"{(int(code) + guess) % 10**6:06}" for guess in range(1, 6)]
    for guess in wrong:
        await answering.says(guess)

    (reply,) = await answering.says(code)

    assert "not the six digits" in reply
    assert await answering.one("SELECT verified_until FROM helpdesk.conversation") is None


async def test_a_code_is_good_for_ten_minutes(answering: Answering, reachable: int) -> None:
    await answering.says("CODE")
    code = await answering.delivered_code()
    await answering.owner.execute("UPDATE helpdesk.one_time_code SET expires_at = expires_at - interval '10 minutes'")

    (reply,) = await answering.says(code)

    assert "not the six digits" in reply


async def test_a_code_never_goes_to_an_address_that_changed_in_the_last_three_days(answering: Answering, owner: Owner, maya: int) -> None:
    await given.row(owner, "crm.contact", customer_id=maya, channel="email", address="thief@example.com")

    (reply,) = await answering.says("CODE")

    assert "no other address on file" in reply
    assert await answering.one("SELECT count(*) FROM helpdesk.one_time_code") == 0


async def test_after_five_codes_a_day_a_person_helps(answering: Answering, reachable: int) -> None:
    replies = [(await answering.says("CODE"))[0] for _ in range(6)]

    assert "too many codes" in replies[-1]
    assert await answering.one("SELECT count(*) FROM helpdesk.one_time_code") == 5


async def test_what_was_verified_is_that_address_and_not_another_of_theirs(answering: Answering, owner: Owner, reachable: int) -> None:
    await given.row(owner, "crm.contact", customer_id=reachable, channel="whatsapp", address=PHONE, changed_at=given.NOW)
    await answering.says("CODE")
    await answering.says(await answering.delivered_code())

    (reply,) = await answering.says(BILL, "whatsapp:" + PHONE)

    assert "Write CODE" in reply
    assert "6.20" not in reply


async def test_whoever_asks_for_a_person_again_hears_that_they_wait_and_how_many_before_them(answering: Answering, maya: int) -> None:
    for nth in range(3):
        await answering.says("PERSON", f"+44770090010{nth}")
    await answering.owner.execute("UPDATE helpdesk.conversation SET last_at = last_at - interval '1 minute' * (10 - id)")
    await answering.says("I want to speak to a human")

    (heard,) = await answering.says("PERSON")

    assert "about 3 people are before you" in heard
    assert await answering.one("SELECT count(*) FROM itsm.ticket") == 4


async def test_who_is_next_in_the_queue_hears_that(answering: Answering, maya: int) -> None:
    await answering.says("PERSON")

    (heard,) = await answering.says("PERSON")

    assert "you are next" in heard


async def test_what_else_is_written_in_the_queue_waits_for_the_person(answering: Answering, maya: int) -> None:
    await answering.says("PERSON")

    assert await answering.says("It is about my bill") == []


async def test_a_number_that_several_share_is_asked_which_and_told_nothing_before(answering: Answering, maya: int) -> None:
    await given.customer(answering.owner, "Tom Reed", PHONE)

    (asked,) = await answering.says("How much do I owe?")
    (heard,) = await answering.says("Tom Reed")

    assert "Several customers have this address" in asked
    assert "Tom" not in asked
    assert "Maya" not in asked
    assert heard.startswith("Thank you.")
    assert "CODE" in heard
    tom = await answering.one("SELECT id FROM crm.customer WHERE name = 'Tom Reed'")
    assert await answering.one("SELECT customer_id FROM helpdesk.message WHERE words = 'Tom Reed'") == tom


async def test_a_name_that_is_none_of_theirs_opens_nothing(answering: Answering, maya: int) -> None:
    await given.customer(answering.owner, "Tom Reed", PHONE)
    await answering.says("How much do I owe?")

    await answering.says("Helen Brooks")

    assert await answering.one("SELECT count(*) FROM helpdesk.message WHERE customer_id IS NOT NULL") == 0


async def test_from_then_on_the_number_is_theirs_for_a_while(answering: Answering, maya: int) -> None:
    tom = await given.customer(answering.owner, "Tom Reed", PHONE)
    await answering.says("How much do I owe?")
    await answering.says("Tom")

    await answering.says("Is there an outage?")

    assert await answering.one("SELECT customer_id FROM helpdesk.message WHERE words = 'Is there an outage?'") == tom


async def test_a_shared_number_gets_a_person_and_help_without_a_name(answering: Answering, maya: int) -> None:
    await given.customer(answering.owner, "Tom Reed", PHONE)

    (heard,) = await answering.says("PERSON")

    assert "Several customers" not in heard


async def test_a_caller_hears_three_of_a_list_and_is_asked_whether_to_go_on(answering: Answering) -> None:
    for nth in range(1, 6):
        await given.offering(answering.owner, f"plan-{nth}", 1000 * nth)
    atlas = answering.desk.house.atlas
    call = (await keep_call(atlas, "CA" + "0" * 32, "+447700900555", NOW)).call

    heard = []
    for turn, words in enumerate(("Which plans do you sell?", "yes", "yes"), start=1):
        await keep_words(atlas, call, turn, words, "en", NOW)
        await answering.work_off()
        heard.append(await answering.one("SELECT words FROM helpdesk.message WHERE is_from_us ORDER BY id DESC LIMIT 1"))

    assert [words.count(" down and ") for words in heard[:2]] == [3, 2]
    assert heard[0].endswith("Shall I go on?")
    assert "Shall I go on?" not in heard[1]
    assert " down and " not in heard[2]
