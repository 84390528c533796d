"""The wire to a model provider, spoken with a server that nobody of ours wrote."""

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
from tests.agents.aimock import NEEDS_IT, aimock, calls, fails, says
from tests.agents.conftest import NOW, on
from tests.given import Owner

pytestmark = NEEDS_IT
WHY = "Why is my bill higher this month?"
CHANGE = ("explain_bill_change", {})
BALANCE = ("balance", {})
Make = Callable[[str], Supervisor]


@pytest.fixture
def with_provider(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member]) -> Make:
    def make(base_url: str) -> Supervisor:
        provider = Provider("key", base_url, timeout_s=2)
        return on(atlas, checkpoints, router, consultants(members, router, provider, CircuitBreaker(lambda: 0.0)))

    return make


async def asked(supervisor: Supervisor, customer_id: int) -> Reply:
    return await answer(supervisor, customer(CustomerId(customer_id), Assurance.VERIFIED), uuid.uuid4(), WHY, NOW)


async def test_a_streamed_answer_arrives_whole(with_provider: Make, maya: int) -> None:
    words = "It is £6.20 dearer this month, and the reason is international calls."
    async with aimock(calls(CHANGE, chunkSize=3), says(words, chunkSize=2)) as url:
        reply = await asked(with_provider(url), maya)

    assert reply.words == words
    assert reply.tools == ("explain_bill_change",)


async def test_tools_called_side_by_side_are_each_answered(with_provider: Make, maya: int) -> None:
    async with aimock(calls(CHANGE, BALANCE), says("It is £6.20 dearer.")) as url:
        reply = await asked(with_provider(url), maya)

    assert sorted(reply.tools) == ["balance", "explain_bill_change"]
    assert reply.words == "It is £6.20 dearer."


async def test_tokens_are_counted_as_the_provider_says(with_provider: Make, maya: int, owner: Owner) -> None:
    costly, said = {"prompt_tokens": 90_000, "completion_tokens": 4_321, "total_tokens": 94_321}, says("It is £6.20 dearer.")
    said["response"]["usage"] = costly
    async with aimock(calls(CHANGE), said) as url:
        await asked(with_provider(url), maya)

    counted = await (await owner.execute("SELECT max(tokens) FROM actions.budget_spent WHERE scope = 'run'")).fetchone()
    assert counted is not None
    assert counted[0] >= costly["total_tokens"]


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_a_provider_that_refuses_costs_nobody_the_answer(with_provider: Make, maya: int, status: int) -> None:
    async with aimock(fails(status)) as url:
        reply = await asked(with_provider(url), maya)

    assert "£6.20 more" in reply.words
    assert reply.trace["answers"][0]["model"] == "rules"


async def test_who_is_asked_to_come_back_much_later_does_not_wait(with_provider: Make, maya: int) -> None:
    later = fails(429)
    later["response"]["retryAfter"] = 3600
    async with aimock(later) as url:
        reply = await asked(with_provider(url), maya)

    assert "£6.20 more" in reply.words


async def test_a_stream_that_is_cut_is_not_taken_for_an_answer(with_provider: Make, maya: int) -> None:
    words = "It is £6.20 dearer this month, and the reason is something that you will never read."
    async with aimock(calls(CHANGE), says(words, chunkSize=4, truncateAfterChunks=5)) as url:
        reply = await asked(with_provider(url), maya)

    assert "£6.20 more" in reply.words
    assert "never read" not in reply.words
    assert reply.trace["answers"][0]["model"] == "rules"


async def test_a_provider_that_hangs_up_in_the_middle_of_a_word_leaves_the_same_turn_answered(with_provider: Make, maya: int) -> None:
    slow = says("It is £6.20 dearer, as I was about to say at great length.", latency=200, chunkSize=2, disconnectAfterMs=500)
    async with aimock(calls(CHANGE), slow) as url:
        reply = await asked(with_provider(url), maya)

    assert "£6.20 more" in reply.words


async def test_a_provider_that_is_too_slow_is_not_waited_for(with_provider: Make, maya: int) -> None:
    async with aimock(calls(CHANGE, chaos={"latencyMs": 20_000})) as url:
        reply = await asked(with_provider(url), maya)

    assert "£6.20 more" in reply.words
