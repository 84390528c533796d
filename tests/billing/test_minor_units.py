"""A currency with no decimals, or with three: the same house, and no amount a hundred times too large anywhere."""

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.inbound.stripe.parsing import money_event
from atlas import principal
from atlas.actions.records import ActionState
from atlas.catalogue.rules.pricing import checked_amount
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CustomerId, StaffId
from atlas.money import Money, count_in, written
from atlas.principal import executor
from forge.actions.billing.money_in import RecordPayment
from forge.books import keep_books_in
from forge.invoices.words import invoice_words
from forge.matrix_in_force import write_in_force
from forge.outside.statement import StatementFile
from forge.propose import Forge, MatrixInForce
from forge.register import Register, read_facts, written_facts
from governance.matrix import SHIPPED, MatrixRefused, load
from tests import given
from tests.billing.arranged import bill, customer_with_line, one, open_of
from tests.billing.billed import billed, charged_line, lines, plan
from tests.given import NOW, Owner
from tests.layers.test_governed_modules import asked


@pytest.fixture(params=["JPY", "KWD"])
def currency(request: pytest.FixtureRequest) -> Iterator[str]:
    count_in(request.param)
    yield request.param
    count_in("GBP")


@pytest.fixture
def yen() -> Iterator[None]:
    count_in("JPY")
    yield
    count_in("GBP")


@pytest.fixture
def fils() -> Iterator[None]:
    count_in("KWD")
    yield
    count_in("GBP")


def test_an_amount_is_read_and_written_with_the_decimals_of_its_currency(yen: None) -> None:
    assert (Money("3000").minor, str(Money("3000")), written(Money("-3000"), "JPY")) == (3000, "3,000", "-¥3,000")
    with pytest.raises(ValueError, match="more than 0 decimals"):
        Money("30.5")


def test_three_decimals_are_three(fils: None) -> None:
    assert (Money("1.234").minor, str(Money("1.2")), written(Money("1234.5"), "KWD")) == (1234, "1.200", "KWD 1,234.500")
    with pytest.raises(ValueError, match="more than 3 decimals"):
        Money("1.2345")


def test_half_of_the_smallest_unit_rounds_away_from_nothing(currency: str) -> None:
    halves = {"JPY": ("10.5", 11, "-10.5", -11), "KWD": ("1.0005", 1001, "-1.0005", -1001)}[currency]

    assert [Money.rounded(Decimal(each)).minor for each in halves[::2]] == list(halves[1::2])  # type: ignore[arg-type]


def test_an_amount_stays_itself_through_json_and_pickle(currency: str) -> None:
    amount = Money.of_minor(1234)

    assert pickle.loads(pickle.dumps(amount)) == amount  # noqa: S301 - our own
    assert Money(str(amount.amount)) == amount


@pytest.mark.parametrize(
    ("code", "language", "said"),
    [
        ("JPY", "en", "¥1,234"),
        ("JPY", "de", "1.234 ¥"),
        ("KWD", "en", "KWD1.234"),
        ("KWD", "de", "1,234 KWD"),
        ("GBP", "en", "£12.34"),
    ],
)
def test_an_invoice_writes_no_decimals_that_its_currency_has_not(code: str, language: str, said: str) -> None:
    count_in(code)
    try:
        assert invoice_words(language, code).money(Money.of_minor(1234)) == said
    finally:
        count_in("GBP")


@pytest.mark.parametrize(("code", "good", "bad"), [("JPY", "3000", "3000.5"), ("KWD", "3.125", "3.1255"), ("GBP", "3.12", "3.125")])
def test_a_price_finer_than_the_smallest_unit_is_refused_with_its_field(code: str, good: str, bad: str) -> None:
    count_in(code)
    try:
        assert str(checked_amount(good, code, code).amount) == good
        with pytest.raises(InvalidField, match="decimals"):
            checked_amount(bad, code, code)
    finally:
        count_in("GBP")


def test_the_provider_speaks_in_smallest_units_and_is_taken_at_its_word(yen: None) -> None:
    charge = {"id": "ch_1", "object": "charge", "amount": 3000, "amount_captured": 3000, "currency": "jpy", "payment_intent": "pi_1"}
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 3000, "amount_received": 3000, "currency": "jpy", "metadata": {}}
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1772442000, "data": {"object": intent}}

    heard = money_event(json.dumps(event).encode())

    assert charge["amount"] == 3000
    assert heard is not None
    assert (heard.amount, heard.currency) == (Money("3000"), "JPY")


async def test_a_list_of_payments_is_read_in_the_currency_of_the_books(yen: None, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("reference,amount,at\npi_1,3000,2026-03-01\n")

    (receipt,) = await StatementFile(file).receipts(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    assert receipt.amount == Money("3000")


async def test_a_bill_is_made_taxed_and_rounded_in_smallest_units(atlas: Atlas, owner: Owner, yen: None) -> None:
    await keep_books_in(atlas, "JPY")
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 2980), date(2026, 3, 12))

    run = await billed(owner, date(2026, 3, 12), customer)

    # 20 of 31 days of ¥2,980 are ¥1,922.58, and a fifth of that is ¥384.6: nothing is smaller than a yen.
    assert [(net, tax) for *_, net, tax in await lines(owner, run)] == [(1923, 385)]


async def test_the_gate_and_governance_judge_the_same_in_any_currency(atlas: Atlas, owner: Owner, currency: str) -> None:
    matrix = load(SHIPPED)
    await write_in_force(owner, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))
    customer, _ = await customer_with_line(owner)
    invoice = await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 1_200_000})
    helen = principal.staff(StaffId(await given.member(owner, "Helen", "billing_lead")), "Helen", frozenset())

    within = await asked(forge, helen, RecordPayment(customer, Money("1000"), "cheque", "1", NOW.date()))
    above = await asked(forge, helen, RecordPayment(customer, Money("1001"), "cheque", "2", NOW.date()))

    assert (within.state, above.state) == (ActionState.DONE, ActionState.WAITING)
    assert await open_of(owner, invoice) == 1_200_000 - Money("1000").minor


def test_facts_are_the_same_again_after_they_were_written_down(currency: str) -> None:
    action = RecordPayment(CustomerId(1), Money.of_minor(1234567), "cheque", "1", NOW.date())

    text = written_facts(action, action.facts())

    # The gate counts minor units, and reads two decimals of them whatever the currency.
    assert json.loads(text)["money"] == "12345.67"
    assert read_facts(text) == action.facts()


def test_a_matrix_finer_than_the_currency_is_refused_with_its_line(yen: None) -> None:
    with pytest.raises(MatrixRefused, match="more than 0 decimals"):
        load(SHIPPED.read_text().replace("money_up_to: 50.00", "money_up_to: 50.50", 1))


async def test_what_is_owed_is_said_in_the_currency_of_the_books(atlas: Atlas, owner: Owner, yen: None) -> None:
    await keep_books_in(atlas, "JPY")
    async with atlas.transaction(executor("test")):
        code = await one(owner, "SELECT code FROM billing.currency")

    assert written(Money("35"), code) == "¥35"
