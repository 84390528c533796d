"""Customers are told of a bill when it is issued, and by when it is to be paid: whoever pays for them, where somebody else does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Final, Self

from atlas.billing.reads.bills import bills_to_tell, currency, invoices_named
from atlas.billing.reads.dunning import debt_contacts, payer_contacts
from atlas.billing.records.bills import BillToTell
from atlas.billing.records.compensation import BillContact
from atlas.crm.reads import contacts, customer
from atlas.crm.records import Channel
from atlas.crm.rules import masked
from atlas.errors import AtlasError, NotFound
from atlas.helpdesk.records import NoticeDraft
from atlas.helpdesk.writes import queue_bill_notices
from atlas.identity import CustomerId, InvoiceId
from atlas.money import ZERO, Money, written
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.actions.billing.letters import noticed
from forge.may_send import COPY
from forge.wording import day_in_numbers, worded
from governance.facts import Facts

BILL: Final = "bill"
FOR_ANOTHER: Final = "bill_payer"
COVERED: Final = "bill_covered"
GIVES_BACK: Final = "bill_gives_back"


class NoMailAddress(AtlasError):
    """A document goes by mail, and the customer has no mail address on file."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__("there is no mail address on file to which a document could be sent")
        self.customer_id = customer_id


@dataclass(frozen=True)
class SendBills(Action):
    """Write to customers that a bill of theirs is issued: what is to be paid of it and by when, or that nothing is. `on`: the day."""

    name: ClassVar[str] = "send_bills"

    bills: tuple[BillToTell, ...]
    on: date

    @property
    def operation_key(self) -> str:
        # What was switched off or turned down is asked again the next day; that nobody is told twice, the notices' own keys see to.
        return f"{self.name}:{self.on}:{short(str(bill.invoice_id) for bill in self.bills)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(sorted({bill.customer_id for bill in self.bills}))

    def facts(self) -> Facts:
        return Facts(self.name, customers=len(self.touched_customers))

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        drafts = await _drafts(conn, self.bills, now)
        return tuple({(one.purpose, one.draft.language): one.draft.words for one in drafts}.values())

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        """Whoever was told since is left out, and what was paid meanwhile is not asked for."""
        return replace(self, bills=tuple(await bills_to_tell(conn, now, [bill.invoice_id for bill in self.bills])))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """One notice a bill. Whoever can be told by no way has none."""
        bills = await bills_to_tell(conn, now, [bill.invoice_id for bill in self.bills])
        drafts = await _drafts(conn, bills, now)
        told = 0
        for purpose in sorted({one.purpose for one in drafts}):
            of_it = [one for one in drafts if one.purpose == purpose]
            told += await queue_bill_notices(conn, purpose, [one.key for one in of_it], [one.draft for one in of_it])
        return {"bills": len(bills), "told": told}


@dataclass(frozen=True)
class _Drafted:
    """What is said of one bill, under a key of its own."""

    purpose: str
    key: str
    draft: NoticeDraft


async def _drafts(conn: Connection, bills: Sequence[BillToTell], now: datetime) -> list[_Drafted]:
    code = await currency(conn)
    contacts = await told_by(conn, bills, now)
    return [_drafted(bill, contact, code, now) for bill in bills if (contact := contacts.get(bill.invoice_id)) is not None]


async def told_by(conn: Connection, bills: Sequence[BillToTell], now: datetime) -> dict[InvoiceId, BillContact]:
    """Who hears of each bill, and where: whoever pays for a customer, of what is to be paid; of all else the customer.

    Bills of which nobody can be told are left out.
    """
    to_pay = {bill.customer_id for bill in bills if bill.to_pay > ZERO}
    payers = {one.customer_id: one for one in await payer_contacts(conn, sorted(to_pay), now)}
    own = {one.customer_id: one for one in await debt_contacts(conn, sorted({bill.customer_id for bill in bills if bill.to_pay <= ZERO}))}
    found = {bill.invoice_id: (payers if bill.to_pay > ZERO else own).get(bill.customer_id) for bill in bills}
    return {invoice: contact for invoice, contact in found.items() if contact is not None}


def _drafted(bill: BillToTell, contact: BillContact, code: str, now: datetime) -> _Drafted:
    purpose, given = said_of(bill, contact, code)
    key = f"bill:{bill.invoice_id}{':payer' if purpose == FOR_ANOTHER else ''}"
    return _Drafted(purpose, key, noticed(contact, worded(purpose, contact.language, given), now, may_wake=False))


def said_of(bill: BillToTell, contact: BillContact, code: str) -> tuple[str, dict[str, str]]:
    """Which words, and what is filled into them."""
    number = {"number": str(bill.number)}
    if bill.total < ZERO:
        return GIVES_BACK, {**number, "amount": written(Money.of_minor(-bill.total.minor), code)}
    if bill.to_pay <= ZERO:
        return COVERED, {**number, "amount": written(bill.total, code)}
    asked = {**number, "amount": written(bill.to_pay, code), "day": day_in_numbers(bill.due_on, contact.language)}
    return (FOR_ANOTHER, {**asked, "name": contact.pays_for}) if contact.pays_for else (BILL, asked)


@dataclass(frozen=True)
class SendBillCopy(Action):
    """Send a customer a bill of theirs again, as a document, to the mail address that is on file. Made by `of`, which looks for one.

    `source`: in which conversation they asked, and when; asked for again a minute later, it is sent again.
    """

    name: ClassVar[str] = "send_bill_copy"

    customer_id: CustomerId
    invoice: InvoiceId
    source: str

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, invoice: InvoiceId, source: str) -> Self:
        """Raises NoMailAddress."""
        await _mail_address(conn, customer_id)
        return cls(customer_id, invoice, source)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.invoice}:{short([self.source])}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NoMailAddress, or NotFound where it is no issued bill of theirs."""
        bills = [one for one in await invoices_named(conn, [self.invoice]) if one.customer_id == self.customer_id]
        if not bills:
            raise NotFound("bill", self.invoice)
        address = await _mail_address(conn, self.customer_id)
        language = (await customer(conn, self.customer_id)).language
        words = worded(COPY, language, {"number": str(bills[0].number)})
        draft = NoticeDraft(self.customer_id, Channel.EMAIL.value, address, language, words, now)
        await queue_bill_notices(conn, COPY, [f"bill:{self.invoice}:copy:{short([self.source])}"], [draft])
        return {"number": bills[0].number, "address": masked(address)}


async def _mail_address(conn: Connection, customer_id: CustomerId) -> str:
    """The preferred one. Raises NoMailAddress."""
    found = [one.address for one in await contacts(conn, customer_id) if one.channel is Channel.EMAIL]
    if not found:
        raise NoMailAddress(customer_id)
    return found[0]


ACTIONS: tuple[type[Action], ...] = (SendBills, SendBillCopy)
