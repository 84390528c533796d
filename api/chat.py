"""One turn of a conversation, whole: kept, answered by the supervisor, and sent as an action of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from agents.briefs import Example
from agents.checkpoints import KeptInAtlas
from agents.embeddings import Remembering, local_encoder
from agents.model import Provider
from agents.roster import examples, roster
from agents.start import Installation, supervisor
from agents.supervisor import Reply, Supervisor, answer
from api.bootstrap import House
from api.inbound.chat import heard
from api.inbound.knowledge import keep_examples
from api.settings import Settings, value_of
from atlas.crm.reads import customer_at
from atlas.errors import NotFound
from atlas.helpdesk.reads import conversation as conversation_of
from atlas.identity import CorrelationId, StaffId
from atlas.knowledge.reads import known_vectors
from atlas.knowledge.records import Passage, PassageKind
from atlas.principal import Assurance, Principal, customer, executor, intake, staff, stranger
from atlas.staff.reads import member_by_email
from forge.action import Action
from forge.actions.helpdesk import SendMessage
from forge.propose import Proposed, propose

DESK: Final = executor("supervisor")


@dataclass(frozen=True)
class Desk:
    """The agents at work in one house."""

    house: House
    supervisor: Supervisor


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
        yield Desk(house, await supervisor(installation, house.atlas, asked, checkpoints))


async def warm_encoder(house: House) -> Remembering:
    """The local encoder, knowing every example that Atlas has its vector of; what was new is kept there for the next start."""
    encoder = await asyncio.to_thread(local_encoder)
    async with house.atlas.transaction(DESK) as conn:
        known = await known_vectors(conn, PassageKind.EXAMPLE, encoder.name)
    encoder.remember((one.words, one.vector) for one in known)
    spoken = [example for example in examples(roster()) if example.language == "en"]
    vectors = await encoder.encode([example.words for example in spoken])
    if {example.words for example in spoken} != {one.words for one in known}:
        passages = [
            Passage(
                PassageKind.EXAMPLE, example.module, example.tool, example.words, example.language, encoder.name, tuple(vector.tolist())
            )
            for example, vector in zip(spoken, vectors, strict=True)
        ]
        await keep_examples(house.atlas, passages)
    return encoder


def passage(example: Example, vector: Sequence[float], model: str) -> Passage:
    return Passage(PassageKind.EXAMPLE, example.module, example.tool, example.words, example.language, model, tuple(vector))


def provider_of(settings: Settings) -> Provider | None:
    """The configured model provider; None has the rule model answer everything."""
    key = value_of(settings.openai_api_key)
    if key is None:
        return None
    model = settings.openai_model
    return Provider(key, settings.openai_base_url, agent_model=model, router_model=model, summariser_model=model)


async def turn(here: Desk, principal: Principal, words: str, channel: str = "chat", address: str | None = None) -> Reply | None:
    """What we say to `words`; None while a person has the conversation, who answers instead."""
    house, now = here.house, here.house.forge.now()
    inbound = await heard(house.atlas, principal, channel, address, words, now)
    async with house.atlas.transaction(DESK) as conn:
        if (await conversation_of(conn, inbound.conversation_id)).owner != "agents":
            return None
    thread_of_causes = CorrelationId(uuid.uuid4())
    reply = await answer(here.supervisor, principal, inbound.thread, words, now, thread_of_causes)
    message = SendMessage(
        inbound.conversation_id,
        principal.customer_id,
        inbound.message_id,
        reply.words,
        "agents:" + "+".join(reply.modules or ("supervisor",)),
        reply.language,
        reply.trace,
    )
    await propose(house.forge, DESK, message, reason="answers whoever asked", correlation_id=thread_of_causes)
    return reply


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
