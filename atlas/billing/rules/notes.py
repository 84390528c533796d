"""What a credit note may give back."""

from atlas.errors import AtlasError
from atlas.identity import InvoiceId


class NotCreditable(AtlasError):
    """Nothing is left of the bill, or of that charge on it, that a credit note could give back."""

    def __init__(self, invoice_id: InvoiceId) -> None:
        super().__init__(f"nothing of that is left on invoice {invoice_id} to be given back")
        self.invoice_id = invoice_id
