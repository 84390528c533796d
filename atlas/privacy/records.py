"""What is kept of people, and what became of a wish to be forgotten."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from atlas.identity import ActionId, CustomerId


class Erasing(StrEnum):
    """What an erasure does with the rows of a place."""

    DELETE = "delete"
    REWRITE = "rewrite"
    KEEP = "keep"


class Reason(StrEnum):
    """Why something is left for now."""

    CONTRACT = "contract"
    DEBT = "debt"
    HOLD = "hold"


@dataclass(frozen=True)
class Place:
    """A table that says something of people. `whose`: how a row is known to be somebody's; `treatments`: of one may be two."""

    place: str
    whose: tuple[str, ...]
    erasing: Erasing
    needed_for: tuple[Reason, ...]
    because: str
    treatments: tuple[tuple[str, str], ...]
    stays: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the map names."""
        return frozenset(name for name, _ in self.treatments) | frozenset(self.stays)


@dataclass(frozen=True)
class RetentionRule:
    """For how long a kind of row is kept, counted from `since`; `only_if`, as in "state in sent failed"; `basis`: why so long."""

    rule: str
    place: str
    since: str
    only_if: str | None
    keep: timedelta
    how: str
    basis: str


@dataclass(frozen=True)
class PersonalMap:
    """Where everything of people lies: `personal` in the order of an erasure, `nobodys` what is ours."""

    personal: tuple[Place, ...]
    nobodys: tuple[Place, ...]
    retention: tuple[RetentionRule, ...]


@dataclass(frozen=True)
class Collected:
    """A row that is one customer's."""

    place: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Erasure:
    """What was erased of a customer, in rows by place. `because`: why the rest was left; the books stay until `ledger_until`."""

    customer_id: CustomerId
    erased_at: datetime
    is_whole: bool
    because: tuple[Reason, ...]
    removed: dict[str, int]
    ledger_until: date | None
    action_id: ActionId


@dataclass(frozen=True)
class Wish:
    """What was asked about one person: to forget them, to hold their records (`is_held`), or to lift a hold; `source`: by which request."""

    action_id: ActionId
    name: str
    customer_id: CustomerId
    source: str
    proposer: str
    proposed_at: datetime
    state: str
    approver_roles: tuple[str, ...]
    is_held: bool
    failure: str


@dataclass(frozen=True)
class CopyTaken:
    """That a copy of what we have of one person was taken, by whom, and of how many rows."""

    actor: str
    at: datetime
    customer_id: CustomerId
    rows: int


@dataclass(frozen=True)
class Hold:
    """Records that the law wants kept as they are."""

    customer_id: CustomerId
    reason: str
    placed_at: datetime
    action_id: ActionId


@dataclass(frozen=True)
class Kept:
    """A retention rule with its latest proof: when it was applied, what went then and in all, and the oldest row that is left."""

    rule: str
    place: str
    keep: timedelta
    how: str
    basis: str
    applied_at: datetime | None
    removed: int | None
    removed_in_all: int
    oldest_left: datetime | None


@dataclass(frozen=True)
class Column:
    """A column of the catalogue that can hold something of somebody; `refers_to`: the table of its foreign key."""

    place: str
    name: str
    type: str
    refers_to: str


@dataclass(frozen=True)
class KnownValue:
    """Something by which a person could be recognised; `kind` in a word, as in given_name."""

    kind: str
    value: str
