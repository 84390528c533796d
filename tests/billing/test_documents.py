"""An issued bill on paper: what it says, in whose language, and that its bytes never change."""

from dataclasses import replace
from datetime import UTC, date, datetime

import psycopg
import pytest

from atlas.billing.records.documents import Paper, PaperHead, PaperLine
from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money
from forge.invoices import pdf
from forge.invoices.documents import document
from forge.invoices.pdf import invoice_pdf
from forge.invoices.words import invoice_words
from forge.wording import LANGUAGES
from tests.billing.arranged import bill, customer_with_line, one, payment
from tests.given import NOW, Owner


def paper(lines: int = 2, language: str = "en", currency: str = "GBP") -> Paper:
    issued = datetime(2026, 3, 1, tzinfo=UTC)
    head = PaperHead(
        InvoiceId(1), 100123, CustomerId(42), "Amélie Müller", language, ("12 Quay Street", "Harbour"), issued, date(2026, 3, 15),
        date(2026, 2, 1), date(2026, 3, 1), currency,
    )  # fmt: skip
    return Paper(head, tuple(PaperLine(f"Charge {number}", Money("10.00"), Money("2.00")) for number in range(lines)))


def pages(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ")


def test_the_same_bill_is_the_same_bytes() -> None:
    assert invoice_pdf(paper(), "Harbour Broadband") == invoice_pdf(paper(), "Harbour Broadband")


def test_a_long_bill_goes_on_to_a_second_page() -> None:
    assert (pages(invoice_pdf(paper(3), "X")), pages(invoice_pdf(paper(40), "X"))) == (1, 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_of_an_invoice(language: str) -> None:
    assert invoice_words(language, "GBP").said.keys() == invoice_words("en", "GBP").said.keys()
    assert invoice_pdf(paper(language=language), "Harbour Broadband").startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("language", "currency", "written"),
    [
        ("en", "GBP", "£1,234.50"),
        ("de", "EUR", "1.234,50 €"),
        ("fr", "EUR", "1\u202f234,50 €"),
        ("es", "EUR", "1.234,50 €"),
        ("hi", "INR", "₹1,234.50"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(language: str, currency: str, written: str) -> None:
    assert invoice_words(language, currency).money(Money("1234.50")) == written
    assert invoice_words(language, currency).money(Money("-1234.50")) == f"-{written}"


def test_a_bill_in_the_customers_favour_asks_for_nothing() -> None:
    words = invoice_words("en", "GBP")
    favour = Paper(paper().head, (PaperLine("Credit", Money("-10.00"), Money("-2.00")),))

    assert words.to_pay(favour) == words["favour"].format(amount="£12.00")
    assert (words.title(favour), words.title(paper())) == ("Final statement", "Invoice")
    assert words.to_pay(Paper(paper().head, ())) == words["nothing"]


@pytest.mark.parametrize(
    ("written", "glyphs"),
    [("हिन्दी", 5), ("क्षत्रिय", 4), ("अंतिम", 5), ("ग्राहक", 4), ("Fibre", 5)],
    ids=["half letter", "conjuncts", "vowel sign first", "below the line", "another script"],
)
def test_devanagari_is_joined_as_it_is_written_by_hand(written: str, glyphs: int) -> None:
    pdf.load_font()

    (run,) = pdf._shaped(written, 10)

    # क्षत्रिय has eight letters and four shapes: the conjuncts are one each, and the vowel sign stands before its consonant.
    assert len(run) == glyphs
    assert pdf._width(run, 10) > 0


def test_scripts_beside_each_other_are_each_drawn_by_their_own_rules() -> None:
    pdf.load_font()

    assert len(pdf._shaped("12 दिल्ली (Delhi) रोड", 10)) == 4


def test_a_hindi_bill_is_in_hindi_and_the_same_bytes_whatever_was_printed_before() -> None:
    hindi = paper(language="hi", currency="INR")
    first = invoice_pdf(hindi, "Harbour Broadband")
    named = replace(hindi, head=replace(hindi.head, name="क्षत्रिय ज्ञान"))
    assert invoice_pdf(named, "Harbour Broadband") != first

    assert invoice_pdf(hindi, "Harbour Broadband") == first
    assert first != invoice_pdf(paper(currency="INR"), "Harbour Broadband")


async def test_the_bytes_of_an_issued_bill_stay_whatever_happens_to_its_customer(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000}, {"Fibre 100": 600})
    number = await one(owner, "SELECT number FROM billing.invoice")
    first = await document(atlas, number, "Harbour Broadband")

    await owner.execute("UPDATE crm.customer SET name = 'Maya Shah', language = 'de'")
    await payment(owner, customer, 3600)

    assert await document(atlas, number, "Another House") == first
    assert await one(owner, "SELECT sha256(pdf) = digest FROM billing.invoice_document") is True


async def test_a_kept_document_is_changed_by_nobody_not_even_its_owner(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    await document(atlas, await one(owner, "SELECT number FROM billing.invoice"), "Harbour Broadband")

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        await owner.execute("UPDATE billing.invoice_document SET pdf = ''")


async def test_a_draft_has_no_document(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000}, issued_at=None)

    with pytest.raises(NotFound):
        await document(atlas, 100001, "Harbour Broadband")
