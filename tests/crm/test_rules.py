from datetime import UTC, date, datetime, time

import pytest

from atlas.crm.records import Channel, Consent, Contact, Customer, Purpose, QuietHours
from atlas.crm.rules import (
    AddressShared,
    address_forms,
    checked_quiet_hours,
    checked_summary,
    contact_address,
    is_quiet,
    masked,
    may_use,
    quiet_until,
    the_only_one,
    way_to_reach,
)
from atlas.errors import InvalidField
from atlas.identity import ContactId, CustomerId


def somebody(state: str = "active") -> Customer:
    return Customer(CustomerId(1), "individual", "Maya Patel", "Maya", "en", "Europe/London", state, False, "", False, date(2024, 1, 1))


def contact(number: int, channel: Channel, *, preferred: bool = False, quiet: tuple[time, time] | None = None) -> Contact:
    start, end = quiet or (None, None)
    return Contact(ContactId(number), channel, "+447700900001", preferred, start, end)


@pytest.mark.parametrize("written", ["+447700900001", "00447700900001", "07700 900001", "(07700) 900-001", "whatsapp:+447700900001"])
def test_one_number_however_it_is_written_is_one_address(written: str) -> None:
    assert contact_address(written, "GB") == "+447700900001"


@pytest.mark.parametrize("written", ["+5511987654321", "+551187654321", "0055 11 8765-4321"])
def test_a_brazilian_mobile_is_kept_with_its_ninth_digit(written: str) -> None:
    assert contact_address(written, "GB") == "+5511987654321"


def test_a_brazilian_mobile_is_found_with_and_without_its_ninth_digit() -> None:
    assert address_forms(contact_address("+551187654321", "GB")) == ("+5511987654321", "+551187654321")


def test_a_brazilian_landline_gets_no_ninth_digit() -> None:
    assert address_forms(contact_address("+551132345678", "GB")) == ("+551132345678",)


def test_a_number_longer_than_its_country_has_them_today_is_kept() -> None:
    assert contact_address("+44 7700 900000 644", "GB") == "+447700900000644"


def test_a_mail_address_is_kept_in_lower_case() -> None:
    assert contact_address(" Maya@Example.COM ", "GB") == "maya@example.com"


@pytest.mark.parametrize("written", ["", "hello", "12", "maya@", "+4477009000011111111"])
def test_what_is_no_address_is_refused_by_the_name_of_its_field(written: str) -> None:
    with pytest.raises(InvalidField, match="address"):
        contact_address(written, "GB")


def test_an_address_that_two_customers_share_is_nobody_s() -> None:
    with pytest.raises(AddressShared):
        the_only_one([CustomerId(1), CustomerId(2)])


def test_an_address_that_nobody_has_is_nobody_s() -> None:
    assert the_only_one([]) is None


@pytest.mark.parametrize(("purpose", "allowed"), [(Purpose.SERVICE, True), (Purpose.BILLING, True), (Purpose.MARKETING, False)])
def test_unsaid_consent_is_yes_for_service_and_bills_and_no_for_marketing(purpose: Purpose, allowed: bool) -> None:
    assert may_use(somebody(), [], purpose, Channel.SMS) is allowed


def test_whoever_opted_out_of_a_channel_is_not_written_to_over_it() -> None:
    assert not may_use(somebody(), [Consent(Purpose.SERVICE, Channel.SMS, False)], Purpose.SERVICE, Channel.SMS)


def test_opting_out_of_one_channel_leaves_the_others() -> None:
    assert may_use(somebody(), [Consent(Purpose.SERVICE, Channel.SMS, False)], Purpose.SERVICE, Channel.WHATSAPP)


@pytest.mark.parametrize("purpose", [Purpose.BILLING, Purpose.MARKETING])
def test_somebody_who_died_is_neither_sold_anything_nor_asked_for_money(purpose: Purpose) -> None:
    agreed = [Consent(purpose, Channel.SMS, True)]

    assert not may_use(somebody("deceased"), agreed, purpose, Channel.SMS)


def test_the_preferred_contact_is_used_first() -> None:
    contacts = [contact(1, Channel.EMAIL), contact(2, Channel.SMS, preferred=True)]

    chosen = way_to_reach(somebody(), contacts, [], Purpose.SERVICE)

    assert chosen == contacts[1]


def test_a_preferred_contact_opted_out_of_gives_way_to_the_next() -> None:
    contacts = [contact(1, Channel.EMAIL), contact(2, Channel.SMS, preferred=True)]

    chosen = way_to_reach(somebody(), contacts, [Consent(Purpose.SERVICE, Channel.SMS, False)], Purpose.SERVICE)

    assert chosen == contacts[0]


def test_whoever_opted_out_of_everything_is_not_reached() -> None:
    stopped = [Consent(Purpose.SERVICE, Channel.SMS, False)]

    assert way_to_reach(somebody(), [contact(1, Channel.SMS)], stopped, Purpose.SERVICE) is None


@pytest.mark.parametrize(("hour", "quiet"), [(21, False), (22, True), (23, True), (3, True), (6, True), (7, False)])
def test_quiet_hours_may_cross_midnight(hour: int, quiet: bool) -> None:
    night = contact(1, Channel.SMS, quiet=(time(22), time(7)))

    assert is_quiet(night, "Europe/London", datetime(2026, 1, 15, hour, 30, tzinfo=UTC)) is quiet


def test_quiet_hours_are_meant_by_the_customers_own_clock() -> None:
    night = contact(1, Channel.SMS, quiet=(time(22), time(7)))

    assert is_quiet(night, "Asia/Kolkata", datetime(2026, 1, 15, 17, 0, tzinfo=UTC))


def test_what_may_not_be_sent_at_night_waits_for_the_morning_after() -> None:
    night = contact(1, Channel.SMS, quiet=(time(22), time(7)))

    ends = quiet_until(night, "Europe/London", datetime(2026, 1, 15, 23, 0, tzinfo=UTC))

    assert ends is not None
    assert ends.astimezone(UTC) == datetime(2026, 1, 16, 7, 0, tzinfo=UTC)


def test_the_end_of_quiet_hours_follows_a_change_of_the_clocks() -> None:
    night = contact(1, Channel.SMS, quiet=(time(22), time(7)))

    ends = quiet_until(night, "Europe/London", datetime(2026, 3, 28, 23, 0, tzinfo=UTC))

    assert ends is not None
    assert ends.astimezone(UTC) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


def test_quiet_hours_that_never_end_are_refused() -> None:
    with pytest.raises(InvalidField, match="quiet_hours"):
        checked_quiet_hours(QuietHours(time(8), time(8)))


def test_a_note_is_kept_on_one_line() -> None:
    assert checked_summary("  called\n about  the bill ") == "called about the bill"


@pytest.mark.parametrize("summary", ["", "   ", "x" * 501])
def test_an_empty_note_and_a_whole_letter_are_refused(summary: str) -> None:
    with pytest.raises(InvalidField, match="summary"):
        checked_summary(summary)


@pytest.mark.parametrize(("address", "shown"), [("+447700900001", "…001"), ("maya@example.com", "m…@example.com")])
def test_an_address_is_shown_so_that_only_its_owner_knows_it(address: str, shown: str) -> None:
    assert masked(address) == shown
