"""By mail a bill comes with its document: the very bill, to whom it may be shown, when it is issued or asked for."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from atlas import principal
from atlas.errors import NotFound
from atlas.identity import CorrelationId, InvoiceId
from forge.actions.billing.telling import NoMailAddress, SendBillCopy
from forge.bill_run import bill_the_day
from forge.dunning import chase
from forge.invoices import documents
from forge.invoices.documents import document, document_of
from forge.outbox import drain
from forge.propose import Forge
from forge.telling_bills import tell_bills
from governance.dunning import SHIPPED as LADDER_FILE
from governance.dunning import load as load_ladder
from tests import carried
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, one
from tests.billing.told import MARCH, Refusing, broken, charged, forge, pays, said
from tests.forge.test_smtp import OURS, Wire, wire
from tests.given import NOW, Owner, row
from tools.billing import bills

__all__ = ["forge", "wire"]


async def test_by_mail_a_bill_comes_with_its_document(forge: Forge, owner: Owner, wire: Wire) -> None:
    customer = await charged(owner, phone=None)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example", is_preferred=True)
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)

    await drain(forge.atlas, wire.messenger)

    (letter,) = wire.peer.read
    (attached,) = letter.iter_attachments()
    body = letter.get_body()
    assert letter["Subject"] == "Your bill"
    assert body is not None
    assert "Your bill 100001 is ready: £36.00" in body.get_content()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/pdf", "100001.pdf")
    assert attached.get_content() == await document(forge.atlas, 100001, OURS.name)


async def test_a_letter_about_anything_else_comes_with_nothing(forge: Forge, owner: Owner, wire: Wire) -> None:
    customer, _ = await customer_with_line(owner, "Maya Patel")
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example", is_preferred=True)
    due = NOW.date() - timedelta(days=3)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)
    await chase(forge, load_ladder(LADDER_FILE))

    await drain(forge.atlas, wire.messenger)

    (letter,) = wire.peer.read
    assert (letter["Subject"], letter.is_multipart()) == ("A reminder about your bill", False)


async def test_whoever_asks_is_sent_their_bill_to_the_address_that_is_on_file(forge: Forge, owner: Owner, wire: Wire) -> None:
    customer = await charged(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example")
    await bill_the_day(forge, MARCH)

    async with asking(forge.atlas, principal.customer(customer)) as (turn, proposed):
        await bills.send_my_bill(turn)
    outcome = await carried.out(forge.atlas, proposed[0], NOW)
    await drain(forge.atlas, wire.messenger)

    (letter,) = wire.peer.read
    assert outcome == {"number": 100001, "address": "m…@home.example"}
    assert (letter["To"], letter["Subject"]) == ("maya@home.example", "The bill you asked for")
    assert [one.get_filename() for one in letter.iter_attachments()] == ["100001.pdf"]


async def test_whoever_has_no_mail_address_is_told_so_before_anything_is_asked_for(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner)
    await bill_the_day(forge, MARCH)

    async with asking(forge.atlas, principal.customer(customer)) as (turn, proposed):
        with pytest.raises(NoMailAddress):
            await bills.send_my_bill(turn)

    assert proposed == []


async def test_the_bill_of_somebody_else_is_sent_to_nobody(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    other = await charged(owner, None, "Omar Haddad")
    await row(owner, "crm.contact", customer_id=other, channel="email", address="omar@home.example")
    await bill_the_day(forge, MARCH)
    theirs = InvoiceId(await one(owner, "SELECT id FROM billing.invoice WHERE customer_id <> %s", other))

    with pytest.raises(NotFound, match="there is no bill"):
        await carried.out(forge.atlas, SendBillCopy(other, theirs, "conversation:1"), NOW)

    assert await said(owner) is None


async def test_a_document_that_cannot_be_delivered_is_not_announced_by_text_instead(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example")
    await bill_the_day(forge, MARCH)
    invoice = InvoiceId(await one(owner, "SELECT id FROM billing.invoice"))
    await carried.out(forge.atlas, SendBillCopy(customer, invoice, "conversation:1"), NOW)

    await drain(forge.atlas, Refusing())

    assert await one(owner, "SELECT state || ' ' || channel FROM helpdesk.notice WHERE purpose = 'bill_copy'") == "failed email"


@pytest.mark.parametrize(("may", "documents"), [(["pay"], 0), (["pay", "be_told"], 1), (["everything"], 1)])
async def test_every_line_of_a_bill_is_read_only_by_a_payer_who_may_be_told(
    forge: Forge, owner: Owner, wire: Wire, may: list[str], documents: int
) -> None:
    await pays(owner, await charged(owner), may=may)
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)

    await drain(forge.atlas, wire.messenger)

    (letter,) = wire.peer.read
    assert letter["To"] == "ann@example.com"
    assert len(list(letter.iter_attachments())) == documents


async def test_two_series_with_the_same_number_are_not_mixed_up(forge: Forge, owner: Owner, wire: Wire) -> None:
    customer = await charged(owner, phone=None)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example", is_preferred=True)
    other = await charged(owner, None, "Omar Haddad")
    await row(owner, "billing.series", code="branch", legal_entity="The other house", kind="invoice")
    await bill(owner, other, date(2026, 1, 1), {"Fibre 100": 9900}, series="branch")
    await bill_the_day(forge, MARCH)
    numbers = "SELECT array_agg(number ORDER BY id) FROM billing.invoice WHERE number = 100001"
    assert len(await one(owner, numbers)) == 2
    await tell_bills(forge)

    await drain(forge.atlas, wire.messenger)

    theirs = InvoiceId(await one(owner, "SELECT id FROM billing.invoice WHERE customer_id = %s", customer))
    (letter,) = wire.peer.read
    (attached,) = letter.iter_attachments()
    assert attached.get_content() == await document_of(forge.atlas, theirs, OURS.name)


async def test_a_bill_that_cannot_be_printed_waits_and_is_no_doubt(
    forge: Forge, owner: Owner, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = await charged(owner, phone=None)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example", is_preferred=True)
    await bill_the_day(forge, MARCH)
    await tell_bills(forge)
    monkeypatch.setattr(documents, "printed", lambda: broken)

    await drain(forge.atlas, wire.messenger)

    assert (wire.peer.read, await one(owner, "SELECT state FROM helpdesk.notice")) == ([], "queued")


async def test_whoever_asks_again_because_nothing_came_is_sent_it_again(forge: Forge, owner: Owner) -> None:
    customer = await charged(owner)
    await row(owner, "crm.contact", customer_id=customer, channel="email", address="maya@home.example")
    await bill_the_day(forge, MARCH)
    asked, conversation = [], CorrelationId(uuid4())
    for minutes in (0, 0, 5):
        async with asking(forge.atlas, principal.customer(customer), now=NOW + timedelta(minutes=minutes)) as (turn, proposed):
            await bills.send_my_bill(replace(turn, correlation_id=conversation))
        asked.append(proposed[0].operation_key.rsplit(":", 1)[1])

    assert (asked[0] == asked[1], asked[1] == asked[2]) == (True, False)
