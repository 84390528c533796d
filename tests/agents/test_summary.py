"""Whoever takes a conversation over reads what it was about, in a model's words where they come in time and are grounded."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agents.consultation import Consultants
from agents.model import CircuitBreaker, Provider
from agents.router import Router
from agents.summary import Summariser
from agents.supervisor import Reply, Supervisor, answer, conversation_graph
from atlas.helpdesk.records import Message
from console.inbox import summed_up
from tests import given
from tests.agents.aimock import NEEDS_IT, aimock, fails
from tests.agents.conftest import NOW
from tests.agents.test_supervisor import somebody
from tests.given import Owner

Make = Callable[[str], Supervisor]
SAID = "The customer asked why February costs 6.20 more and was told of international calls. They want to speak with somebody about it."


def sums_up(words: str, **more: Any) -> dict[str, Any]:
    return {"match": {"endpoint": "chat"}, "response": {"content": words}, **more}


@pytest.fixture
def with_summariser(supervisor: Supervisor, router: Router, consulted: Consultants) -> Make:
    """The rules answer; only summaries are a model's."""

    def make(base_url: str) -> Supervisor:
        summariser = Summariser.of(Provider("key", base_url, timeout_s=2), CircuitBreaker(lambda: 0.0))
        return replace(supervisor, graph=conversation_graph(router, consulted, None, summariser))

    return make


async def handed_over(supervisor: Supervisor, owner: Owner, customer_id: int) -> Reply:
    """Maya asks about her bill, and then for a person."""
    thread = uuid.uuid4()
    await given.row(owner, "helpdesk.conversation", customer_id=customer_id, channel="sms", address="+447700900001", thread=thread)
    await answer(supervisor, somebody(customer_id), thread, "Why is my bill higher this month?", NOW)
    return await answer(supervisor, somebody(customer_id), thread, "I want to speak to a human", NOW)


@NEEDS_IT
async def test_a_model_sums_up_for_whoever_takes_over(with_summariser: Make, owner: Owner, maya: int) -> None:
    async with aimock(sums_up(SAID)) as url:
        reply = await handed_over(with_summariser(url), owner, maya)

    assert reply.trace["summary"] == SAID
    assert "A-" in reply.words


@NEEDS_IT
@pytest.mark.parametrize("made_up", ["The customer is owed 45.00.", "The customer was promised a visit on 24 December at 14:30."])
async def test_a_summary_with_a_figure_that_nobody_said_is_not_shown(with_summariser: Make, owner: Owner, maya: int, made_up: str) -> None:
    async with aimock(sums_up(made_up)) as url:
        reply = await handed_over(with_summariser(url), owner, maya)

    assert "summary" not in reply.trace


@NEEDS_IT
async def test_a_provider_that_fails_keeps_nobody_from_a_person(with_summariser: Make, owner: Owner, maya: int) -> None:
    async with aimock(fails(500)) as url:
        reply = await handed_over(with_summariser(url), owner, maya)

    assert "summary" not in reply.trace
    assert reply.tools == ("hand_over",)


async def test_nobody_waits_for_a_provider_that_is_not_there(with_summariser: Make, owner: Owner, maya: int) -> None:
    reply = await handed_over(with_summariser("http://127.0.0.1:9/v1"), owner, maya)

    assert "summary" not in reply.trace
    assert reply.tools == ("hand_over",)


def test_the_inbox_shows_the_summary_of_this_hand_over_and_of_no_earlier_one() -> None:
    first = Message(1, NOW, is_from_us=True, author="agents:helpdesk", words="I pass you on.", trace={"summary": SAID})
    later = Message(2, NOW, is_from_us=True, author="agents:nms", words="I pass you on.", trace={})

    assert summed_up([first]).words == SAID
    assert summed_up([first, later]).words == ""
