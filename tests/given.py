"""Rows that tests start from, written as the owner: `await given.customer(owner, name="Maya Patel")` answers the new id."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb

Owner = AsyncConnection[tuple[Any, ...]]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def row(owner: Owner, table: str, **columns: Any) -> int:
    """Inserts one row; its first column (the id)."""
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns),
    )
    values = [Jsonb(value) if isinstance(value, dict | list) and not _is_array(value) else value for value in columns.values()]
    found = await (await owner.execute(statement, values)).fetchone()
    assert found is not None
    return int(found[0]) if isinstance(found[0], int) else 0


def _is_array(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) for part in value)


async def action(owner: Owner, name: str = "import_history", state: str = "done") -> int:
    """An action row to hang arranged effects from."""
    return await row(
        owner,
        "actions.action",
        name=name,
        arguments={},
        facts={},
        digest=b"arranged",
        operation_key=uuid.uuid4().hex,
        proposer="system:test",
        reason="arranged by a test",
        correlation_id=uuid.uuid4(),
        state=state,
    )


async def wide_matrix(owner: Owner, action: str, *, approver: str | None = None) -> str:
    """As the owner: a matrix that lets one action do whatever a test does, alone or (`approver`) with one approval; its digest."""
    room = {"money": 10**12, "money_each": 10**12, "customers": 10**9, "devices": 10**9, "crews": 10**9, "device_tier": 5}
    limit = {"action": action, "disconnects": approver is not None, "ever": room, "alone": None if approver else room}
    line = {
        "action": action,
        "place": 0,
        "rule": "test",
        "answer": "needs_approval" if approver else "allowed",
        "reason": "a test",
        "by": ["system", "agent", "customer", "staff"],
        "hours": "any",
        "approvers": [approver] if approver else [],
        "how_many": 1 if approver else 0,
        "tell": [],
        "expires_in": "1 hour",
        "execute_within": "1 hour",
    }
    digest = f"wide for {action}"
    await owner.execute("SELECT actions.put_in_force(%s, %s)", (Jsonb({"rows": [line], "allowances": [], "limits": [limit]}), digest))
    return digest


async def area(owner: Owner, name: str = "Harbour") -> int:
    found = await (await owner.execute("SELECT id FROM gis.area WHERE name = %s", (name,))).fetchone()
    return int(found[0]) if found else await row(owner, "gis.area", name=name, latitude=50.7, longitude=-3.5)


async def device(owner: Owner, name: str, kind: str = "olt", **columns: Any) -> int:
    columns.setdefault("area_id", await area(owner))
    return await row(owner, "cmdb.device", name=name, kind=kind, **columns)


async def link(owner: Owner, one: int, other: int, kind: str = "trunk", **columns: Any) -> int:
    name = columns.pop("name", f"{one}-{other}")
    columns = {"from_port": f"to-{other}", "to_port": f"to-{one}", **columns}
    return await row(owner, "cmdb.link", name=name, kind=kind, from_device_id=one, to_device_id=other, **columns)


async def offering(owner: Owner, code: str = "fibre-100", monthly_minor: int = 3000, segment: str = "residential", **version: Any) -> int:
    """An offering version with one recurring price, decomposable, with an access policy; the version's id."""
    found = await (
        await owner.execute(
            "SELECT v.id FROM catalogue.offering_version v JOIN catalogue.offering o ON o.id = v.offering_id WHERE o.code = %s", (code,)
        )
    ).fetchone()
    if found:
        return int(found[0])
    technology = version.pop("technology", "fibre")
    offered = await row(owner, "catalogue.offering", code=code, name=code, technology=technology, segment=segment)
    version = {"valid_from": date(2025, 1, 1), "down_kbps": 100_000, "up_kbps": 20_000, **version}
    return await _whole(owner, await row(owner, "catalogue.offering_version", offering_id=offered, **version), code, monthly_minor)


async def repriced(owner: Owner, code: str, monthly_minor: int, day: date = NOW.date()) -> int:
    """The offering at another price from `day` on: a new version with the old one's terms, whose id is answered."""
    moved = await owner.execute(
        "WITH ended AS (UPDATE catalogue.offering_version SET valid_to = %(day)s FROM catalogue.offering"
        " WHERE offering.id = offering_id AND offering.code = %(code)s AND valid_to IS NULL"
        " RETURNING offering_version.offering_id, down_kbps, up_kbps, contract_months, sla_id) SELECT * FROM ended",
        {"day": day, "code": code},
    )
    columns = [column.name for column in moved.description or ()]
    ended = await moved.fetchone()
    assert ended is not None, code
    version = await row(owner, "catalogue.offering_version", valid_from=day, **dict(zip(columns, ended, strict=True)))
    return await _whole(owner, version, code, monthly_minor)


async def _whole(owner: Owner, version: int, code: str, monthly_minor: int) -> int:
    await row(owner, "catalogue.price", offering_version_id=version, kind="recurring", label=code, amount_minor=monthly_minor)
    await owner.execute(
        "INSERT INTO catalogue.offered_service (offering_version_id, cfs_id)"
        " SELECT %s, id FROM catalogue.specification WHERE code = 'internet_access'",
        (version,),
    )
    await owner.execute(
        "INSERT INTO catalogue.access_policy (offering_version_id, rate_limit, address_pool, line_profile, service_profile)"
        " SELECT id, up_kbps || 'k/' || down_kbps || 'k', 'residential', 'line-' || down_kbps, 'internet'"
        "  FROM catalogue.offering_version WHERE id = %s",
        (version,),
    )
    return version


async def customer(owner: Owner, name: str = "Maya Patel", phone: str | None = "+447700900001", **columns: Any) -> int:
    """A customer with one preferred SMS contact, unless `phone` is None."""
    columns = {"kind": "individual", "given_name": name.split()[0], "customer_since": date(2024, 1, 1), **columns}
    made = await row(owner, "crm.customer", name=name, **columns)
    if phone is not None:
        await row(owner, "crm.contact", customer_id=made, channel="sms", address=phone, is_preferred=True)
    return made


async def subscriber(owner: Owner, customer_id: int, device_id: int, **columns: Any) -> int:
    """A live line of the customer, hanging from the device; its premise is made for it."""
    version = columns.pop("offering_version_id", None) or await offering(owner)
    premise = await row(
        owner,
        "gis.premise",
        area_id=columns.pop("area_id", None) or await area(owner),
        number=uuid.uuid4().hex[:6],
        street="Quay Street",
        town="Harbour",
        postcode="HB1 1AA",
        latitude=50.7,
        longitude=-3.5,
    )
    columns = {"state": "active", "activated_at": NOW, **columns}
    line = await row(owner, "crm.subscriber", customer_id=customer_id, premise_id=premise, offering_version_id=version, **columns)
    await owner.execute(
        "INSERT INTO cmdb.access (subscriber_id, device_id, reported_by_device_id, managed_object, cpe_serial) VALUES (%s, %s, %s, %s, %s)",
        (line, device_id, device_id, f"ont-{line}", f"SN{line:08d}"),
    )
    return line


async def session(owner: Owner, staff_id: int, ago: timedelta = timedelta(seconds=5)) -> bytes:
    """The fingerprint of a sign-in by which this member of staff rules; they proved who they are `ago`."""
    fingerprint = uuid.uuid4().bytes
    await owner.execute(
        "INSERT INTO staff.session (token_hash, staff_id, fresh_at, expires_at) VALUES (%s, %s, now() - %s, now() + interval '10 hours')",
        (fingerprint, staff_id, ago),
    )
    return fingerprint


async def member(owner: Owner, name: str, *roles: str) -> int:
    """A member of staff holding the roles."""
    made = await row(owner, "staff.member", name=name, email=f"{name.lower().replace(' ', '.')}@example.com")
    for role in roles:
        await owner.execute("INSERT INTO staff.role_held (staff_id, role) VALUES (%s, %s)", (made, role))
    return made
