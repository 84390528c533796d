"""A small plant for tests: one OLT over two splitters in two areas, with a line on each leg."""

from dataclasses import dataclass

from tests import given
from tests.given import Owner


@dataclass(frozen=True)
class Plant:
    """Ids of what was made. `lines` maps a splitter to its lines; `alarm` stands on the OLT."""

    olt: int
    splitters: tuple[int, ...]
    lines: dict[int, tuple[int, ...]]
    customers: tuple[int, ...]
    areas: tuple[int, ...]
    alarm: int


async def planted(owner: Owner, per_splitter: int = 2) -> Plant:
    """An OLT in Harbour, splitters in Harbour and Old Town, `per_splitter` customers with one line each on either."""
    areas = (await given.area(owner, "Harbour"), await given.area(owner, "Old Town"))
    olt = await given.device(owner, "olt-1")
    splitters = [await given.device(owner, f"splitter-{at}", "splitter", area_id=area) for at, area in enumerate(areas)]
    lines: dict[int, tuple[int, ...]] = {}
    customers: list[int] = []
    for splitter, area in zip(splitters, areas, strict=True):
        await given.link(owner, olt, splitter, "feeder")
        made = [await given.customer(owner, f"Customer {splitter}-{n}", f"+4477009{splitter:03d}{n:02d}") for n in range(per_splitter)]
        lines[splitter] = tuple([await given.subscriber(owner, customer, splitter, area_id=area) for customer in made])
        customers.extend(made)
    return Plant(olt, tuple(splitters), lines, tuple(customers), areas, await alarm(owner, olt))


async def alarm(owner: Owner, device: int, cause: str = "lossOfSignal", managed_object: str = "") -> int:
    """An alarm that stands on the device since NOW."""
    return await given.row(
        owner,
        "nms.alarm",
        device_id=device,
        managed_object=managed_object,
        probable_cause=cause,
        alarm_type="communicationsAlarm",
        severity="critical",
        door="snmp",
        raised_at=given.NOW,
        first_received_at=given.NOW,
        last_received_at=given.NOW,
    )
