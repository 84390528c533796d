"""Answers what waits in the inbox: a conversation at a time, a burst as one turn, each message once; else with a ticket."""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

import psycopg
import structlog

from agents.commands import certain, is_command, is_start, is_stop, wants_person
from agents.language import language_of
from agents.replies import phrases
from agents.slots import goes_on
from agents.supervisor import Reply, Supervisor, answer
from api.chat import DESK, RULES_HAVE_S, Desk, Question, after_choice, after_code, fixed, in_queue, question, which_of_you, with_preface
from api.inbound.inbox import ended, ended_without_words, failed, taken_up
from api.inbound.voice.speech import page
from api.texting import first_part, wants_the_rest
from api.watching import Watching
from atlas.actions.records import ActionState
from atlas.crm.reads import customers_at, scopes_from
from atlas.crm.records import Channel, Consent, Purpose
from atlas.errors import AtlasError, InvalidField
from atlas.helpdesk.reads import asked_which_at, left_to_say, queue
from atlas.helpdesk.records import Unanswered
from atlas.identity import ConversationId, CorrelationId, CustomerId, StaffId
from atlas.principal import Principal, customer, staff, stranger
from atlas.staff.reads import member
from atlas.statements import Connection
from cortex.waiting import in_order
from forge.actions.crm.customers import RecordContactPreference
from forge.actions.helpdesk.saying import HandOverToPerson, SendMessage
from forge.propose import Proposed, propose

log = structlog.get_logger()

# A reply that failed for a reason that is over may be tried under the same name.
REPLIES_TRIED: Final = 6
# Of a burst this much is read; the rest waits for the next turn.
MOST_FOLDED: Final = 8


class NotAnswered(AtlasError):
    """Neither an answer nor a ticket could be had: the message is tried again, and parked after its last try."""


def one_turn(waiting: Sequence[Unanswered]) -> Sequence[Unanswered]:
    """What is answered together: the messages of a burst; alone: a command, a code, and whatever failed before."""
    due = [one for one in waiting if one.is_due]
    if not due or _stands_alone(due[0]):
        return due[:1]
    folded = [due[0]]
    for one in due[1:MOST_FOLDED]:
        if _stands_alone(one) or (one.channel, one.address) != (due[0].channel, due[0].address):
            break
        folded.append(one)
    return folded


def _stands_alone(one: Unanswered) -> bool:
    return one.tries > 0 or one.code_mac is not None or is_command(one.words)


async def answer_conversation(here: Desk, conversation_id: ConversationId) -> None:
    """Answers whatever waits in one conversation. What cannot be answered waits for its next try, and the rest goes on."""
    atlas = here.house.atlas
    while turn := await taken_up(atlas, conversation_id, one_turn):
        try:
            await _answered(here, turn)
        except psycopg.OperationalError:
            raise
        except Exception as error:  # a message may break anything behind it, and must not stop the ones after it
            # Without the traceback: it would put their words into the log.
            log.error(  # noqa: TRY400
                "message_not_answered", conversation_id=conversation_id, kind=type(error).__name__, tries=turn[0].tries + 1
            )
            await failed(atlas, turn, type(error).__name__)


async def _answered(here: Desk, turn: Sequence[Unanswered]) -> None:
    last = turn[-1]
    # Nobody takes a colleague's conversation off the agents: whoever wants a person there asks one.
    if last.owner != "agents" and last.staff_id is None and not is_command(last.words):
        if last.owner != "queue" or not wants_person(last.words) or not await _told_their_place(here, turn):
            await ended_without_words(here.house.atlas, turn, "person")
        return
    causes = _causes(last)
    reply = await _reply(here, turn, causes)
    if reply is None or not await _sent(here, turn, reply, causes, "command" if is_command(last.words) else "agents"):
        await _handed_over(here, turn, causes)


def _causes(last: Unanswered) -> CorrelationId:
    return CorrelationId(uuid.uuid5(last.thread, f"message:{last.message_id}"))


async def _told_their_place(here: Desk, turn: Sequence[Unanswered]) -> bool:
    """Tells whoever asks for a person again that they wait for one, and about how many are helped before them."""
    last = turn[-1]
    async with here.house.atlas.transaction(DESK) as conn:
        waiting = in_order(await queue(conn), here.house.forge.now())
    ahead = next((place for place, (one, _) in enumerate(waiting) if one.conversation_id == last.conversation_id), None)
    if ahead is None:
        return False
    language = language_of(last.words, last.language)
    return await _sent(here, turn, in_queue(language, ahead), _causes(last), "person")


async def _reply(here: Desk, turn: Sequence[Unanswered], causes: CorrelationId) -> Reply | None:
    """What we say; None where nobody could."""
    last = turn[-1]
    if last.customer_id is None and last.staff_id is None and (is_stop(last.words) or is_start(last.words)):
        return await _consent_at_address(here, last, causes)
    if last.customer_id is None and last.staff_id is None and await _is_to_be_asked_which(here, last):
        return which_of_you(last.language)
    if rest := await _left_to_say(here, last):
        return fixed(rest, last.language)
    principal = await _asker(here, last)
    if last.is_choice:
        asks = await after_choice(here.house, principal, last)
    elif last.code_mac is not None:
        asks = await after_code(here.house, principal, last)
    else:
        asks = question(principal, last, "\n".join(one.words for one in turn))
    if asks.preface and not asks.words:
        return fixed(asks.preface, last.language)
    reply = await _answer(here, asks, causes, Watching(here.house.atlas, last, DESK.name, asks.preface))
    return reply and with_preface(reply, asks.preface)


async def _is_to_be_asked_which(here: Desk, last: Unanswered) -> bool:
    """Whether several customers have this address, and nobody asked yet which of them it is. A wish for a person needs no name."""
    today = here.house.forge.now().date()
    if last.channel == "chat" or certain(last.words, None, {}, today, here.supervisor.timezone) is not None:
        return False
    if len(await _owners(here, last.address)) < 2:
        return False
    async with here.house.atlas.transaction(DESK) as conn:
        return not await asked_which_at(conn, last.channel, last.address, last.at)


async def _asker(here: Desk, last: Unanswered) -> Principal:
    """Whose words these are, as the door kept them. Raises NotFound for a colleague who left meanwhile."""
    if last.staff_id is None:
        return stranger() if last.customer_id is None else await _customer_or_delegate(here, last, last.customer_id)
    async with here.house.atlas.transaction(DESK) as conn:
        known = await member(conn, last.staff_id)
    return staff(StaffId(known.staff_id), known.name, frozenset(known.roles))


async def _customer_or_delegate(here: Desk, last: Unanswered, customer_id: CustomerId) -> Principal:
    """The customer, or somebody at another address whom they let act; whose authority is over is nobody."""
    async with here.house.atlas.transaction(DESK) as conn:
        may = await scopes_from(conn, customer_id, last.address, here.house.forge.now())
    if may is None:
        return customer(customer_id)
    return replace(customer(customer_id), may=may) if may else stranger()


async def _answer(here: Desk, asks: Question, causes: CorrelationId, watching: Watching) -> Reply | None:
    """The supervisor's answer; without the provider where that fails or takes too long; None where even the rules fail."""
    tries: list[tuple[Supervisor, float]] = [(here.supervisor, here.provider_has_s)]
    if here.unplugged is not here.supervisor:
        tries.append((here.unplugged, RULES_HAVE_S))
    for supervisor, has_s in tries:
        # What the one before had said is nobody's any more; what we say in any case is read at once.
        await watching.so_far("")
        try:
            async with asyncio.timeout(has_s):
                reply = await answer(
                    supervisor,
                    asks.principal,
                    asks.thread,
                    asks.words,
                    here.house.forge.now(),
                    causes,
                    watching,
                    is_hands_free=asks.is_hands_free,
                )
        except psycopg.OperationalError:
            raise
        except Exception as error:  # agents, models and tools behind one door: whoever writes is answered whatever breaks there
            log.warning("supervisor_failed", kind=type(error).__name__)
            continue
        if reply.words.strip():
            return reply
    return None


async def _left_to_say(here: Desk, last: Unanswered) -> str:
    """What is left of a list, for a caller who was asked whether we shall go on and says yes, and for whoever asks for it by text."""
    wants = goes_on(last.words) if last.channel == "voice" else last.channel == "sms" and wants_the_rest(last.words)
    if not wants:
        return ""
    async with here.house.atlas.transaction(DESK) as conn:
        return await left_to_say(conn, last.conversation_id, last.message_id)


def for_a_telephone(reply: Reply, channel: str) -> Reply:
    """As much of a list as an ear takes in, or a text says, and how to have the rest; all of it everywhere else."""
    said = phrases(reply.language)
    if channel == "voice":
        words, rest = page(reply.words)
        more = str(said["voice"]["go_on"])
    elif channel == "sms":
        part = first_part(reply.words)
        words, rest, more = part.words, part.rest, str(said["more_by_text"]).format(count=part.left)
    else:
        return reply
    return replace(reply, words=f"{words}\n{more}", trace={**reply.trace, "more": rest}) if rest else reply


async def _sent(here: Desk, turn: Sequence[Unanswered], reply: Reply, causes: CorrelationId, by: str) -> bool:
    """Queues the answer to the address that wrote and ends the wait of what it answers, in one transaction; False where it may not."""
    last = turn[-1]
    reply = for_a_telephone(reply, last.channel)
    author = "agents:" + "+".join(reply.modules or ("supervisor",))
    message = SendMessage(last.conversation_id, last.customer_id, last.message_id, reply.words, author, reply.language, reply.trace)

    async def then(conn: Connection, _: Proposed) -> None:
        await ended(conn, turn, by)

    reason = "answers whoever asked"
    made = await propose(here.house.forge, DESK, message, reason=reason, correlation_id=causes, tries=REPLIES_TRIED, then=then)
    if made.state is not ActionState.DONE:
        log.warning("reply_not_sent", conversation_id=last.conversation_id, state=made.state.value)
    elif not made.is_new:
        await ended_without_words(here.house.atlas, turn, by)
    return made.state is ActionState.DONE


async def _handed_over(here: Desk, turn: Sequence[Unanswered], causes: CorrelationId) -> None:
    """A ticket and a person, and a word that says so where one may be sent. Raises NotAnswered where not even that can be had."""
    last = turn[-1]
    over = HandOverToPerson(last.conversation_id, last.customer_id, last.message_id, "the agents could not answer")
    made = await propose(here.house.forge, DESK, over, reason="nobody is left without an answer", correlation_id=causes)
    if made.state is not ActionState.DONE:
        raise NotAnswered(f"conversation {last.conversation_id} could not be handed over: {made.state}")
    language = language_of(last.words, last.language)
    if not await _sent(here, turn, fixed(str(phrases(language)["handed_over"]), language), causes, "person"):
        await ended_without_words(here.house.atlas, turn, "person")


async def _consent_at_address(here: Desk, last: Unanswered, causes: CorrelationId) -> Reply:
    """STOP and START from a number that is several customers', or nobody's: it holds for the number, whoever's it is."""
    starts = is_start(last.words)
    purposes = [one for one in Purpose if not (starts and one is Purpose.MARKETING)]
    for owner in await _owners(here, last.address):
        consents = tuple(Consent(one, Channel(last.channel), starts) for one in purposes)
        wish = RecordContactPreference(owner, f"message:{last.message_id}", consents=consents)
        await propose(here.house.forge, DESK, wish, reason="whoever has this number said so", correlation_id=causes)
    return fixed(str(phrases(last.language)["started" if starts else "stopped"]), last.language)


async def _owners(here: Desk, address: str) -> list[CustomerId]:
    async with here.house.atlas.transaction(DESK) as conn:
        with suppress(InvalidField):
            return await customers_at(conn, address)
    return []
