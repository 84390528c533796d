"""The books watched over: what must hold of them, asked every night, and what the payment provider says beside what we have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog

from atlas.billing.reads import books
from atlas.billing.records.books import GIVEN_BACK, INVARIANTS, RECONCILED, BrokenInvariant, PaymentDifference, PaymentKept
from atlas.billing.rules.payments import payment_differences
from atlas.billing.writes.books import record_invariants, set_currency
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.money import Money
from atlas.principal import executor
from forge.outside.ports import Receipt, Statement

log = structlog.get_logger()

BOOKKEEPER = executor("books")
# What a night lays beside the provider's list: the days before it, so that a night without an answer is made up for by the next.
LOOKS_BACK: Final = timedelta(days=3)
# The provider's word of a payment reaches us within minutes, or is sent again for an hour: until then it is under way.
SETTLES: Final = timedelta(hours=1)


class BooksInAnotherCurrency(AtlasError):
    """The settings name another currency than the one these books are kept in."""


@dataclass(frozen=True)
class BooksChecked:
    """One check of all the books: how many invariants were asked, and everything that breaks one."""

    checked_at: datetime
    invariants: int
    broken: tuple[BrokenInvariant, ...]


@dataclass(frozen=True)
class Reconciled:
    """Our payments of some days, and our refunds, beside the provider's: how many agree, and each that does not."""

    agree: int
    differences: tuple[PaymentDifference, ...]
    refunds_agree: int
    refund_differences: tuple[PaymentDifference, ...]


async def keep_books_in(atlas: Atlas, currency: str) -> None:
    """Raises BooksInAnotherCurrency where journals were posted in another."""
    try:
        async with atlas.transaction(BOOKKEEPER) as conn:
            await set_currency(conn, currency)
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise BooksInAnotherCurrency(str(error.diag.message_primary)) from error


async def check_books(atlas: Atlas, now: datetime) -> BooksChecked:
    """Asks every invariant of all the books and keeps the result, whatever it is."""
    async with atlas.transaction(BOOKKEEPER) as conn:
        broken = await books.broken_invariants(conn)
        await record_invariants(conn, broken, now)
    checked = BooksChecked(now, len(INVARIANTS), tuple(broken))
    (log.error if broken else log.info)("books_checked", invariants=checked.invariants, broken=len(broken))
    return checked


async def check_payments(atlas: Atlas, statement: Statement, now: datetime) -> Reconciled:
    """Lays the last days' payments beside the provider's list and keeps the result, whatever it is. Raises NotNow, Never or NoAnswer."""
    found = await reconciled(atlas, statement, now - SETTLES - LOOKS_BACK, now - SETTLES)
    differ = [_broken(RECONCILED, one) for one in found.differences] + [_broken(GIVEN_BACK, one) for one in found.refund_differences]
    async with atlas.transaction(BOOKKEEPER) as conn:
        await record_invariants(conn, differ, now, (RECONCILED, GIVEN_BACK))
    (log.error if differ else log.info)("payments_reconciled", agree=found.agree + found.refunds_agree, differ=len(differ))
    return found


def _broken(invariant: str, one: PaymentDifference) -> BrokenInvariant:
    return BrokenInvariant(invariant, one.reference, _minor(one.kept), _minor(one.reported))


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


async def reconciled(atlas: Atlas, statement: Statement, since: datetime, until: datetime) -> Reconciled:
    """Reads both sides and changes nothing; money that differs is a person's to look at."""
    # The two clocks differ by seconds: what lies beside the edge on one side only is looked for beyond it on the other.
    begins, ends = since - SETTLES, until + SETTLES
    came, went = await statement.receipts(begins, ends), await statement.refunds(begins, ends)
    async with atlas.transaction(BOOKKEEPER) as conn:
        kept, given = await books.payments_kept(conn, begins, ends), await books.refunds_kept(conn, begins, ends)
    return Reconciled(*_beside(kept, came, since, until), *_beside(given, went, since, until))


def _beside(
    kept: Sequence[PaymentKept], listed: Sequence[Receipt], since: datetime, until: datetime
) -> tuple[int, tuple[PaymentDifference, ...]]:
    """How many of those that either side has within these times agree, and the others."""
    times = [*((one.reference, one.received_at) for one in kept if not one.is_returned), *((one.reference, one.at) for one in listed)]
    asked = {reference for reference, at in times if since <= at < until}
    reported: dict[str, Money] = {receipt.reference: receipt.amount for receipt in listed}
    differences = [one for one in payment_differences(kept, reported) if one.reference in asked]
    return len(asked) - len(differences), tuple(differences)
