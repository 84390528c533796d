"""The columns of each table, from the plant, the people and their bills."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evals.world.bills import BillLines, Bills, paid_at
from evals.world.copying import Column
from evals.world.offers import offer_tables
from evals.world.people import CHANNELS, Customers, Lines, Numbers
from evals.world.places import drops, end_positions, serving_points, with_doors_without_line
from evals.world.plan import World
from evals.world.plant import PASSIVE, Plant, management_address

Table = tuple[str, dict[str, Column]]
KM_NORTH: Final = 1 / 111.2
KM_EAST: Final = KM_NORTH / np.cos(np.radians(50.7))
# Doors to a street before the next begins, and to a postcode.
DOORS: Final = 60
DOORS_OF_POSTCODE: Final = 15
LETTERS: Final = "ABDEFGHJLNPQRSTUWXYZ"  # the letters of British inward codes
RX_DBM: Final = {"splitter": (-19.0, 2.4, -26.5, -9.0), "sector": (-63.0, 5.0, -78.0, -45.0)}
CPE: Final = {
    "splitter": ("HWTC", "EchoLife EG8145"),
    "sector": ("CMBM", "PMP 450b"),
    "docsis_node": ("CAXA", "CGA4236"),
    "business_switch": ("MKTK", "hEX S"),
}


def catalogue(world: World, now: datetime) -> Iterator[Table]:
    yield from _offerings(world)
    yield from _versions(world, now)
    yield from offer_tables(world)
    yield (
        "billing.compensation_rate",
        {
            "segment": list(world.compensation),
            "valid_from": ["2024-01-01"] * len(world.compensation),
            "minimum_outage": [each.minimum_outage for each in world.compensation.values()],
            "flat_minor": [each.flat for each in world.compensation.values()],
            "monthly_share_per_day": [each.monthly_share_per_day for each in world.compensation.values()],
        },
    )


def _offerings(world: World) -> Iterator[Table]:
    offerings = world.offerings
    yield (
        "catalogue.sla",
        {
            "id": range(1, len(world.slas) + 1),
            "name": [sla.name for sla in world.slas],
            "repair_hours": [sla.repair_hours for sla in world.slas],
            "is_around_the_clock": [sla.around_the_clock for sla in world.slas],
        },
    )
    yield (
        "catalogue.offering",
        {
            "id": range(1, len(offerings) + 1),
            "code": [each.code for each in offerings],
            "name": [each.name for each in offerings],
            "technology": [each.technology for each in offerings],
            "segment": [each.segment for each in offerings],
            "lifecycle_status": ["retired" if each.retired else "launched" for each in offerings],
        },
    )


def _versions(world: World, now: datetime) -> Iterator[Table]:
    """Two of each offering: what it cost before, and since the last change of prices."""
    sla_id = {sla.name: number for number, sla in enumerate(world.slas, start=1)}
    changed = now.date().replace(day=1) - timedelta(days=240)
    versions = [(each, is_new) for each in world.offerings for is_new in (False, True)]
    yield (
        "catalogue.offering_version",
        {
            "id": range(1, len(versions) + 1),
            "offering_id": np.repeat(np.arange(1, len(world.offerings) + 1), 2),
            "valid_from": [changed if is_new else changed - timedelta(days=730) for _, is_new in versions],
            "valid_to": [None if is_new else changed for _, is_new in versions],
            "down_kbps": [each.down for each, _ in versions],
            "up_kbps": [each.up for each, _ in versions],
            "contract_months": [each.months for each, _ in versions],
            "sla_id": [sla_id[each.sla] if each.sla else None for each, _ in versions],
            # Long over: nothing is added to what was sold.
            "made_by": ["3"] * len(versions),
        },
    )
    yield (
        "catalogue.price",
        {
            "offering_version_id": range(1, len(versions) + 1),
            "kind": ["recurring"] * len(versions),
            "label": [each.name for each, _ in versions],
            "amount_minor": [each.price if is_new else each.was for each, is_new in versions],
        },
    )
    yield (
        "catalogue.access_policy",
        {
            "offering_version_id": range(1, len(versions) + 1),
            "rate_limit": [f"{each.up}k/{each.down}k" for each, _ in versions],
            "address_pool": ["business" if each.segment == "business" else "residential" for each, _ in versions],
            "line_profile": [f"{each.technology}-{each.down // 1000}M" for each, _ in versions],
            "service_profile": [f"internet-{each.segment}" for each, _ in versions],
        },
    )


def plant_tables(plant: Plant, now: datetime) -> Iterator[Table]:
    world, devices, links = plant.world, plant.devices, plant.links
    yield (
        "gis.area",
        {
            "id": range(1, len(world.areas) + 1),
            "name": [area.name for area in world.areas],
            "latitude": [area.latitude for area in world.areas],
            "longitude": [area.longitude for area in world.areas],
        },
    )
    area_of_site = np.array([area_id for _, _, area_id in plant.sites])
    middle = np.array([[area.latitude, area.longitude] for area in world.areas])[area_of_site - 1]
    away_km = np.random.default_rng(len(plant.sites)).normal(0, 0.6, middle.shape)
    yield (
        "cmdb.site",
        {
            "id": [number for number, _, _ in plant.sites],
            "name": [name for _, name, _ in plant.sites],
            "area_id": area_of_site,
            "latitude": np.round(middle[:, 0] + away_km[:, 0] * KM_NORTH, 6),
            "longitude": np.round(middle[:, 1] + away_km[:, 1] * KM_EAST, 6),
        },
    )
    yield "cmdb.conduit", {"id": range(1, len(plant.conduits) + 1), "name": plant.conduits}
    makes = [world.devices[device.kind] for device in devices]
    yield (
        "cmdb.device",
        {
            "id": [device.id for device in devices],
            "name": [device.name for device in devices],
            "kind": [device.kind for device in devices],
            "area_id": [device.area_id for device in devices],
            "site_id": [device.site_id for device in devices],
            "management_address": [management_address(device) for device in devices],
            "vendor": [make.vendor for make in makes],
            "model": [make.model for make in makes],
            "serial": [f"{make.vendor[:2].upper()}{device.id:09d}" for device, make in zip(devices, makes, strict=True)],
            "firmware": [make.firmware for make in makes],
            "is_monitored": [device.kind not in PASSIVE for device in devices],
            "state_changed_at": [now - timedelta(days=200)] * len(devices),
        },
    )
    columns = ("id", "name", "kind", "from_device_id", "from_port", "to_device_id", "to_port", "conduit_id", "length_m")
    yield "cmdb.link", {column: [getattr(link, column) for link in links] for column in columns}


def people_tables(plant: Plant, lines: Lines, customers: Customers, now: datetime, rng: np.random.Generator) -> Iterator[Table]:
    joined = (np.datetime64(now.date()) - rng.integers(100, 2600, customers.line.size).astype("timedelta64[D]")).astype("datetime64[D]")
    away_km = rng.normal(0, 0.9, (len(plant.ends), 2))
    position = end_positions(plant, away_km)
    premise = _premises(plant, lines, away_km, rng)
    yield "gis.premise", with_doors_without_line(plant, lines, position, premise)
    yield "gis.serving_point", serving_points(plant, position)
    yield "gis.drop", drops(plant, lines, position, premise, now)
    yield (
        "crm.customer",
        {
            "id": np.arange(customers.line.size) + 1,
            "kind": np.where(customers.is_organisation, "organisation", "individual").tolist(),
            "name": customers.name,
            "given_name": customers.given,
            "language": customers.language,
            "is_vulnerable": [reason != "" for reason in customers.vulnerability],
            "vulnerability": customers.vulnerability,
            "has_emergency_line": customers.has_emergency_line,
            "customer_since": joined,
        },
    )
    yield "crm.contact", _contacts(customers, now)
    yield "crm.consent", _consents(customers, now)
    renews = (customers.change == 2)[lines.customer]
    yield (
        "crm.subscriber",
        {
            "id": np.arange(lines.end.size) + 1,
            "customer_id": lines.customer + 1,
            "premise_id": np.arange(lines.end.size) + 1,
            "offering_version_id": lines.offering * 2 + 2,
            "state": np.where(lines.is_suspended, "suspended", "active").tolist(),
            "activated_at": joined[lines.customer].astype("datetime64[s]"),
            "suspended_for": ["non_payment" if flag else None for flag in lines.is_suspended.tolist()],
            "version": np.where(renews, 2, 1),
        },
    )
    yield "cmdb.access", _access(plant, lines, now, rng)
    yield "cmdb.session", _sessions(plant, lines, now, rng)
    yield (
        "billing.account",
        {
            "id": np.arange(customers.line.size) + 1,
            "customer_id": np.arange(customers.line.size) + 1,
            "cycle_day": customers.cycle_day,
            "payment_method": np.where(customers.is_organisation, "bank_transfer", "direct_debit").tolist(),
        },
    )


def _premises(plant: Plant, lines: Lines, away_km: NDArray[np.float64], rng: np.random.Generator) -> dict[str, Column]:
    """Doors numbered along each area's streets, in the order of the ends, so that neighbours share a splitter."""
    world, count = plant.world, lines.end.size
    order = np.zeros(count, dtype=np.int64)
    for area_id in range(1, len(world.areas) + 1):
        rows = np.flatnonzero(lines.area_id == area_id)
        order[rows] = np.arange(rows.size)
    # Beyond the list of streets the same names come again, as they do in life, with another postcode.
    street = (order // DOORS) % len(world.streets)
    names = [f"{world.areas[area].name}" for area in range(len(world.areas))]
    middle = np.array([[area.latitude, area.longitude] for area in world.areas])[lines.area_id - 1]
    offset = away_km[lines.end] + rng.normal(0, 0.05, (count, 2))
    return {
        "id": np.arange(count) + 1,
        "area_id": lines.area_id,
        "unit": [f"Flat {number % 3 + 1}" if number % 11 == 0 else "" for number in order.tolist()],
        "number": (order % DOORS + 1).astype(np.int64),
        "street": [world.streets[number] for number in street.tolist()],
        "town": [names[area_id - 1] for area_id in lines.area_id.tolist()],
        "postcode": _postcodes(lines.area_id, order // DOORS_OF_POSTCODE),
        "latitude": np.round(middle[:, 0] + offset[:, 0] * KM_NORTH, 6),
        "longitude": np.round(middle[:, 1] + offset[:, 1] * KM_EAST, 6),
    }


def _postcodes(area_id: Numbers, number: Numbers) -> list[str]:
    """HV is no postcode area; each area has its own tens of districts."""
    per_sector = len(LETTERS) ** 2
    return [
        f"HV{area * 10 + code // (9 * per_sector)} {code // per_sector % 9 + 1}{LETTERS[code % per_sector // 20]}{LETTERS[code % 20]}"
        for area, code in zip(area_id.tolist(), number.tolist(), strict=True)
    ]


def _contacts(customers: Customers, now: datetime) -> dict[str, Column]:
    """A mobile number for everybody; a mailbox for whoever prefers one, opted out of something, or happens to have given it."""
    prefers = np.array(CHANNELS)[customers.channel]
    rows = np.arange(customers.line.size)
    parts = {
        "sms": prefers != "voice",
        "whatsapp": prefers == "whatsapp",
        "voice": prefers == "voice",
        "email": (prefers == "email") | (customers.opted_out >= 0) | (rows % 3 == 0),
    }
    customer = np.concatenate([rows[has] for has in parts.values()])
    channel = [name for name, has in parts.items() for _ in range(int(has.sum()))]
    address = [
        f"customer{row + 1}@example.com" if kind == "email" else customers.phone[row]
        for row, kind in zip(customer.tolist(), channel, strict=True)
    ]
    preferred = [prefers[row] == kind for row, kind in zip(customer.tolist(), channel, strict=True)]
    quiet = [
        flag and customers.has_quiet_hours[row] for flag, row in zip(preferred, customer.tolist(), strict=True)
    ]  # fmt: skip
    return {
        "customer_id": customer + 1,
        "channel": channel,
        "address": address,
        "is_preferred": preferred,
        "quiet_from": ["21:30" if flag else None for flag in quiet],
        "quiet_until": ["07:30" if flag else None for flag in quiet],
        "changed_at": [now - timedelta(days=60)] * customer.size,
    }


def _consents(customers: Customers, now: datetime) -> dict[str, Column]:
    out, yes = np.flatnonzero(customers.opted_out >= 0), np.flatnonzero(customers.wants_marketing)
    channel = np.array(CHANNELS)
    return {
        "customer_id": np.concatenate([out, yes]) + 1,
        "purpose": ["service"] * out.size + ["marketing"] * yes.size,
        "channel": [*channel[customers.opted_out[out]].tolist(), *channel[customers.channel[yes]].tolist()],
        "is_given": [False] * out.size + [True] * yes.size,
        "recorded_at": [now - timedelta(days=90)] * (out.size + yes.size),
        "source": ["STOP in reply"] * out.size + ["sign-up form"] * yes.size,
    }


def _access(plant: Plant, lines: Lines, now: datetime, rng: np.random.Generator) -> dict[str, Column]:
    ends = plant.ends
    end, place = lines.end.tolist(), lines.place_at_end.tolist()
    kinds = [each.place for each in ends]
    power: NDArray[np.float64] = np.full(lines.end.size, np.nan)
    chance = rng.normal(0, 1, lines.end.size)
    for kind, (middle, deviation, least, most) in RX_DBM.items():
        rows = np.array([each == kind for each in kinds])[lines.end]
        power[rows] = np.round(np.clip(middle + deviation * chance[rows], least, most), 2)
    return {
        "subscriber_id": np.arange(lines.end.size) + 1,
        "device_id": np.array([each.device.id for each in ends])[lines.end],
        "reported_by_device_id": np.array([each.speaker.id for each in ends])[lines.end],
        "managed_object": [f"{ends[number].object_prefix}{where + 1}" for number, where in zip(end, place, strict=True)],
        "cpe_serial": [f"{CPE[kinds[number]][0]}{row + 0x1A000000:08X}" for row, number in enumerate(end)],
        "cpe_model": [CPE[kinds[number]][1] for number in end],
        "port": lines.place_at_end + 1,
        "received_power_dbm": power,
        "measured_at": [now - timedelta(minutes=12)] * lines.end.size,
    }


def aaa_tables(lines: Lines, action_id: int) -> Iterator[Table]:
    """What each line signs in with. The secrets follow from the line's number: they guard nothing."""
    rows = range(lines.end.size)
    yield (
        "cmdb.credential",
        {
            "id": np.arange(lines.end.size) + 1,
            "subscriber_id": np.arange(lines.end.size) + 1,
            "username": [f"line{row + 1}@harbour.invalid" for row in rows],
            "secret": [f"bedrock-demo-{row + 1}" for row in rows],
            "action_id": [action_id] * lines.end.size,
        },
    )


def _sessions(plant: Plant, lines: Lines, now: datetime, rng: np.random.Generator) -> dict[str, Column]:
    count = lines.end.size
    gateways = {area_id: [bng.id for bng in bngs] for area_id, bngs in plant.bng_of_area.items()}
    started = np.datetime64(now.replace(tzinfo=None), "s") - (rng.exponential(9 * 86400, count) + 600).astype("timedelta64[s]")
    ended = np.full(count, np.datetime64("NaT"), dtype="datetime64[s]")
    ended[lines.is_suspended] = np.datetime64(now.replace(tzinfo=None), "s")
    return {
        "subscriber_id": np.arange(count) + 1,
        "username": [f"line{row + 1}@harbour.invalid" for row in range(count)],
        "nas_device_id": [gateways[area_id][row % 2] for row, area_id in enumerate(lines.area_id.tolist())],
        # 100.64.0.0/10, behind carrier-grade NAT
        "framed_address": [f"100.{64 + row // 65536}.{row // 256 % 256}.{row % 256}" for row in range(count)],
        "started_at": started,
        "ended_at": ended,
        "end_cause": ["Admin-Reset" if flag else None for flag in lines.is_suspended.tolist()],
    }


def billing_tables(header: Bills, detail: BillLines, now: datetime) -> Iterator[Table]:
    count = header.customer.size
    is_past_due = header.due_on <= np.datetime64(now.date())
    yield (
        "billing.invoice",
        {
            "id": np.arange(count) + 1,
            "number": np.arange(count) + 100_001,
            "customer_id": header.customer + 1,
            "month": header.month,
            "period_from": header.period_from,
            "period_to": header.period_to,
            "issued_at": header.period_from.astype("datetime64[s]"),
            "due_on": header.due_on,
            "state": np.where(header.is_paid, "settled", "sent").tolist(),
            "is_disputed": is_past_due & ~header.is_paid & (header.customer % 97 == 0),
            "journal_id": np.arange(count) + 1,
        },
    )
    yield (
        "billing.invoice_line",
        {
            "invoice_id": detail.invoice + 1,
            "label": detail.label,
            "kind": detail.kind,
            "amount_minor": detail.net,
            "tax_minor": detail.tax,
            "subscriber_id": detail.line + 1,
            "offering_version_id": detail.version_id,
            "cause": detail.cause,
        },
    )
    paid = np.flatnonzero(header.is_paid)
    yield (
        "billing.payment",
        {
            "customer_id": header.customer[paid] + 1,
            "amount_minor": header.gross[paid],
            "received_at": paid_at(header),
            "method": ["direct_debit"] * paid.size,
            "provider_reference": [f"DD-{number + 100_001}" for number in paid.tolist()],
            "journal_id": np.arange(paid.size) + count + 1,
        },
    )
