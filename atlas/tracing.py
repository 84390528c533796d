"""Spans of what happens now, in the trace that Atlas knows it by: the correlation id. Without an exporter nothing is kept.

What is over and written down becomes spans from its rows instead (api/operations/tracing.py). A span carries ids, names of ours and counts,
never a customer's words, names or numbers.
"""

import functools
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

TRACER: Final = trace.get_tracer("bedrock")
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def span_of(correlation_id: UUID, kind: str, identifier: object) -> SpanContext:
    """The one span of a thing in its trace: whoever knows the thing knows the span, in every process and at any time."""
    octets = hashlib.sha256(f"{kind}:{identifier}".encode()).digest()[:8]
    return SpanContext(correlation_id.int, int.from_bytes(octets), is_remote=True, trace_flags=SAMPLED)


def root_of(correlation_id: UUID) -> SpanContext:
    """What everything of one correlation hangs from: an incident or a conversation."""
    return span_of(correlation_id, "root", correlation_id)


@contextmanager
def traced(name: str, parent: SpanContext, attributes: Mapping[str, str | int]) -> Iterator[Span]:
    """A span while the block runs, of the one that is open here if it is of the same trace, else of `parent`.

    Every line that is logged meanwhile carries the correlation id.
    """
    around = trace.get_current_span().get_span_context()
    context = None if around.trace_id == parent.trace_id else trace.set_span_in_context(NonRecordingSpan(parent))
    with (
        TRACER.start_as_current_span(
            name,
            context,
            attributes=dict(attributes),
            # The library would write down an error's words, which may be a customer's.
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
        structlog.contextvars.bound_contextvars(correlation_id=str(UUID(int=parent.trace_id))),
    ):
        try:
            yield span
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def spanned(
    name: str, of: Callable[..., tuple[SpanContext, Mapping[str, str | int]]]
) -> Callable[[Callable[Given, Awaitable[Answer]]], Callable[Given, Awaitable[Answer]]]:
    """Makes each call of a function a span; `of` says from the call's arguments whose it is and what it carries."""

    def around(work: Callable[Given, Awaitable[Answer]]) -> Callable[Given, Awaitable[Answer]]:
        @functools.wraps(work)
        async def observed(*given: Given.args, **named: Given.kwargs) -> Answer:
            parent, attributes = of(*given, **named)
            with traced(name, parent, attributes):
                return await work(*given, **named)

        return observed

    return around
