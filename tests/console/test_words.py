"""How facts read on a page."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

from atlas.catalogue.records import Phase, PriceComponent, Tier
from atlas.money import Money
from console.words import duration, filters, priced, sentence, speeds, spoken


def test_a_duration_is_said_in_the_unit_a_person_would_use() -> None:
    said = [duration(timedelta(seconds=seconds)) for seconds in (0.12, 3.4, 600, 9000, 400_000)]

    assert said == ["120 ms", "3.4 s", "10 min", "2 h 30 min", "4 days"]


def test_a_code_is_spoken_as_words() -> None:
    assert (spoken("issue_credits"), spoken("inProgress")) == ("issue credits", "in progress")


def test_an_event_without_a_sentence_of_its_own_is_said_from_its_figures() -> None:
    assert sentence(SimpleNamespace(kind="tickets_opened", detail={"tickets": 4})) == "Tickets opened: tickets 4"


def test_money_is_shown_with_the_operators_sign_and_its_minus_before_it() -> None:
    money = filters("GBP", "Europe/London")["money"]

    assert (money(Money("1560.00")), money(Money("-5.00"))) == ("£1,560.00", "-£5.00")


def test_a_price_is_said_with_how_often_its_discounts_what_is_included_and_its_tax() -> None:
    monthly = PriceComponent(1, "recurring", "Fibre", Money("30.00"), "standard", True, "in_advance", "", "", 1, 0, False, "graduated")
    calls = replace(monthly, kind="usage", amount=Money("0.12"), is_tax_inclusive=False, unit="second", per_units=60, allowance_units=600)
    trial = replace(monthly, phases=(Phase("trial", 1, Money("0.00")), Phase("discount", 3, Money("20.00"))), every_months=12)
    data = replace(calls, unit="MB", allowance_units=0, tiers=(Tier(1000, Money("0.01"), 1, Money("2.00")),))

    assert [priced(price, "GBP") for price in (monthly, calls, trial, data)] == [
        "£30.00 a month; with tax (standard)",
        "£0.12 for 60 seconds; 600 seconds included; without tax (standard)",
        "£30.00 a year; first 1 month at £0.00 (trial); then 3 months at £20.00 (discount); with tax (standard)",
        "above 1,000: £0.01 for 1 MB and £2.00 to begin with; without tax (standard)",
    ]


def test_speeds_are_said_in_megabits_and_below_one_in_kilobits() -> None:
    said = [speeds(down, up) for down, up in ((1_000_000, 1_000_000), (100_000, 2_500), (8_000, 512))]

    assert said == ["1,000 / 1,000 Mbit/s", "100 / 2.5 Mbit/s", "8,000 / 512 kbit/s"]
