"""Who works at the demo ISP: roles, shifts round the clock, and the engineers in their vans."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from argon2 import Type
from argon2.low_level import hash_secret

from evals.world.plan import World
from evals.world.tables import Table

# Written in the README: the demo's staff guard nothing.
PASSWORD: Final = "bedrock-demo"  # noqa: S105
SHIFT: Final = timedelta(hours=8)
# The vans go out in two teams, one by day and one by night, changing places every day: there is always somebody who splices.
VAN_SHIFT: Final = timedelta(hours=12)
VANS_LEAVE: Final = timedelta(hours=7)
VAN_ROLE: Final = "field_engineer"
DAYS_BACK: Final = 14
DAYS_AHEAD: Final = 90


@cache
def password_hash() -> str:
    """argon2id with a fixed salt: the same bytes each time, so that a seeded database can be compared with another."""
    return hash_secret(
        PASSWORD.encode(), b"bedrock demo salt", time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, type=Type.ID
    ).decode()


def staff_tables(world: World, now: datetime) -> Iterator[Table]:
    ids = range(1, len(world.staff) + 1)
    yield (
        "staff.member",
        {
            "id": ids,
            "name": [member.name for member in world.staff],
            "email": [f"{member.key}@example.com" for member in world.staff],
            "phone": [f"+447700900{900 + number}" for number in ids],
            "language": [member.language for member in world.staff],
            "password_hash": [password_hash()] * len(world.staff),
        },
    )
    roles = [(number, role) for number, member in zip(ids, world.staff, strict=True) for role in member.roles]
    yield (
        "staff.role_held",
        {
            "staff_id": [number for number, _ in roles],
            "role": [role for _, role in roles],
            "valid_from": [now - timedelta(days=400)] * len(roles),
        },
    )
    shifts = list(_shifts(world, now))
    yield (
        "staff.shift",
        {
            "staff_id": [number for number, _, _ in shifts],
            "starts_at": [starts_at for _, starts_at, _ in shifts],
            "ends_at": [ends_at for _, _, ends_at in shifts],
        },
    )
    engineers = [(number, member) for number, member in zip(ids, world.staff, strict=True) if member.skills]
    yield (
        "field_service.engineer",
        {
            "staff_id": [number for number, _ in engineers],
            "area_id": [world.area_id(member.area) for _, member in engineers],
            "skills": ["{" + ",".join(member.skills) + "}" for _, member in engineers],
        },
    )


def _shifts(world: World, now: datetime) -> Iterator[tuple[int, datetime, datetime]]:
    """Of every first role, somebody for each eight hours of every day, in turn; of the vans, half by day and half by night."""
    by_role: dict[str, list[int]] = {}
    for number, member in enumerate(world.staff, start=1):
        by_role.setdefault(member.roles[0], []).append(number)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS_BACK)
    yield from _van_shifts(by_role.pop(VAN_ROLE, []), midnight)
    for turn in range((DAYS_BACK + DAYS_AHEAD) * 3):
        starts_at = midnight + turn * SHIFT
        for members in by_role.values():
            # With fewer than three of a role one works two turns running: better than nobody.
            yield members[turn % len(members)], starts_at, starts_at + SHIFT


def _van_shifts(members: list[int], midnight: datetime) -> Iterator[tuple[int, datetime, datetime]]:
    for day in range(DAYS_BACK + DAYS_AHEAD):
        for place, number in enumerate(members):
            is_night = (day + place) % 2
            starts_at = midnight + timedelta(days=day) + VANS_LEAVE + is_night * VAN_SHIFT
            yield number, starts_at, starts_at + VAN_SHIFT
