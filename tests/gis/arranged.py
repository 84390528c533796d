"""Plant around a premise, arranged by a test."""

from typing import Any

from atlas.identity import DeviceId, PremiseId
from tests import given
from tests.given import Owner, row

# A hundred metres of latitude, and of longitude at the place where tests stand.
NORTH_100_M = 100 / 111_195
HERE = (50.7, -3.5)


async def premise(owner: Owner, number: str = "1", *, north_m: float = 0, **columns: Any) -> PremiseId:
    place = {
        "area_id": await given.area(owner),
        "number": number,
        "street": "Quay Street",
        "town": "Harbour",
        "postcode": "HB1 1AA",
        "latitude": HERE[0] + north_m * NORTH_100_M / 100,
        "longitude": HERE[1],
    }
    return PremiseId(await row(owner, "gis.premise", **{**place, **columns}))


async def splitter(owner: Owner, name: str = "spl-1", *, ports: int = 32, is_fed: bool = True, **columns: Any) -> DeviceId:
    """A splitter at HERE behind an OLT of its own, unless it is not fed."""
    device = await given.device(owner, name, "splitter")
    if is_fed:
        olt = await given.device(owner, f"olt-of-{name}")
        port = await given.device(owner, f"pon-of-{name}", "pon_port")
        await given.link(owner, olt, port, "patch")
        await given.link(owner, port, device, "feeder", length_m=2000)
    point = {
        "device_id": device,
        "technology": "fibre",
        "ports": ports,
        "latitude": HERE[0],
        "longitude": HERE[1],
        "down_kbps": 1_000_000,
        "up_kbps": 1_000_000,
        "reach_m": 500,
        "split": 32,
    }
    await row(owner, "gis.serving_point", **{**point, **columns})
    return DeviceId(device)


async def sector(owner: Owner, name: str = "sec-1", *, ports: int = 30, **columns: Any) -> DeviceId:
    tower = await given.device(owner, f"twr-of-{name}", "tower")
    device = await given.device(owner, name, "sector")
    await given.link(owner, tower, device, "radio")
    point = {
        "device_id": device,
        "technology": "fixed_wireless",
        "ports": ports,
        "latitude": HERE[0],
        "longitude": HERE[1],
        "down_kbps": 100_000,
        "up_kbps": 20_000,
        "reach_m": 6000,
    }
    await row(owner, "gis.serving_point", **{**point, **columns})
    return DeviceId(device)
