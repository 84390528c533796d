"""What is read of an answer while it is made: nothing before it is sound, and nothing that the check of the whole would refuse."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Supervisor, answer
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer
from tests.agents import provider
from tests.agents.aimock import NEEDS_IT, aimock, calls, says
from tests.agents.conftest import NOW, on
from tests.agents.provider import scripted

WHY = "Why is my bill higher this month?"
CHANGE = ("explain_bill_change", {})
Make = Callable[[str], Supervisor]


@pytest.fixture
def with_provider(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member]) -> Make:
    def make(base_url: str) -> Supervisor:
        there = Provider("key", base_url, timeout_s=2)
        return on(atlas, checkpoints, router, consultants(members, router, there, CircuitBreaker(lambda: 0.0)))

    return make


@dataclass
class Eye:
    """Whoever waits: every word that could ever be read, in order."""

    read: list[str] = field(default_factory=list)

    async def __call__(self, step: str) -> None:
        del step

    async def so_far(self, words: str) -> None:
        self.read.append(words)


async def watched(supervisor: Supervisor, customer_id: int) -> tuple[list[str], str]:
    eye = Eye()
    reply = await answer(supervisor, customer(CustomerId(customer_id), Assurance.VERIFIED), uuid.uuid4(), WHY, NOW, None, eye)
    return [words for words in eye.read if words], reply.words


@NEEDS_IT
async def test_sentences_are_read_one_after_the_other_before_the_answer_is_whole(with_provider: Make, maya: int) -> None:
    words = "It is £6.20 dearer this month. The reason is international calls. Nothing else changed."
    async with aimock(calls(CHANGE, chunkSize=3), says(words, chunkSize=4)) as url:
        read, said = await watched(with_provider(url), maya)

    assert read == ["It is £6.20 dearer this month.", "It is £6.20 dearer this month. The reason is international calls."]
    assert said == words


async def test_an_invented_amount_is_never_read_by_anybody(with_provider: Make, maya: int) -> None:
    invented = "It is £6.20 dearer this month. You will get £99.99 back. Good-bye to you."
    sound = "It is £6.20 dearer. Nothing else changed."
    looks = provider.calls("explain_bill_change")
    async with scripted(looks, provider.says(invented), looks, provider.says(sound)) as there:
        read, said = await watched(with_provider(there.base_url), maya)

    assert not any("99" in words or "Good-bye" in words for words in read)
    assert read[0] == "It is £6.20 dearer this month."
    assert said == sound


async def test_a_figure_is_not_read_before_a_tool_said_it(with_provider: Make, maya: int) -> None:
    words = "It is £46.70 this month. That is all. Really."
    async with scripted(provider.says(words)) as there:
        read, said = await watched(with_provider(there.base_url), maya)

    assert (read, "46.70" in said) == ([], False)


async def test_what_a_model_says_before_it_looks_is_taken_back(with_provider: Make, maya: int) -> None:
    looks = {**provider.calls("explain_bill_change"), "content": "I will have a look. One moment please."}  # type: ignore[dict-item]
    async with scripted(looks, provider.says("It is £6.20 dearer. That is all of it.")) as there:
        read, said = await watched(with_provider(there.base_url), maya)

    assert read[-1] == "It is £6.20 dearer."
    assert said == "It is £6.20 dearer. That is all of it."
