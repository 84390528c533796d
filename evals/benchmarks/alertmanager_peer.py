"""The same storms through Debian's prometheus-alertmanager, grouped by area, with the inhibition that an operator writes by hand.

It keeps nothing durable and names no cause: a root counts as found where every part of it is named by an alert that is left showing.
"""

import asyncio
import shutil
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx

from atlas.nms.records import OpenAlarm, ProbableCause, Severity
from cortex.findings import Element
from evals.bench import Conditions, Row
from evals.benchmarks.storm import LAST_WORDS, Storm, Truth, storm

PROGRAM: Final = "prometheus-alertmanager"
AT_A_TIME: Final = 200
PATIENCE_S: Final = 60.0
# What a failure looks like from beside it; where one of these stands, what is merely missed in the same area is no news.
SPEAK_FOR_THE_CAUSE: Final = (ProbableCause.LINK_DOWN, *LAST_WORDS)
CONFIGURATION: Final = """
route:
  receiver: nobody
  group_by: [area]
  group_wait: 1s
  group_interval: 1s
receivers:
- name: nobody
inhibit_rules:
- source_matchers: ['severity="critical"', 'alertname=~"{causes}"']
  target_matchers: ['alertname=~"unreachable|sessionsLost"']
  equal: [area]
"""


async def peer_rows(conditions: Conditions, hard: bool, seeds: Sequence[int]) -> list[Row]:
    """Its time, roots and F1 over the same storms; no row where it is not wanted or not installed."""
    if not conditions.with_peer or shutil.which(PROGRAM) is None:
        return []
    name, seen = "storm-hard" if hard else "storm", [await _grouped(conditions.home / "alertmanager", storm(seed, hard)) for seed in seeds]
    took, found, f1 = ([one[place] for one in seen] for place in range(3))
    return [
        Row(name, f"peer {PROGRAM}: last alarm posted to all grouped, none kept", "s", median(took), max(took), None, "", ""),
        Row(name, f"peer {PROGRAM}: roots left showing, worst of {len(seen)} storms", "of 20", min(found), None, None, "", ""),
        Row(name, f"peer {PROGRAM}: pairwise F1 of its groups, mean of {len(seen)} storms", "", sum(f1) / len(f1), None, None, "", ""),
    ]


async def _grouped(home: Path, weather: Storm) -> tuple[float, float, float]:
    """Seconds from the last alarm posted to all of them in groups; how many roots are left showing; pairwise F1."""
    areas = dict(zip(weather.network.device_id.tolist(), weather.network.device_area.tolist(), strict=True))
    alerts = [_alert(alarm, areas[int(alarm.device_id)]) for alarm in weather.alarms]
    async with _running(home) as client:
        for start in range(0, len(alerts), AT_A_TIME):
            (await client.post("/api/v2/alerts", json=alerts[start : start + AT_A_TIME])).raise_for_status()
        posted = time.monotonic()
        groups = await _groups(client, len(alerts))
        took = time.monotonic() - posted
    return took, float(_roots_showing(weather.truth, groups)), _pairwise_f1(weather.truth, groups)


def _alert(alarm: OpenAlarm, area: int) -> dict[str, Any]:
    labels = {
        "alertname": alarm.probable_cause.value,
        "severity": "warning" if alarm.severity is Severity.WARNING else "critical",
        "instance": f"d{alarm.device_id}",
        "area": str(area),
        "link": str(alarm.link_id or ""),
        "number": str(alarm.alarm_id),
    }
    return {"labels": {name: value for name, value in labels.items() if value}}


async def _groups(client: httpx.AsyncClient, alerts: int) -> list[list[dict[str, Any]]]:
    """What it shows once every alert is in a group. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            shown = (await client.get("/api/v2/alerts/groups")).raise_for_status().json()
            groups = [group["alerts"] for group in shown]
            if sum(len(group) for group in groups) >= alerts:
                return groups


def _roots_showing(truth: Truth, groups: Sequence[Sequence[dict[str, Any]]]) -> int:
    showing = [alert["labels"] for group in groups for alert in group if alert["status"]["state"] == "active"]
    causes = {cause.value for cause in SPEAK_FOR_THE_CAUSE}
    named = {Element("device", int(one["instance"][1:])) for one in showing if one["alertname"] in causes}
    named |= {Element("link", int(one["link"])) for one in showing if "link" in one}
    return sum(root <= named for root in truth.names)


def _pairwise_f1(truth: Truth, groups: Sequence[Sequence[dict[str, Any]]]) -> float:
    """As `storm.pairwise`, of the pairs that share a group."""
    group_of = {int(alert["labels"]["number"]): place for place, group in enumerate(groups) for alert in group}
    right = _pairs(Counter((cause, group_of[int(alarm)]) for alarm, cause in truth.groups.items() if int(alarm) in group_of))
    said, true = _pairs(Counter(group_of.values())), _pairs(Counter(truth.groups.values()))
    return 2 * right / max(said + true, 1)


def _pairs(sizes: Counter[Any]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


@asynccontextmanager
async def _running(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """One alone on loopback, ready, with a client; ended and its folder gone afterwards."""
    configured = await asyncio.to_thread(_configured, home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    listens = (f"--web.listen-address={address}", "--cluster.listen-address=")
    arguments = (f"--config.file={configured}", f"--storage.path={home}/kept", *listens)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(PROGRAM, *arguments, stdout=quiet, stderr=quiet)
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE_S) as client:
            await _ready(client)
            yield client
    finally:
        # It keeps nothing that anybody wants, and takes its time to say goodbye.
        process.kill()
        await process.wait()
        await asyncio.to_thread(shutil.rmtree, home)


def _configured(home: Path) -> Path:
    home.mkdir(parents=True)
    configured = home / "alertmanager.yml"
    configured.write_text(CONFIGURATION.format(causes="|".join(cause.value for cause in SPEAK_FOR_THE_CAUSE)))
    return configured


async def _ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await client.get("/-/ready")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
