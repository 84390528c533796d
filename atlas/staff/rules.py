"""Pure: who may be asked, and what still counts as having proved who one is."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from atlas.principal import Role
from atlas.staff.records import OnShift, SignedIn

# A working day: whoever comes back in the morning signs in again.
SESSION_LIVES: Final = timedelta(hours=10)


def holders_of(role: Role, on_shift: Iterable[OnShift]) -> tuple[OnShift, ...]:
    """Those at work who hold `role`, whoever stays longest first."""
    holders = [member for member in on_shift if role in member.roles]
    return tuple(sorted(holders, key=lambda member: (member.ends_at, member.staff_id), reverse=True))


def proved_ago(signed_in: SignedIn) -> timedelta:
    """How long ago they last gave their password."""
    return signed_in.now - signed_in.fresh_at


def session_ends(now: datetime) -> datetime:
    return now + SESSION_LIVES
