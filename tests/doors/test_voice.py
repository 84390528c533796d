"""A telephone call: rung in by signed webhooks, held over a socket that speaks Twilio's protocol, answered by the agents."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.errors import translate_errors
from api.inbound.voice import relay, speech, twiml
from api.inbound.voice.keeping import call_of, said_since
from api.inbound.voice.live import voice_phrases
from api.inbound.voice.web import router
from api.listening import listening
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import InvalidField
from console.live import Changes
from evals.inbound.telephone import Telephone
from evals.inbound.twilio import ACCOUNT, Twilio
from forge.actions.helpdesk.saying import SendMessage
from tests import carried, given
from tests.doors.hooking import BASE, KEY, one
from tests.given import NOW, Owner

MAYA = "+447700900001"


@asynccontextmanager
async def exchange(atlas: Atlas, **settings: Any) -> AsyncIterator[Telephone]:
    """The house's telephone exchange on loopback, and a telephone that is known by Maya's number."""
    known = {"public_url": BASE, "twilio_auth_token": SecretStr(KEY), "twilio_account_sid": ACCOUNT, **settings}
    changes = Changes(atlas)
    app = FastAPI()
    translate_errors(app)
    app.include_router(router(atlas, Settings().model_copy(update=known), lambda: NOW, changes))
    async with changes.listening(), listening(app, "127.0.0.1", 0) as port:
        yield Telephone(f"http://127.0.0.1:{port}", Twilio(BASE, KEY), MAYA)


async def answer(atlas: Atlas, owner: Owner, words: str, author: str = "agents:billing") -> None:
    """The next message of the call is answered, as the agents do it."""
    inbox_id, conversation, message, customer = await heard_of(owner)
    await owner.execute("UPDATE helpdesk.inbox SET state = 'answered' WHERE id = %s", (inbox_id,))
    await carried.out(atlas, SendMessage(conversation, customer, message, words, author), NOW)


async def heard_of(owner: Owner) -> Any:
    """The message that waits to be answered, once it is kept."""
    async with asyncio.timeout(20):
        while not (waiting := await _waiting(owner)):  # noqa: ASYNC110 - the table is what is waited for
            await asyncio.sleep(0.02)
    return waiting


async def _waiting(owner: Owner) -> Any:
    asked = "SELECT id, conversation_id, message_id, (SELECT customer_id FROM helpdesk.message WHERE id = message_id)"
    return await (await owner.execute(f"{asked} FROM helpdesk.inbox WHERE state = 'received' ORDER BY id LIMIT 1")).fetchone()


async def handed_over(owner: Owner, because: str = "the bill is disputed") -> None:
    await owner.execute("UPDATE helpdesk.conversation SET owner = 'queue', handed_over_because = %s", (because,))


async def test_a_call_is_greeted_in_the_language_of_whoever_has_the_number_and_told_that_it_is_written_down(
    atlas: Atlas, owner: Owner
) -> None:
    await given.customer(owner)
    await owner.execute("UPDATE crm.customer SET language = 'de'")

    async with exchange(atlas) as telephone:
        said = await telephone.rings()

    connected = said.find("Connect/ConversationRelay")
    assert connected is not None
    assert connected.attrib["url"] == "wss://isp.example/bedrock/webhooks/twilio/voice/relay"
    assert connected.attrib["language"] == "de-DE"
    assert "mitgeschrieben" in connected.attrib["welcomeGreeting"]


async def test_whoever_is_cut_off_by_a_known_fault_hears_of_it_before_they_ask(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    line = await given.subscriber(owner, maya, await given.device(owner, "SPL-1", "splitter"))
    incident = await given.row(
        owner,
        "itsm.incident",
        state="inProgress",
        cause="feeder",
        is_outage=True,
        confidence=0.9,
        first_alarm_at=NOW,
        opened_at=NOW,
        hypotheses=[],
        correlation_id=uuid.uuid4(),
        action_id=await given.action(owner),
    )
    await given.row(
        owner, "itsm.incident_subscriber", incident_id=incident, subscriber_id=line, lost_at=NOW, action_id=await given.action(owner)
    )

    async with exchange(atlas) as telephone:
        said = await telephone.rings()

    assert "There is a fault that holds your line" in str(said[0][0].attrib["welcomeGreeting"])


async def test_what_the_caller_says_is_answered_and_spoken_sentence_by_sentence(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="Why is my bill higher?", lang="en-GB", last=True)
            await answer(atlas, owner, "Your bill is 6.20 higher. It is calls abroad.")
            heard = await line.hears()

    assert heard == "Your bill is 6.20 higher. It is calls abroad."
    assert [(frame["token"], frame["last"]) for frame in line.frames] == [
        ("Your bill is 6.20 higher.", False),
        ("It is calls abroad.", True),
    ]
    assert await one(owner, "SELECT customer_id, channel, words FROM helpdesk.message WHERE NOT is_from_us") == (
        maya,
        "voice",
        "Why is my bill higher?",
    )


async def test_an_answer_that_was_spoken_is_not_written_to_them_as_well(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="What do I owe?", lang="en-GB", last=True)
            await answer(atlas, owner, "You owe 40.50.")
            await line.hears()

    assert await one(owner, "SELECT count(*) FROM helpdesk.notice") == 0


async def test_an_answer_that_comes_after_they_hung_up_is_written_to_the_number_they_called_from(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="What do I owe?", lang="en-GB", last=True)
            await heard_of(owner)
        await telephone.posts("/status", CallStatus="completed")
        await answer(atlas, owner, "You owe 40.50.")

    assert await one(owner, "SELECT channel, address, words FROM helpdesk.notice") == ("sms", MAYA, "You owe 40.50.")


async def test_six_keys_pressed_are_a_code_and_never_stand_in_the_words(atlas: Atlas, owner: Owner) -> None:
    maya = await given.customer(owner)
    conversation = await given.row(owner, "helpdesk.conversation", customer_id=maya, channel="voice", address=MAYA, last_at=NOW)
    await given.row(
        owner,
        "helpdesk.one_time_code",
        customer_id=maya,
        conversation_id=conversation,
        channel="voice",
        address=MAYA,
        sent_channel="sms",
        action_id=await given.action(owner),
    )

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.presses("493021")
            await answer(atlas, owner, "Thank you, now I know that it is you.")
            await line.hears()

    assert await one(owner, "SELECT count(*) FROM helpdesk.message WHERE position('493021' IN words) > 0") == 0
    assert await one(owner, "SELECT code_mac IS NOT NULL FROM helpdesk.inbox") is True


async def test_nought_asks_for_a_person(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.presses("0#")
            await answer(atlas, owner, "A colleague will help you.")
            await line.hears()

    assert await one(owner, "SELECT words FROM helpdesk.message WHERE NOT is_from_us") == "person"


async def test_saying_stop_silences_us_and_withdraws_no_consent(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            heard = await line.says("Stop")

    assert heard == "All right. What would you like to know?"
    assert await one(owner, "SELECT count(*) FROM helpdesk.inbox") == 0


async def test_silence_is_asked_about_and_a_slow_answer_announced(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            assert await line.says("  ") == "I did not hear anything. What can I do for you?"
            assert await line.says("Is there an outage?") == "One moment, I am looking."


async def test_another_language_is_heard_and_spoken_from_then_on(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="¿Hay una avería?", lang="es-ES", last=True)
            await answer(atlas, owner, "No hay ninguna avería en su línea.")
            await line.hears()

    assert line.frames[0] == {"type": "language", "ttsLanguage": "es-ES", "transcriptionLanguage": "es-ES"}
    assert line.frames[-1]["lang"] == "es-ES"


async def test_whoever_breaks_in_is_counted_and_heard(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="Tell me everything", lang="en-GB", last=True)
            await answer(atlas, owner, "First. Second. Third.")
            await line.hears()
            await line.breaks_in("First. Sec")
            await line.sends("prompt", voicePrompt="No, the bill", lang="en-GB", last=True)
            await answer(atlas, owner, "The bill, then.")
            assert await line.hears() == "The bill, then."

    assert await one(owner, "SELECT interruptions, turns FROM helpdesk.call") == (1, 2)


async def test_who_needs_a_person_is_put_through_and_the_person_hears_why_first(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas, twilio_voice_desk="+442079460000") as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="This bill is wrong", lang="en-GB", last=True)
            await answer(atlas, owner, "I am fetching a colleague.", "agents:helpdesk")
            await handed_over(owner)
            while (last := await line.next())["type"] != "end":
                pass
        put_through = (await telephone.posts("/ended", HandoffData=last["handoffData"])).text
        whispered = (await telephone.posts("/whisper", CallSid="CA" + "f" * 32, ParentCallSid=telephone.call_id)).text

    assert "+442079460000" in put_through
    assert f"{BASE}/webhooks/twilio/voice/whisper" in put_through
    assert "the bill is disputed" in whispered


async def test_nobody_is_put_through_while_the_answer_that_fetches_somebody_is_still_on_its_way(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="My bill is wrong and I want a person", lang="en-GB", last=True)
            await heard_of(owner)
            await handed_over(owner)
            meanwhile = await said_since(atlas, await call_of(atlas, telephone.call_id))
            await owner.execute("UPDATE helpdesk.inbox SET state = 'answered'")
            afterwards = await said_since(atlas, await call_of(atlas, telephone.call_id))

    assert (meanwhile.owner, afterwards.owner) == ("agents", "queue")


async def test_a_colleague_who_took_the_conversation_over_types_and_is_heard(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)
    anna = await given.member(owner, "Anna", "care_agent")

    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            await line.sends("prompt", voicePrompt="Hello", lang="en-GB", last=True)
            await answer(atlas, owner, "Hello.")
            await line.hears()
            await owner.execute("UPDATE helpdesk.conversation SET owner = %s", (f"staff:{anna}",))
            await line.sends("prompt", voicePrompt="My box is on fire", lang="en-GB", last=True)
            await answer(atlas, owner, "Unplug it now.", f"staff:{anna}")
            assert await line.hears() == "Unplug it now."


async def test_a_socket_that_is_not_signed_is_refused(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        telephone.twilio = Twilio(BASE, "another key")
        with pytest.raises(InvalidStatus):
            async with telephone.relayed():
                pass


async def test_a_socket_for_a_call_that_never_rang_or_has_one_already_is_closed(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        async with telephone.relayed() as line:
            with pytest.raises(ConnectionClosed):
                await line.next()
        await telephone.rings()
        async with telephone.relayed(), telephone.relayed() as replayed:
            with pytest.raises(ConnectionClosed):
                await replayed.next()


async def test_frames_that_twilio_never_sends_end_nothing(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas) as telephone:
        await telephone.rings()
        async with telephone.relayed() as line:
            for odd in ("", "[]", '{"type": 5}', '{"type": "dtmf", "digit": "12"}', '{"type": "prompt", "voicePrompt": "\\ud800"}'):
                await line.socket.send(odd)
            assert await line.says(" ") == "I did not hear anything. What can I do for you?"


async def test_without_the_relay_a_turn_is_gathered_and_its_answer_spoken(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)

    async with exchange(atlas, twilio_voice="gather") as telephone:
        said = await telephone.rings()
        answering = asyncio.create_task(answer(atlas, owner, "You owe 40.50."))
        heard = (await telephone.posts("/said", "turn=1", SpeechResult="What do I owe?")).text
        await answering

    gather = said.find("Gather")
    assert gather is not None
    assert gather.attrib["action"] == f"{BASE}/webhooks/twilio/voice/said?turn=1"
    assert "You owe 40.50." in heard
    assert "said?turn=2" in heard


async def test_a_turn_that_twilio_delivers_again_is_one_turn(atlas: Atlas, owner: Owner) -> None:
    async with exchange(atlas, twilio_voice="gather") as telephone:
        await telephone.rings()
        first = asyncio.create_task(telephone.posts("/said", "turn=1", SpeechResult="Is there an outage?"))
        await answer(atlas, owner, "There is none.")
        await first
        await telephone.posts("/said", "turn=1", SpeechResult="Is there an outage?")

    assert await one(owner, "SELECT count(*) FROM helpdesk.message WHERE NOT is_from_us") == 1


def test_what_is_written_for_eyes_is_spoken_for_ears() -> None:
    written = "You can:\n- see **your bill**\n- ask for a visit\nMore at https://isp.example/x. Write PERSON for help."

    assert speech.sentences(written, {"Write PERSON": "Say: a person"}) == (
        "You can:",
        "see your bill.",
        "ask for a visit.",
        "More at.",
        "Say: a person for help.",
    )


def test_a_frame_that_is_not_of_the_shape_names_its_field() -> None:
    with pytest.raises(InvalidField, match="callSid"):
        relay.frame('{"type": "setup", "callSid": "CA1", "sessionId": "VX1"}')


def test_words_of_ours_cannot_become_commands_to_twilio() -> None:
    said = twiml.told(("</Say><Dial>+1</Dial>",), "en", hangs_up=True)

    assert "<Dial>" not in said


def test_every_language_has_every_sentence_of_a_call() -> None:
    from_english = set(voice_phrases("en")) - {"whisper"}

    for language in speech.SPOKEN_AS:
        assert from_english - set(voice_phrases(language)) == set()


@pytest.mark.parametrize("lines", [["1. a", "2. b", "3. c"], ["- a"], ["no list at all"]])
def test_a_short_list_is_said_whole(lines: list[str]) -> None:
    assert speech.page("\n".join(lines)) == ("\n".join(lines), "")
