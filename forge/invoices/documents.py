"""The document of an issued bill: made the first time somebody asks, and from then on given out as it is."""

import asyncio
import importlib
from collections.abc import Callable
from typing import Final

from atlas.billing.reads.documents import kept_document, paper, paper_of
from atlas.billing.records.documents import Paper
from atlas.billing.writes.documents import keep_document
from atlas.connection import Atlas
from atlas.identity import InvoiceId
from atlas.principal import executor

PRINTER: Final = executor("documents")


async def document(atlas: Atlas, number: int, operator: str) -> bytes:
    """The PDF of the bill of this number, as people ask for it. Raises NotFound."""
    async with atlas.transaction(PRINTER) as conn:
        bill = await paper(conn, number)
    return await _document(atlas, bill, operator)


async def document_of(atlas: Atlas, invoice_id: InvoiceId, operator: str) -> bytes:
    """The PDF of this very bill: two series may have the same number. Raises NotFound."""
    async with atlas.transaction(PRINTER) as conn:
        bill = await paper_of(conn, invoice_id)
    return await _document(atlas, bill, operator)


async def _document(atlas: Atlas, bill: Paper, operator: str) -> bytes:
    async with atlas.transaction(PRINTER) as conn:
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
