"""Pure: who may be asked, and what still counts as having proved who one is."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from atlas.principal import Role
from atlas.staff.records import OnShift, SignedIn

# A working day: whoever comes back in the morning signs in again.
SESSION_LIVES: Final = timedelta(hours=10)
# A long incident call may leave a page untouched; an evening at an unlocked desk may not.
SESSION_IDLES: Final = timedelta(hours=1)
# From a Friday's hiring to a Monday's first day; what is not used by then lies in somebody's notes.
GIVEN_PASSWORD_LIVES: Final = timedelta(days=3)
# Long enough to find the phone, short enough that a shoulder-surfed page is worth nothing later.
PROOF_LIVES: Final = timedelta(minutes=5)


def holders_of(role: Role, on_shift: Iterable[OnShift]) -> tuple[OnShift, ...]:
    """Those at work who hold `role`, whoever stays longest first."""
    holders = [member for member in on_shift if role in member.roles]
    return tuple(sorted(holders, key=lambda member: (member.ends_at, member.staff_id), reverse=True))


def proved_ago(signed_in: SignedIn) -> timedelta:
    """How long ago they last gave their password."""
    return signed_in.now - signed_in.fresh_at


def has_two_factors(proved_by: Sequence[str]) -> bool:
    """A passkey is two by itself: something they have, unlocked by something they know or are."""
    return "passkey" in proved_by or len(set(proved_by)) > 1
