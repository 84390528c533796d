"""OpenTelemetry: where spans go, and those that are read from Atlas once what they tell of is over.

An alarm's way is in its rows: when the doors heard it, when Cortex looked, each action asked, ruled on and done, each message queued and
sent. Spans are made of them afterwards, by whichever worker comes first, with ids that follow from the rows' own: nothing on the way is
slowed, no process need know another's span, and the same row told twice is the same span.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status, StatusCode

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.principal import executor
from atlas.statements import Statements
from atlas.tracing import root_of, span_of

SQL: Final = Statements(__file__)
log = structlog.get_logger()

TELLER: Final = executor("traces")
PATH: Final = "/v1/traces"
# A row says when its transaction began, and is seen when it ends.
SETTLES: Final = timedelta(seconds=3)
# After a start this much is told again rather than missed: the same spans.
OVERLAP: Final = timedelta(seconds=60)
FAILED: Final = frozenset({"failed", "in_doubt", "expired"})


class SpansNotTaken(AtlasError):
    """Whoever collects traces did not take them; they are told again."""


@dataclass(frozen=True)
class Step:
    """One row's part of a trace. `kind` and `identifier` make its span's id, and likewise its parent's; `about` holds no text of others."""

    correlation_id: UUID
    part: str
    name: str
    kind: str
    identifier: str
    parent_kind: str | None
    parent: str | None
    began_at: datetime
    ended_at: datetime
    state: str
    about: Any


@dataclass(frozen=True)
class Window:
    """What is told now, by the database's clock; None where another worker tells it."""

    until: datetime
    is_ours: bool


@contextmanager
def tracing(endpoint: str | None, part: str) -> Iterator[None]:
    """Live spans of this process go to `endpoint` while the block runs; without one there are none."""
    if endpoint is None:
        yield
        return
    provider = TracerProvider(resource=resource_of(part))
    provider.add_span_processor(BatchSpanProcessor(exporter_to(endpoint)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def exporter_to(endpoint: str) -> OTLPSpanExporter:
    return OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH)


def resource_of(part: str) -> Resource:
    return Resource({"service.name": f"bedrock-{part}"})


class Teller:
    """Tells what is over since it last told; safe in any number of workers, of which one at a time tells."""

    def __init__(self, atlas: Atlas, exporter: SpanExporter) -> None:
        self.atlas = atlas
        self.exporter = exporter
        self.since: datetime | None = None

    async def tell(self, settles: timedelta = SETTLES) -> int:
        """How many spans went out. Raises SpansNotTaken, and then tells them again the next time."""
        async with self.atlas.transaction(TELLER) as conn:
            window = await SQL.one(conn, Window, "window", settles=settles)
            since = self.since or window.until - OVERLAP
            steps = await SQL.all(conn, Step, "steps", since=since, until=window.until) if window.is_ours else []
            if steps:
                await exported(self.exporter, [span_from(step) for step in steps])
        self.since = window.until
        return len(steps)


async def exported(exporter: SpanExporter, spans: Sequence[ReadableSpan]) -> None:
    """Raises SpansNotTaken."""
    if await asyncio.to_thread(exporter.export, spans) is not SpanExportResult.SUCCESS:
        raise SpansNotTaken(f"{len(spans)} spans were not taken")


def span_from(step: Step) -> ReadableSpan:
    """A row's step as a span: the part that did it is its service, whoever tells of it."""
    own = root_of(step.correlation_id) if step.kind == "root" else span_of(step.correlation_id, step.kind, step.identifier)
    return ReadableSpan(
        name=step.name,
        context=own,
        parent=_parent_of(step),
        resource=resource_of(step.part),
        attributes={f"bedrock.{name}": value for name, value in step.about.items() if value is not None} | {"bedrock.state": step.state},
        start_time=nanoseconds(step.began_at),
        end_time=max(nanoseconds(step.ended_at), nanoseconds(step.began_at)),
        status=Status(StatusCode.ERROR if step.state in FAILED else StatusCode.UNSET),
    )


def _parent_of(step: Step) -> SpanContext | None:
    if step.kind == "root":
        return None
    if step.parent_kind is None:
        return root_of(step.correlation_id)
    return span_of(step.correlation_id, step.parent_kind, step.parent)


def nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
