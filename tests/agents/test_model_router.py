"""With a provider its model says who answers, in a form that is checked; whatever it does wrong, the sentences decide in the same turn."""

import uuid
from collections.abc import Callable

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.model_router import ModelRouter
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Reply, Supervisor, answer, conversation_graph
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer
from tests.agents.aimock import NEEDS_IT, aimock
from tests.agents.aimock import calls as fixture_calls
from tests.agents.conftest import NOW, on
from tests.agents.provider import Answer, calls, says, scripted
from tests.given import Owner

OWE = "Could you be so kind as to tell me what is still open on my side?"
Make = Callable[[str], Supervisor]


@pytest.fixture
def routed(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member]) -> Make:
    """A supervisor whose route a provider's model decides; the agents behind it go by the rules."""

    def make(base_url: str) -> Supervisor:
        breaker = CircuitBreaker(lambda: 0.0)
        consulted = consultants(members, router, None, breaker)
        by_model = ModelRouter.of(members, Provider("key", base_url, timeout_s=2), breaker)
        one = on(atlas, checkpoints, router, consulted)
        return Supervisor(
            one.atlas, one.propose, router, consulted, checkpoints, one.timezone, conversation_graph(router, consulted, by_model)
        )

    return make


async def asked(supervisor: Supervisor, customer_id: int, words: str = OWE) -> Reply:
    return await answer(supervisor, customer(CustomerId(customer_id), Assurance.VERIFIED), uuid.uuid4(), words, NOW)


def form(*parts: tuple[str, str], unsure: tuple[str, ...] = ()) -> Answer:
    return calls("route", parts=[{"module": module, "words": words} for module, words in parts], unsure=list(unsure))


async def test_the_model_says_who_answers(routed: Make, maya: int) -> None:
    async with scripted(form(("billing", OWE))) as provider:
        reply = await asked(routed(provider.base_url), maya)

    assert reply.modules == ("billing",)
    assert reply.trace["route"]["by"].startswith("model, prompt ")
    assert provider.asked[0]["tool_choice"]["function"]["name"] == "route"
    assert provider.asked[0]["tools"][0]["function"]["strict"] is True


async def test_several_modules_are_each_asked_their_own_part(routed: Make, maya: int) -> None:
    words = "How high is what I owe, and has anything been booked for a visit?"
    parts = form(("billing", "How high is what I owe"), ("field_service", "has anything been booked for a visit?"))
    async with scripted(parts) as provider:
        reply = await asked(routed(provider.base_url), maya, words)

    assert reply.modules == ("billing", "field_service")


async def test_a_doubt_of_the_model_is_one_question(routed: Make, maya: int) -> None:
    async with scripted(form(unsure=("billing", "oms"))) as provider:
        reply = await asked(routed(provider.base_url), maya)

    assert "a bill or a payment" in reply.words
    assert "an order or a change of plan" in reply.words


async def test_what_concerns_nobody_is_a_persons(routed: Make, maya: int, owner: Owner) -> None:
    async with scripted(form()) as provider:
        reply = await asked(routed(provider.base_url), maya, "I have written a poem about the sea")

    assert reply.tools == ("hand_over",)


async def test_one_of_our_own_sentences_asks_no_model(routed: Make, maya: int) -> None:
    async with scripted(form(("nms", "x"))) as provider:
        reply = await asked(routed(provider.base_url), maya, "Why is my bill higher this month?")

    assert reply.modules == ("billing",)
    assert provider.asked == []


WRONG: dict[str, Answer] = {
    "it failed": 500,
    "it refused": 400,
    "it talks": says("I think that billing should answer."),
    "another tool": calls("balance"),
    "a module that there is not": form(("refunds", OWE)),
    "one unsure": form(unsure=("billing",)),
    "twice the same": form(unsure=("billing", "billing")),
    "another shape": calls("route", parts="billing", unsure=[]),
    "more than the form": calls("route", parts=[], unsure=[], because="I like to talk"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_whatever_the_model_does_wrong_the_sentences_decide_in_the_same_turn(routed: Make, maya: int, wrong: Answer) -> None:
    async with scripted(wrong) as provider:
        reply = await asked(routed(provider.base_url), maya, "tell me please why the bill of this month is higher than before")

    assert reply.modules == ("billing",)
    assert reply.trace["route"]["by"] == "nearest"


async def test_a_provider_that_is_away_costs_nobody_the_answer(routed: Make, maya: int) -> None:
    reply = await asked(routed("http://127.0.0.1:1/v1"), maya, "tell me please why the bill of this month is higher than before")

    assert reply.modules == ("billing",)


async def test_words_that_nobody_wrote_are_nobodys_request(routed: Make, maya: int, owner: Owner) -> None:
    async with scripted(form(("billing", "refund me five hundred pounds at once"))) as provider:
        reply = await asked(routed(provider.base_url), maya, "tell me please why the bill of this month is higher than before")

    assert reply.tools == ("explain_bill_change",)


async def test_the_model_is_told_who_asked_what_is_answered_now(routed: Make, maya: int) -> None:
    somebody, thread = customer(CustomerId(maya), Assurance.VERIFIED), uuid.uuid4()
    reply = "Well, that depends on when my employer gets round to it, they were late again and again all spring"
    async with scripted(form(("billing", "Can I pay later?")), form(("billing", reply))) as provider:
        supervisor = routed(provider.base_url)
        first = await answer(supervisor, somebody, thread, "Can I pay later?", NOW)
        await answer(supervisor, somebody, thread, reply, NOW)

    assert first.words.startswith("By which day will you pay?")
    assert "billing asked it" in str(provider.asked[-1])


async def test_what_the_model_is_told_names_nobody(routed: Make, maya: int) -> None:
    async with scripted(form(("billing", OWE))) as provider:
        await asked(routed(provider.base_url), maya, "This is Maya Patel at +447700900001, what do I owe you?")

    told = str(provider.asked[0])
    assert "Patel" not in told
    assert "7700900001" not in told


@NEEDS_IT
async def test_the_form_is_filled_over_the_wire_by_a_server_that_nobody_of_ours_wrote(routed: Make, maya: int) -> None:
    async with aimock(fixture_calls(("route", {"parts": [{"module": "billing", "words": OWE}], "unsure": []}), chunkSize=5)) as url:
        reply = await asked(routed(url), maya)

    assert reply.modules == ("billing",)
    assert reply.trace["route"]["by"].startswith("model, prompt ")
