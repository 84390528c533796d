"""The document of a bill, kept once."""

from atlas.identity import InvoiceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def keep_document(conn: Connection, invoice_id: InvoiceId, pdf: bytes) -> None:
    """Keeps what was made of a bill; whoever was first counts."""
    await SQL.run(conn, "keep_document", invoice_id=invoice_id, pdf=pdf)
