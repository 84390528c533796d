"""Turns answered by a provider's model, and by the rule model where it fails. The peer speaks OpenAI's own shape on loopback."""

import uuid
from collections.abc import Callable

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Reply, Supervisor, answer
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer
from tests.agents.conftest import NOW, on
from tests.agents.provider import calls, says, scripted

WHY = "Why is my bill higher this month?"
Make = Callable[[str], Supervisor]


@pytest.fixture
def with_provider(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member]) -> Make:
    def make(base_url: str) -> Supervisor:
        provider = Provider("key", base_url, timeout_s=5)
        return on(atlas, checkpoints, router, consultants(members, router, provider, CircuitBreaker(lambda: 0.0)))

    return make


async def asked(supervisor: Supervisor, customer_id: int) -> Reply:
    return await answer(supervisor, customer(CustomerId(customer_id), Assurance.VERIFIED), uuid.uuid4(), WHY, NOW)


async def test_a_providers_model_answers_from_our_tools(with_provider: Make, maya: int) -> None:
    async with scripted(calls("explain_bill_change"), says("It is £6.20 dearer because of international calls.")) as provider:
        reply = await asked(with_provider(provider.base_url), maya)

    assert reply.words == "It is £6.20 dearer because of international calls."
    assert reply.tools == ("explain_bill_change",)


async def test_a_provider_is_offered_the_customers_tools_only(with_provider: Make, maya: int) -> None:
    async with scripted(says("Hello.")) as provider:
        await asked(with_provider(provider.base_url), maya)

    offered = {tool["function"]["name"] for tool in provider.asked[0]["tools"]}
    assert "explain_bill_change" in offered
    assert "aged_debt" not in offered


async def test_a_provider_is_never_told_who_the_customer_is(with_provider: Make, maya: int) -> None:
    async with scripted(calls("explain_bill_change"), says("It is £6.20 dearer.")) as provider:
        await asked(with_provider(provider.base_url), maya)

    assert not any("Patel" in str(request) or "+447700900001" in str(request) for request in provider.asked)


async def test_an_invented_amount_is_corrected_once(with_provider: Make, maya: int) -> None:
    draft, better = says("I took £25.00 off."), says("It is £6.20 dearer.")
    async with scripted(calls("explain_bill_change"), draft, calls("explain_bill_change"), better) as provider:
        reply = await asked(with_provider(provider.base_url), maya)

    assert reply.words == "It is £6.20 dearer."
    assert "25.00" in provider.asked[2]["messages"][-1]["content"]


async def test_an_amount_invented_twice_never_reaches_the_customer(with_provider: Make, maya: int) -> None:
    async with scripted(says("I took £25.00 off.")) as provider:
        reply = await asked(with_provider(provider.base_url), maya)

    assert "25.00" not in reply.words
    assert reply.tools == ("hand_over",)


@pytest.mark.parametrize("failure", [500, 429, 400, 401])
async def test_a_failing_provider_costs_nobody_the_answer(with_provider: Make, maya: int, failure: int) -> None:
    async with scripted(failure) as provider:
        reply = await asked(with_provider(provider.base_url), maya)

    assert "£6.20 more" in reply.words
    assert reply.trace["answers"][0]["model"] == "rules"


async def test_a_provider_that_dies_after_the_tool_call_leaves_the_same_turn_answered(with_provider: Make, maya: int) -> None:
    async with scripted(calls("explain_bill_change"), 500) as provider:
        reply = await asked(with_provider(provider.base_url), maya)

    assert "£6.20 more" in reply.words


async def test_a_provider_that_is_gone_is_left_alone_after_three_failures(with_provider: Make, maya: int) -> None:
    async with scripted(500) as provider:
        supervisor = with_provider(provider.base_url)
        for _ in range(5):
            await asked(supervisor, maya)

    assert len(provider.asked) <= 3 * 2 + 2


async def test_unknown_arguments_from_a_model_are_refused_and_said_so(with_provider: Make, maya: int) -> None:
    async with scripted(calls("explain_bill_change", customer_id=1), says("I could not look that up.")) as provider:
        await asked(with_provider(provider.base_url), maya)

    assert "cannot take this: customer_id" in provider.asked[1]["messages"][-1]["content"]
