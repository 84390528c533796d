"""What the demo's lines are charged: from the day they were activated, on the versions that their bills name."""

from typing import Final

from psycopg import Connection

from atlas.statements import Statements

SQL: Final = Statements(__file__)


def charges_made(conn: Connection, action_id: int, tax_percent: int) -> None:
    """Ties the bills that were brought over to charges, prices and days, so that the next run goes on where they end."""
    conn.execute("SELECT set_config('bedrock.action', %s, true)", (str(action_id),))
    # The bills came as columns a moment ago: without statistics these joins would go row by row.
    conn.execute("ANALYZE billing.invoice, billing.invoice_line, crm.subscriber")
    conn.execute(SQL.text("charges"), {"action_id": action_id})
    conn.execute("ANALYZE billing.charge")
    conn.execute(SQL.text("days_billed"))
    conn.execute(SQL.text("lines_tied"), {"tax_percent": tax_percent})
    conn.execute(SQL.text("bills_totalled"))
    conn.execute(SQL.text("numbers_moved_past"))
