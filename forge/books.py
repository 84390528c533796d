"""The books watched over: what must hold of them, asked every night, and what the payment provider says beside what we have."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
import structlog

from atlas.billing.reads import books
from atlas.billing.records.books import INVARIANTS, BrokenInvariant, PaymentDifference
from atlas.billing.rules.payments import payment_differences
from atlas.billing.writes.books import record_invariants, set_currency
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.money import Money
from atlas.principal import executor
from forge.outside.ports import Statement

log = structlog.get_logger()

BOOKKEEPER = executor("books")


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
    """Our payments of some days beside the provider's: how many agree, and each that does not."""

    agree: int
    differences: tuple[PaymentDifference, ...]


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


async def reconciled(atlas: Atlas, statement: Statement, since: datetime, until: datetime) -> Reconciled:
    """Reads both sides and changes nothing; money that differs is a person's to look at."""
    reported: dict[str, Money] = {receipt.reference: receipt.amount for receipt in await statement.receipts(since, until)}
    async with atlas.transaction(BOOKKEEPER) as conn:
        kept = await books.payments_kept(conn, since, until)
    differences = payment_differences(kept, reported)
    present = {payment.reference for payment in kept if not payment.is_returned}
    return Reconciled(len(present | reported.keys()) - len(differences), tuple(differences))
