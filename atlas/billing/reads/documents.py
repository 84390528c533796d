"""Questions about a bill as it stands on paper."""

from atlas.billing.records.documents import Paper, PaperHead, PaperLine
from atlas.errors import NotFound
from atlas.identity import InvoiceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def paper(conn: Connection, number: int) -> Paper:
    """The issued bill of this number, as people say it: of several series the oldest. Raises NotFound, also for a draft."""
    return await _paper(conn, number, None)


async def paper_of(conn: Connection, invoice_id: InvoiceId) -> Paper:
    """This very bill. Raises NotFound, also for a draft."""
    return await _paper(conn, None, invoice_id)


async def _paper(conn: Connection, number: int | None, invoice_id: InvoiceId | None) -> Paper:
    head = await SQL.first(conn, PaperHead, "paper_head", number=number, invoice_id=invoice_id)
    if head is None:
        raise NotFound("invoice", number or invoice_id)
    return Paper(head, tuple(await SQL.all(conn, PaperLine, "paper_lines", invoice_id=head.invoice_id)))


async def kept_document(conn: Connection, invoice_id: InvoiceId) -> bytes | None:
    """The very bytes that were made of this bill the first time; None where nobody asked for them yet."""
    found = await SQL.value(conn, "kept_document", invoice_id=invoice_id)
    return None if found is None else bytes(found)
