"""What this process counts and times, for Prometheus. What is cheap to read is read at the scrape, not counted as it happens."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from api.operations.figures import MEANING, Figure
from atlas.connection import Atlas

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# From one commit of a batch to what a person would call broken.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A path that no route knows, or a method that nobody defined, is whatever a stranger types: it gets no line of its own.
NO_ROUTE: Final = "none"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REGISTRY: Final = CollectorRegistry()
REQUESTS: Final = Histogram(
    "bedrock_http_request_seconds",
    "HTTP requests by door, route and status",
    ("door", "method", "route", "status"),
    buckets=SECONDS,
    registry=REGISTRY,
)
SWEEPS: Final = Histogram(
    "bedrock_sweep_seconds", "What the worker does by the clock or when woken", ("sweep",), buckets=SECONDS, registry=REGISTRY
)
SWEEPS_FAILED: Final = Counter("bedrock_sweeps_failed", "Of those, what failed and is tried again", ("sweep",), registry=REGISTRY)
FIGURES: Final = {name: Gauge(f"bedrock_{name}", meaning, ("label",), registry=REGISTRY) for name, meaning in MEANING.items()}


class Listener(Protocol):
    """A door for datagrams, as it counts for itself."""

    datagrams: int
    broken: int
    busy_s: float

    @property
    def name(self) -> str: ...


class Intake(Protocol):
    """The way from the doors into Atlas, as it counts for itself."""

    recorded: int
    merged: int
    set_aside: int

    @property
    def waiting_alarms(self) -> int: ...


@dataclass(eq=False)
class Observed:
    """The living parts of this process that are asked when somebody scrapes."""

    houses: list[Atlas] = field(default_factory=list)
    intakes: list[Intake] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)

    def collect(self) -> Iterable[Metric]:
        yield from self._pools()
        yield from self._intakes()
        yield from self._listeners()

    def _pools(self) -> Iterable[Metric]:
        gauge = GaugeMetricFamily("bedrock_pool", "Connections of each trust zone's pool", labels=("zone", "of"))
        for atlas in self.houses:
            for zone, pool in atlas.pools.items():
                stats = pool.get_stats()
                for of in ("pool_size", "pool_available", "pool_max", "requests_waiting"):
                    gauge.add_metric((zone.value, of.removeprefix("pool_")), stats.get(of, 0))
        yield gauge

    def _intakes(self) -> Iterable[Metric]:
        heard = CounterMetricFamily(
            "bedrock_alarms", "Alarms by what became of them: in Atlas, the same as another, or set aside", labels=("became",)
        )
        waiting = GaugeMetricFamily("bedrock_alarms_waiting", "Different alarms that are heard and not yet committed")
        for became, count in (
            ("in", sum(one.recorded for one in self.intakes)),
            ("deduplicated", sum(one.recorded - one.merged for one in self.intakes)),
            ("set_aside", sum(one.set_aside for one in self.intakes)),
        ):
            heard.add_metric((became,), count)
        waiting.add_metric((), sum(one.waiting_alarms for one in self.intakes))
        yield from (heard, waiting) if self.intakes else ()

    def _listeners(self) -> Iterable[Metric]:
        datagrams = CounterMetricFamily("bedrock_datagrams", "Datagrams heard by each door", labels=("door",))
        broken = CounterMetricFamily("bedrock_datagrams_broken", "Datagrams that broke their parser", labels=("door",))
        seconds = CounterMetricFamily("bedrock_datagram_seconds", "Time spent on datagrams by each door", labels=("door",))
        for one in self.listeners:
            datagrams.add_metric((one.name,), one.datagrams)
            broken.add_metric((one.name,), one.broken)
            seconds.add_metric((one.name,), one.busy_s)
        yield from (datagrams, broken, seconds) if self.listeners else ()

    @contextmanager
    def watching(self, atlas: Atlas, intakes: Sequence[Intake] = (), listeners: Sequence[Listener] = ()) -> Iterator[None]:
        """These are asked too, while the block runs."""
        self.houses.append(atlas)
        self.intakes.extend(intakes)
        self.listeners.extend(listeners)
        try:
            yield
        finally:
            self.houses.remove(atlas)
            self.intakes[:] = [one for one in self.intakes if one not in intakes]
            self.listeners[:] = [one for one in self.listeners if one not in listeners]


OBSERVED: Final = Observed()
REGISTRY.register(OBSERVED)


def shown(found: Sequence[Figure]) -> None:
    """Puts the figures of Atlas where a scrape finds them; what is no more is gone."""
    for gauge in FIGURES.values():
        gauge.clear()
    for figure in found:
        FIGURES[figure.name].labels(figure.label).set(figure.value)


def timed(app: Any, door: str) -> Application:
    """The same application, its requests counted and timed by route and status. A few microseconds a request."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status = "500"

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        began = time.perf_counter()
        try:
            await app(scope, receive, answered)
        finally:
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(door, method, route, status).observe(time.perf_counter() - began)

    return observed
