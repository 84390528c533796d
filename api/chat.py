"""One turn of a conversation, whole: kept, answered by the supervisor, and sent as an action of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.articles import articles
from agents.briefs import Example
from agents.checkpoints import KeptInAtlas
from agents.embeddings import Remembering, local_encoder
from agents.language import language_of
from agents.model import Provider
from agents.replies import phrases
from agents.roster import examples, roster
from agents.router import numberless, told_apart
from agents.start import Installation, supervisor, unplugged
from agents.supervisor import Reply, Supervisor, answer
from api.bootstrap import House
from api.inbound.chat import heard
from api.inbound.inbox import asked_before, is_right
from api.inbound.knowledge import keep_articles, keep_examples
from api.settings import Settings, value_of
from atlas.crm.reads import customer_at
from atlas.errors import NotFound
from atlas.helpdesk.reads import asked_as_nobody, is_verified_at
from atlas.helpdesk.reads import conversation as conversation_of
from atlas.helpdesk.records import Unanswered
from atlas.identity import CorrelationId, StaffId
from atlas.knowledge.reads import known_vectors
from atlas.knowledge.records import Passage, PassageKind
from atlas.principal import Assurance, Principal, Zone, customer, executor, in_conversation, intake, staff, stranger
from atlas.staff.reads import member_by_email
from forge.action import Action
from forge.actions.helpdesk.saying import SendMessage
from forge.propose import Proposed, propose

DESK: Final = executor("supervisor")
# Ten seconds are what a person waits: five for the provider, two for the rules, the rest for a ticket.
PROVIDER_HAS_S: Final = 5.0
RULES_HAVE_S: Final = 2.0


@dataclass(frozen=True)
class Desk:
    """The agents at work in one house."""

    house: House
    supervisor: Supervisor
    # The same without a provider; itself where there is none.
    unplugged: Supervisor
    provider_has_s: float = PROVIDER_HAS_S


@asynccontextmanager
async def desk(house: House) -> AsyncIterator[Desk]:
    """The supervisor with its ten agents, keeping conversations in Atlas, encrypted."""
    settings = house.settings

    async def asked(principal: Principal, action: Action, reason: str, correlation_id: CorrelationId) -> Proposed:
        return await propose(house.forge, principal, action, reason=reason, correlation_id=correlation_id)

    encoder = await warm_encoder(house)
    installation = Installation(encoder, ZoneInfo(settings.timezone), provider_of(settings), settings.currency)
    house.parts.update(vectors=type(encoder).__name__, model="provider" if installation.provider else "rule model")
    async with KeptInAtlas.open(house.atlas.url, settings.secret) as checkpoints:
        plugged = await supervisor(installation, house.atlas, asked, checkpoints)
        yield Desk(house, plugged, unplugged(plugged) if installation.provider else plugged)


async def warm_encoder(house: House) -> Remembering:
    """The local encoder, knowing every example that Atlas has its vector of; what was new is kept there for the next start."""
    encoder = await asyncio.to_thread(local_encoder)
    spoken = [example for example in examples(roster()) if example.language == "en"]
    routing = encoder.attuned(told_apart(spoken))
    async with house.atlas.transaction(DESK) as conn:
        known = await known_vectors(conn, PassageKind.EXAMPLE, routing.name)
    routing.remember((numberless(one.words), one.vector) for one in known)
    vectors = await routing.encode(told_apart(spoken))
    if {example.words for example in spoken} != {one.words for one in known}:
        passages = [
            Passage(
                PassageKind.EXAMPLE, example.module, example.tool, example.words, example.language, routing.name, tuple(vector.tolist())
            )
            for example, vector in zip(spoken, vectors, strict=True)
        ]
        await keep_examples(house.atlas, passages)
    await keep_articles(house.atlas, await passages_of_articles(encoder))
    return encoder


async def passages_of_articles(encoder: Remembering) -> list[Passage]:
    """The operator's articles with their vectors: of the title and the words together."""
    ours = articles()
    vectors = await encoder.encode([f"{one.title}. {one.words}" for one in ours])
    return [
        Passage(
            PassageKind.ARTICLE,
            one.module,
            one.title,
            one.words,
            "en",
            encoder.name,
            tuple(vector.tolist()),
            is_public=one.is_public,
            reviewed_on=one.reviewed_on,
        )
        for one, vector in zip(ours, vectors, strict=True)
    ]


def passage(example: Example, vector: Sequence[float], model: str) -> Passage:
    return Passage(PassageKind.EXAMPLE, example.module, example.tool, example.words, example.language, model, tuple(vector))


def provider_of(settings: Settings) -> Provider | None:
    """The configured model provider; None has the rule model answer everything."""
    key = value_of(settings.openai_api_key)
    if key is None:
        return None
    model = settings.openai_model
    return Provider(key, settings.openai_base_url, agent_model=model, router_model=model, summariser_model=model)


@dataclass(frozen=True)
class Question:
    """One turn as it will be answered: who asks, what, and what we say before the answer."""

    principal: Principal
    thread: UUID
    words: str
    preface: str = ""
    # An engineer at work, who calls: what they say is one of a few orders.
    is_hands_free: bool = False


def question(principal: Principal, last: Unanswered, words: str, preface: str = "") -> Question:
    """Who asks, as surely as the door and a code made known. What was said to somebody verified is remembered apart from the rest."""
    if last.is_verified and principal.customer_id is not None:
        principal = replace(principal, assurance=Assurance.VERIFIED)
    is_apart = principal.zone is Zone.CUSTOMER and principal.assurance >= Assurance.VERIFIED
    thread = uuid.uuid5(last.thread, "verified") if is_apart else last.thread
    if principal.may is not None:
        # Somebody else, at an address of theirs, is told nothing that was said with the customer.
        thread = uuid.uuid5(thread, f"acting:{last.address}")
    is_hands_free = last.channel == "voice" and last.staff_id is not None
    return Question(in_conversation(principal, last.thread), thread, words, preface, is_hands_free)


async def after_code(house: House, principal: Principal, last: Unanswered) -> Question:
    """A message that held six digits: where they are right, what was asked before them is answered now."""
    words = await asked_before(house.atlas, last)
    # Digits are of no language: they are answered in that of what was asked.
    said = phrases(language_of(words, last.language))
    # A try that died after the digits were found right finds the address verified.
    if not last.is_verified and (principal.customer_id is None or not await is_right(house.atlas, last)):
        return question(principal, last, "", str(said["wrong_code"]))
    return question(principal, replace(last, is_verified=True), words, str(said["verified"]))


async def after_choice(house: House, principal: Principal, last: Unanswered) -> Question:
    """A message that said which of several customers it is: what was asked before it is answered now."""
    said = phrases(last.language)
    async with house.atlas.transaction(DESK) as conn:
        words = await asked_as_nobody(conn, last.channel, last.address, last.at)
    return question(principal, last, words, str(said["which_chosen"]))


def in_queue(language: str, ahead: int) -> Reply:
    """What somebody hears who waits for a person and asks again; beyond ten the count is a guess by tens."""
    said = phrases(language)["in_queue"]
    if ahead == 0:
        return fixed(str(said["next"]), language)
    about = ahead if ahead <= 10 else round(ahead, -1)
    return fixed(str(said["one" if about == 1 else "some"]).format(ahead=about), language)


def which_of_you(language: str) -> Reply:
    """Asks who of several it is. Names nobody: whoever has the telephone is not told who else does."""
    words = str(phrases(language)["which_of_you"])
    return Reply(words, (), (), (), language, {"route": {"certain": "which_of_you"}, "language": language, "answers": []})


def with_preface(reply: Reply, preface: str) -> Reply:
    return replace(reply, words=f"{preface}\n\n{reply.words}") if preface else reply


def fixed(words: str, language: str) -> Reply:
    """Words of ours that no model was asked for."""
    return Reply(words, (), (), (), language, {"route": {"certain": "fixed"}, "language": language, "answers": []})


async def turn(here: Desk, principal: Principal, words: str, channel: str = "chat", address: str | None = None) -> Reply | None:
    """What we say to `words`; None while a person has the conversation, who answers instead."""
    house, now = here.house, here.house.forge.now()
    last = await _kept(house, principal, words, channel, address, now)
    if last.owner != "agents":
        return None
    asks = question(principal, last, last.words) if last.code_mac is None else await after_code(house, principal, last)
    causes = CorrelationId(uuid.uuid5(last.thread, f"message:{last.message_id}"))
    if asks.preface and not asks.words:
        reply = fixed(asks.preface, last.language)
    else:
        reply = with_preface(await answer(here.supervisor, asks.principal, asks.thread, asks.words, now, causes), asks.preface)
    author = "agents:" + "+".join(reply.modules or ("supervisor",))
    message = SendMessage(last.conversation_id, principal.customer_id, last.message_id, reply.words, author, reply.language, reply.trace)
    await propose(house.forge, DESK, message, reason="answers whoever asked", correlation_id=causes)
    return reply


async def _kept(house: House, principal: Principal, words: str, channel: str, address: str | None, now: datetime) -> Unanswered:
    """The words, stored, as a message that is answered at once."""
    kept = await heard(house.atlas, principal, channel, address, words, now)
    inbound = kept.inbound
    async with house.atlas.transaction(DESK) as conn:
        owner = (await conversation_of(conn, inbound.conversation_id)).owner
        is_verified = await is_verified_at(conn, inbound.conversation_id, channel, address or "")
    return Unanswered(
        inbox_id=0,
        message_id=inbound.message_id,
        at=now,
        words=kept.words,
        channel=channel,
        address=address or "",
        media=0,
        tries=0,
        is_due=True,
        code_mac=kept.code_mac,
        conversation_id=inbound.conversation_id,
        thread=inbound.thread,
        customer_id=principal.customer_id,
        language="en",
        owner=owner,
        is_verified=is_verified,
    )


async def caller(house: House, phone: str, level: Assurance = Assurance.ADDRESS_ON_FILE) -> Principal:
    """Whoever writes from this number: a recognised number is a claim, not a proof. A higher `level` is somebody's word for them."""
    async with house.atlas.transaction(intake("chat")) as conn:
        known = await customer_at(conn, phone)
    return customer(known, level) if known else stranger()


async def colleague(house: House, email: str) -> Principal:
    """The member of staff of this address. Raises NotFound. The command line trusts whoever may run it."""
    async with house.atlas.transaction(executor("chat")) as conn:
        known = await member_by_email(conn, email)
    if known is None:
        raise NotFound("member of staff", email)
    return staff(StaffId(known.staff_id), known.name, frozenset(known.roles))
