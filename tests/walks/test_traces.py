"""One alarm and one message, each followed through every layer as one trace, and nobody's name on the way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from opentelemetry.trace import get_tracer_provider
from psycopg import AsyncConnection

from api.chat import caller, desk, turn
from api.operations.tracing import SpansNotTaken, Teller, exporter_to, tracing
from atlas.errors import InvalidField
from atlas.principal import executor
from atlas.tracing import root_of, traced
from evals.fault.playing import raised
from evals.fault.scene import scene_of_cut
from evals.fault.told import in_clear_text, told_of_cut
from evals.world.plan import world
from tests.walks.clock import DOORS, Walk
from tests.walks.collecting import Collected, Collector, collector

AT_ONCE = timedelta(0)


@pytest.fixture(scope="module")
def collecting() -> Iterator[Collector]:
    with collector() as one, tracing(one.endpoint, "worker"):
        yield one


@pytest.fixture
def collected(collecting: Collector) -> Collector:
    collecting.spans.clear()
    return collecting


async def told(walk: Walk, collected: Collector) -> list[Collected]:
    """Everything that the doors and the worker of this walk had to tell."""
    await Teller(walk.house.atlas, exporter_to(collected.endpoint)).tell(AT_ONCE)
    get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    return collected.spans


async def cut(walk: Walk) -> None:
    async with walk.house.atlas.transaction(executor("tests")) as conn:
        scene = await scene_of_cut(conn, world().zone.backhaul)
    await walk.hear(raised(in_clear_text(told_of_cut(scene)), DOORS, 0.0, np.random.default_rng(1), datetime.now(UTC)))
    await walk.work_off()


def trace_of(spans: list[Collected], root: str) -> list[Collected]:
    """The spans of the newest trace whose root has this name."""
    traces = [span.trace for span in spans if span.name == root and not span.parent]
    return [span for span in spans if span.trace == traces[-1]]


def strays(trace: list[Collected]) -> set[str]:
    """Names of the spans that hang from nothing in their trace; a connected one has only its root."""
    known = {span.span for span in trace}
    return {span.name for span in trace if span.parent not in known}


async def words_of_customers(walk: Walk, rows: AsyncConnection[tuple[str]]) -> list[str]:
    found = await rows.execute(
        "SELECT name FROM crm.customer UNION SELECT address FROM crm.contact UNION SELECT words FROM helpdesk.notice"
    )
    return [word for (word,) in await found.fetchall()]


async def test_an_alarm_is_followed_from_the_door_to_the_carrier_as_one_trace(
    walk: Walk, collected: Collector, rows: AsyncConnection[tuple[str]]
) -> None:
    await cut(walk)

    trace = trace_of(await told(walk, collected), "incident")
    assert {"heard by snmp", "heard by syslog", "look", "open_incident", "notify_outage", "notice", "carrier"} <= {
        span.name for span in trace
    }
    assert strays(trace) == {"incident"}
    assert {span.service for span in trace} == {"bedrock-doors", "bedrock-worker"}
    by_id = {span.span: span for span in trace}
    carried = [span for span in trace if span.name == "carrier"]
    assert {by_id[span.parent].name for span in carried} == {"notice"}
    assert {by_id[by_id[span.parent].parent].name for span in carried} == {"notify_outage"}
    everything = " ".join(f"{span.name} {' '.join(span.attributes.values())}" for span in trace)
    assert [word for word in await words_of_customers(walk, rows) if word in everything] == []


async def test_a_question_is_followed_from_the_message_to_the_reply_as_one_trace(
    walk: Walk, collected: Collector, rows: AsyncConnection[tuple[str]]
) -> None:
    async with desk(walk.house) as at:
        maya = await caller(walk.house, "+447700900101")
        await turn(at, maya, "Why is my bill higher this month?", "chat", "+447700900101")

    trace = trace_of(await told(walk, collected), "message")
    assert {"message", "turn", "route", "agent", "tool", "send_message", "reply"} <= {span.name for span in trace}
    assert strays(trace) == {"message"}
    everything = " ".join(f"{span.name} {' '.join(span.attributes.values())}" for span in trace)
    assert [word for word in ("Maya", "900101", "bill higher") if word in everything] == []


def test_of_an_error_its_kind_leaves_the_house_and_its_words_do_not(collected: Collector) -> None:
    with pytest.raises(InvalidField), traced("tool", root_of(uuid4()), {}):
        raise InvalidField("name", "Maya Thompson is no number")

    get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    assert b"InvalidField" in collected.octets
    assert b"Maya Thompson" not in collected.octets


async def test_what_nobody_took_is_told_again(walk: Walk, collected: Collector) -> None:
    teller = Teller(walk.house.atlas, exporter_to(collected.endpoint))
    await cut(walk)

    collected.takes = False
    with pytest.raises(SpansNotTaken):
        await teller.tell(AT_ONCE)
    collected.takes = True
    await teller.tell(AT_ONCE)

    assert strays(trace_of([span for span in collected.spans if span.name != "carrier"], "incident")) == {"incident"}


async def test_what_was_told_is_not_told_twice(walk: Walk, collected: Collector) -> None:
    teller = Teller(walk.house.atlas, exporter_to(collected.endpoint))
    await cut(walk)
    await teller.tell(AT_ONCE)
    collected.spans.clear()

    assert await teller.tell(AT_ONCE) == 0
