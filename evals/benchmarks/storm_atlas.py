"""The storms through Atlas: ten thousand alarms stored, looked at and answered, until every incident is committed."""

import asyncio
import time
import uuid
from datetime import UTC, datetime
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import conninfo, sql

from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading
from atlas import embedded
from atlas.cmdb.records.plant import KINDS
from atlas.connection import Atlas
from atlas.migrate import migrate
from atlas.nms.records import AlarmEvent, AlarmType, Door, OpenAlarm
from cortex.pictures import WarmTopology, take_picture
from cortex.watch import look_at_burst
from evals.bench import Conditions, Row
from evals.benchmarks.storm import Storm, storm
from evals.world.copying import Column, copy_columns
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from forge.respond import respond_to_all
from governance import matrix

SEEDS: Final = (1000, 1001, 1002)
# As many as one batch of a door; the next follows as soon as the loop turns.
AT_A_TIME: Final = 200
STORED: Final = 10_000
SECRET: Final = b"a secret of a storm that passes.."


async def through_atlas(conditions: Conditions, hard: bool) -> list[Row]:
    """Seconds from the last alarm offered to the last incident committed, over a few storms, beside storing alone."""
    server = await asyncio.to_thread(embedded.start, conditions.home / "storm")
    try:
        took = [await _one(server, storm(seed, hard)) for seed in SEEDS]
    finally:
        await asyncio.to_thread(server.stop)
    name, grouped, stored = "storm-hard" if hard else "storm", [one for one, _ in took], [one for _, one in took]
    figure = "10,000 alarms: last one heard to all committed and grouped into incidents"
    floor_is = "COPY of as many rows, grouped by device"
    return [Row(name, figure, "s", median(grouped), max(grouped), min(stored), floor_is, "≤ 1 s")]


async def _one(server: embedded.EmbeddedServer, weather: Storm) -> tuple[float, float]:
    url = await asyncio.to_thread(_laid, server, weather)
    rules = matrix.load(matrix.SHIPPED)
    async with Atlas.open(url, SECRET) as atlas:
        await put_in_force(atlas, rules)
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(rules), lambda: datetime.now(UTC), ZoneInfo("UTC"))
        warm = WarmTopology()
        await take_picture(atlas, warm)
        intake = AlarmIntake(atlas)
        async with intake.running():
            looking = asyncio.create_task(_answered_at(atlas, forge, warm, intake))
            for start in range(0, len(weather.alarms), AT_A_TIME):
                await intake.take(Reading(tuple(_event(one) for one in weather.alarms[start : start + AT_A_TIME])))
            heard = time.monotonic()
            took = await looking - heard
    return took, await asyncio.to_thread(_floor, url)


async def _answered_at(atlas: Atlas, forge: Forge, warm: WarmTopology, intake: AlarmIntake) -> float:
    """Looks as the worker does, again and again, until a look that began after the last alarm was stored finds nothing new; when the last
    incident was committed, by the monotonic clock."""
    answered_at = time.monotonic()
    while True:
        whole = intake.recorded >= STORED
        changes = await look_at_burst(atlas, warm)
        await respond_to_all(forge, changes)
        if changes:
            answered_at = time.monotonic()
        elif whole:
            return answered_at


def _event(alarm: OpenAlarm) -> AlarmEvent:
    place = f"port-{alarm.link_id}" if alarm.link_id else f"{alarm.managed_object}#{alarm.alarm_id}"
    at = datetime.now(UTC)
    kind = AlarmType.COMMUNICATIONS
    return AlarmEvent(f"d{alarm.device_id}", place, alarm.probable_cause, alarm.severity, kind, "", at, Door.TMF642, alarm.raised_at)


def _laid(server: embedded.EmbeddedServer, weather: Storm) -> str:
    """A fresh database with the storm's plant and lines; its owner's URL."""
    name = f"storm_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
    migrate(url, SECRET)
    with psycopg.connect(url) as conn:
        for table, columns in _tables(weather):
            copy_columns(conn, table, columns)
        conn.execute("SELECT setval('cmdb.topology_version', 1)")
        conn.commit()
        conn.autocommit = True
        conn.execute("ANALYZE")
    return url


def _tables(weather: Storm) -> list[tuple[str, dict[str, Column]]]:
    return [*_plant(weather), *_people(weather)]


def _plant(weather: Storm) -> list[tuple[str, dict[str, Column]]]:
    network = weather.network
    areas = sorted(set(network.device_area.tolist()) | set(weather.lines.area_id.tolist()))
    sites = sorted(set(network.device_site.tolist()) - {0})
    ports = [f"port-{one}" for one in network.link_id.tolist()]
    devices: dict[str, Column] = {
        "id": network.device_id,
        "name": [f"d{one}" for one in network.device_id.tolist()],
        "kind": [KINDS[code].value for code in network.device_kind.tolist()],
        "area_id": network.device_area,
        "site_id": [one or None for one in network.device_site.tolist()],
    }
    links: dict[str, Column] = {
        "id": network.link_id,
        "name": [f"l{one}" for one in network.link_id.tolist()],
        "kind": ["trunk"] * len(ports),
        "from_device_id": network.link_from,
        "from_port": ports,
        "to_device_id": network.link_to,
        "to_port": ports,
    }
    in_first: dict[str, Column] = {"area_id": [areas[0]] * len(sites)}
    return [
        ("gis.area", {"id": areas, "name": [f"a{one}" for one in areas]} | _somewhere(len(areas))),
        ("cmdb.site", {"id": sites, "name": [f"s{one}" for one in sites]} | in_first | _somewhere(len(sites))),
        ("cmdb.device", devices),
        ("cmdb.link", links),
    ]


def _people(weather: Storm) -> list[tuple[str, dict[str, Column]]]:
    """One customer with one line for each subscriber, all on one plan."""
    lines = weather.lines
    ids, many = lines.subscriber_id.tolist(), len(lines.subscriber_id)
    alike: dict[str, Column] = {"street": ["s"] * many, "town": ["t"] * many, "postcode": ["p"] * many}
    names: dict[str, Column] = {"name": [f"c{one}" for one in ids], "kind": ["individual"] * many, "customer_since": ["2025-01-01"] * many}
    held: dict[str, Column] = {"customer_id": ids, "premise_id": ids, "offering_version_id": [1] * many, "state": ["active"] * many}
    hung: dict[str, Column] = {"device_id": lines.device_id, "reported_by_device_id": lines.device_id}
    called: dict[str, Column] = {"managed_object": [f"ont-{one}" for one in ids], "cpe_serial": [f"n{one}" for one in ids]}
    return [
        ("catalogue.offering", {"id": [1], "code": ["f"], "name": ["Fibre"], "technology": ["fibre"], "segment": ["residential"]}),
        ("catalogue.offering_version", {"id": [1], "offering_id": [1], "valid_from": ["2025-01-01"], "down_kbps": [1], "up_kbps": [1]}),
        ("crm.customer", {"id": ids} | names),
        ("gis.premise", {"id": ids, "area_id": lines.area_id, "number": [str(one) for one in ids]} | alike | _somewhere(many)),
        ("crm.subscriber", {"id": ids} | held),
        ("cmdb.access", {"subscriber_id": ids} | hung | called),
    ]


def _somewhere(many: int) -> dict[str, Column]:
    return {"latitude": [50.0] * many, "longitude": [-3.0] * many}


def _floor(url: str) -> float:
    """The same number of rows by COPY into one bare table, durably, then grouped."""
    rows = "".join(f"{number}\td{number % 5000}\tlossOfSignal\n" for number in range(STORED))
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE public.floor (id bigint, device text, cause text)")
        conn.commit()
        began = time.monotonic()
        with conn.cursor().copy("COPY public.floor FROM STDIN") as copy:
            copy.write(rows)
        conn.execute("SELECT device, count(*) FROM public.floor GROUP BY device").fetchall()
        conn.commit()
        return time.monotonic() - began
