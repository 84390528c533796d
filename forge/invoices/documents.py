"""The document of an issued bill: made the first time somebody asks, and from then on given out as it is."""

import asyncio
import importlib
from collections.abc import Callable
from typing import Final

from atlas.billing.reads.documents import kept_document, paper
from atlas.billing.records.documents import Paper
from atlas.billing.writes.documents import keep_document
from atlas.connection import Atlas
from atlas.principal import executor

PRINTER: Final = executor("documents")


async def document(atlas: Atlas, number: int, operator: str) -> bytes:
    """The PDF of the bill of this number. Raises NotFound."""
    async with atlas.transaction(PRINTER) as conn:
        bill = await paper(conn, number)
        kept = await kept_document(conn, bill.head.invoice_id)
    if kept is not None:
        return kept
    made = await asyncio.to_thread(printed(), bill, operator)
    async with atlas.transaction(PRINTER) as conn:
        await keep_document(conn, bill.head.invoice_id, made)
        # Whoever printed at the same moment may have been first: theirs is the bill.
        return await kept_document(conn, bill.head.invoice_id) or b""


def printed() -> Callable[[Paper, str], bytes]:
    """What prints a bill. Loaded when the first one is asked for: the library and its font are megabytes that most processes never need."""
    made: Callable[[Paper, str], bytes] = importlib.import_module("forge.invoices.pdf").invoice_pdf
    return made
