"""What a credit note may give back."""

from atlas.errors import AtlasError
from atlas.identity import InvoiceId


class NotCreditable(AtlasError):
    """Nothing is left of the bill, or of that charge on it, that a credit note could give back."""

    def __init__(self, invoice_id: InvoiceId) -> None:
        super().__init__(f"nothing of that is left on invoice {invoice_id} to be given back")
        self.invoice_id = invoice_id


class FeeWaived(AtlasError):
    """The late fee for a bill was waived before, or a bill was made of it meanwhile."""

    def __init__(self, invoice_id: InvoiceId) -> None:
        super().__init__(f"the late fee for bill {invoice_id} was waived before, or stands on a bill by now")
        self.invoice_id = invoice_id


class FeeOnDraft(AtlasError):
    """The late fee stands on a bill that is being made: it is waived before that, or by a credit note once the bill is issued."""

    def __init__(self, invoice_id: InvoiceId) -> None:
        super().__init__(f"the late fee for bill {invoice_id} stands on a bill that is being made; waive it once that is issued")
        self.invoice_id = invoice_id
