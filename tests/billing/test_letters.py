"""Whoever no channel reaches is written to on paper; a letter counts when it must have arrived, and then the ladder goes on."""

import csv
import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.billing.reads.dunning import chased, owing_and_unreachable
from atlas.connection import Atlas
from atlas.errors import Conflict, NotFound
from atlas.identity import CustomerId
from atlas.principal import executor
from forge.dunning import chase
from forge.invoices.letter import Sheet, letter_pdf
from forge.matrix_in_force import write_in_force
from forge.outbox import drain
from forge.outside.carriers import ByChannel
from forge.outside.paper import LETTER, PaperPost
from forge.outside.ports import Message, Never
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from forge.spool import came_back, count_as_delivered, hand_out, spooled
from forge.wording import LANGUAGES
from governance.dunning import SHIPPED, load
from governance.matrix import SHIPPED as MATRIX_FILE
from governance.matrix import load as load_matrix
from tests import given
from tests.billing.arranged import bill, customer_with_line, one
from tests.given import NOW, Owner, row
from tests.web import browsing

LADDER: Final = load(SHIPPED)
TODAY: Final = NOW.date()
DAYS: Final = 3
ALSO: Final = "SELECT count(*) FROM helpdesk.notice WHERE channel = 'letter' AND state = %s"


@pytest.fixture
async def posted_for_us(owner: Owner) -> None:
    await owner.execute("UPDATE billing.convention SET letter_days = %s", (DAYS,))


class NoLongerTheirs:
    """A carrier that every address is wrong for."""

    async def send(self, message: Message) -> str:
        raise Never(f"{message.channel}: no such number")

    async def find(self, message: Message) -> str | None:  # noqa: ARG002
        return None


async def in_debt(owner: Owner, days: int, phone: str | None = None, name: str = "Maya Patel", **columns: Any) -> CustomerId:
    customer, _ = await customer_with_line(owner, name, phone, **columns)
    due = TODAY - timedelta(days=days)
    await bill(owner, customer, due.replace(day=1), {"Fibre 100": 3500}, due_on=due)
    return customer


async def ready_to_be_warned(owner: Owner, phone: str | None = None, days: int = 30) -> CustomerId:
    """Everything before the warning was said."""
    customer = await in_debt(owner, days, phone)
    for step in ("reminder", "second-reminder", "final-notice"):
        taken = {"oldest_due_on": TODAY - timedelta(days=days), "owed_minor": 3500, "taken_at": NOW - timedelta(days=5)}
        await row(owner, "billing.dunning_step", customer_id=customer, step=step, action_id=await given.action(owner), **taken)
    return customer


async def a_night(atlas: Atlas, owner: Owner, at: datetime = NOW) -> None:
    """What the ladder says of that night, and what then goes out."""
    matrix = load_matrix(MATRIX_FILE)
    await write_in_force(owner, matrix)
    await count_as_delivered(atlas, at.date())
    await chase(Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: at, ZoneInfo("Europe/London")), LADDER)
    await owner.execute("UPDATE helpdesk.notice SET not_before = now() WHERE state = 'queued'")
    await drain(atlas, ByChannel({LETTER: PaperPost(atlas, "Harbour Broadband")}, NoLongerTheirs()))


async def told_from(atlas: Atlas, customer: CustomerId) -> date | None:
    async with atlas.transaction(executor("test")) as conn:
        (found,) = await chased(conn, TODAY, [customer])
    return found.cut_from


@pytest.mark.usefixtures("posted_for_us")
async def test_whoever_has_no_channel_is_reminded_and_warned_by_letter_to_the_premise_of_their_line(atlas: Atlas, owner: Owner) -> None:
    reminded, warned = await in_debt(owner, 4, name="Omar Haddad"), await ready_to_be_warned(owner)

    await a_night(atlas, owner)

    letters = await (await owner.execute("SELECT customer_id, purpose, address FROM helpdesk.notice WHERE channel = 'letter'")).fetchall()
    assert {(customer, purpose) for customer, purpose, _ in letters} == {(reminded, "reminder"), (warned, "suspension_notice")}
    assert {address.splitlines()[0] for *_, address in letters} == {"Omar Haddad", "Maya Patel"}
    assert all(address.endswith("Quay Street\nHarbour\nHB1 1AA") for *_, address in letters)
    assert await one(owner, "SELECT count(*) FROM helpdesk.letter WHERE posted_at IS NULL") == 2
    async with atlas.transaction(executor("test")) as conn:
        assert await owing_and_unreachable(conn, LADDER, NOW) == []


@pytest.mark.usefixtures("posted_for_us")
async def test_nobody_is_cut_off_before_the_letter_was_posted_and_its_days_are_over(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer = await ready_to_be_warned(owner)
    await a_night(atlas, owner)
    cut = await one(owner, "SELECT announced_for FROM billing.dunning_step WHERE step = 'told-from-when'")

    printed = await told_from(atlas, customer)
    posted_at = datetime(2026, 3, 5, 10, tzinfo=NOW.tzinfo)
    await hand_out(atlas, tmp_path / "post", posted_at)
    on_its_way = (await count_as_delivered(atlas, date(2026, 3, 9)), await told_from(atlas, customer))
    arrived = await count_as_delivered(atlas, date(2026, 3, 10))

    assert (printed, on_its_way, arrived) == (None, (0, None), 1)
    # Posted on a Thursday: Friday, Monday, Tuesday; and from then on as long as they would have had at once.
    assert await told_from(atlas, customer) == date(2026, 3, 10) + (cut - TODAY)


@pytest.mark.usefixtures("posted_for_us")
async def test_when_the_letter_counts_as_delivered_the_ladder_goes_on_to_the_cut(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await ready_to_be_warned(owner)
    await a_night(atlas, owner)
    await owner.execute("UPDATE crm.subscriber SET restricted_for = 'non_payment'")
    asked = "SELECT count(*) FROM actions.action WHERE name = 'suspend_for_non_payment'"
    await a_night(atlas, owner, NOW + timedelta(days=14))
    before = await one(owner, asked)
    await hand_out(atlas, tmp_path / "post", NOW + timedelta(days=14))

    await a_night(atlas, owner, NOW + timedelta(days=29))

    assert (before, await one(owner, asked)) == (0, 1)


@pytest.mark.usefixtures("posted_for_us")
async def test_a_letter_that_came_back_told_nobody(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer = await ready_to_be_warned(owner)
    await a_night(atlas, owner)
    (printed,) = await spooled(atlas)
    with pytest.raises(NotFound):
        await came_back(atlas, printed.reference, NOW)
    await hand_out(atlas, tmp_path / "post", NOW)
    await count_as_delivered(atlas, TODAY + timedelta(days=9))

    await came_back(atlas, printed.reference, NOW)

    async with atlas.transaction(executor("test")) as conn:
        (found,) = await owing_and_unreachable(conn, LADDER, NOW)
    assert (await told_from(atlas, customer), found.why, found.stops_cutting_off) == (None, "letter_came_back", True)


@pytest.mark.usefixtures("posted_for_us")
async def test_a_warning_that_no_channel_took_goes_by_letter_and_what_has_no_legal_effect_does_not(atlas: Atlas, owner: Owner) -> None:
    customer = await ready_to_be_warned(owner, "+447700900001")
    words = {
        "purpose": "outage",
        "key": "outage:1",
        "channel": "sms",
        "address": "+447700900001",
        "language": "en",
        "template": "outage.en",
    }
    await row(owner, "helpdesk.notice", customer_id=customer, words="no service", action_id=await given.action(owner), **words)

    await a_night(atlas, owner)

    by = await (await owner.execute("SELECT purpose, channel, state, tried FROM helpdesk.notice ORDER BY purpose")).fetchall()
    assert by == [("outage", "sms", "failed", []), ("suspension_notice", "letter", "sent", ["sms:+447700900001"])]


async def test_where_nobody_posts_letters_for_us_none_is_printed(atlas: Atlas, owner: Owner) -> None:
    await ready_to_be_warned(owner)

    await a_night(atlas, owner)

    assert await one(owner, "SELECT count(*) FROM helpdesk.letter") == 0


@pytest.mark.usefixtures("posted_for_us")
async def test_a_letter_is_printed_once_however_often_it_is_sent(atlas: Atlas, owner: Owner) -> None:
    await ready_to_be_warned(owner)
    await a_night(atlas, owner)
    key, address, words = await (await owner.execute("SELECT key, address, words FROM helpdesk.notice")).fetchone()
    paper = PaperPost(atlas, "Another name")
    before = await one(owner, "SELECT encode(digest, 'hex') FROM helpdesk.letter")

    again = await paper.send(Message(key, LETTER, address, words, NOW))

    assert again == await paper.find(Message(key, LETTER, address, words, NOW)) == (await spooled(atlas))[0].reference
    assert await one(owner, "SELECT encode(digest, 'hex') FROM helpdesk.letter") == before


@pytest.mark.usefixtures("posted_for_us")
async def test_the_spool_is_a_folder_of_letters_with_a_line_each_and_what_was_handed_out_is_not_written_over(
    atlas: Atlas, owner: Owner, tmp_path: Path
) -> None:
    await ready_to_be_warned(owner)
    await a_night(atlas, owner)

    handed = [await hand_out(atlas, tmp_path / "post", NOW), await hand_out(atlas, tmp_path / "post", NOW)]
    await owner.execute("UPDATE helpdesk.letter SET posted_at = NULL")
    with pytest.raises(Conflict, match="already"):
        await hand_out(atlas, tmp_path / "post", NOW)

    with (tmp_path / "post" / "index.csv").open(newline="", encoding="utf-8") as file:
        (line,) = csv.DictReader(file)
    pdf = (tmp_path / "post" / f"{line['id']}.pdf").read_bytes()
    assert handed == [1, 0]
    assert (line["address_1"], line["address_4"], line["address_6"], line["pages"]) == ("Maya Patel", "HB1 1AA", "", "1")
    assert line["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert pdf.startswith(b"%PDF-")
    assert await one(owner, "SELECT count(*) FROM helpdesk.letter WHERE posted_at IS NULL") == 1


@pytest.mark.usefixtures("posted_for_us")
async def test_a_letter_goes_to_the_premise_of_its_customer_and_nowhere_else(atlas: Atlas, owner: Owner) -> None:
    customer = await ready_to_be_warned(owner)
    await a_night(atlas, owner)

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(InsufficientPrivilege, match="at an address of theirs"):
            await conn.execute("UPDATE helpdesk.notice SET address = E'Somebody\\n1 Elsewhere' WHERE customer_id = %s", (customer,))


@pytest.mark.parametrize(
    ("posted", "days", "arrives"),
    [(date(2026, 3, 2), 1, date(2026, 3, 3)), (date(2026, 3, 6), 1, date(2026, 3, 9)), (date(2026, 4, 2), 2, date(2026, 4, 7))],
    ids=["the day after", "over a weekend", "over a holiday"],
)
async def test_working_days_leave_out_weekends_and_holidays(owner: Owner, posted: date, days: int, arrives: date) -> None:
    await owner.execute("INSERT INTO billing.holiday VALUES ('2026-04-03', 'Good Friday') ON CONFLICT DO NOTHING")

    assert await one(owner, "SELECT billing.working_day_after(%s, %s)", posted, days) == arrives


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_is_one_page_in_every_language_and_the_same_bytes_each_time(language: str) -> None:
    sheet = Sheet(
        ("Maya Patel", "Flat 2", "15 Forest Street", "Harbour", "HB1 1AA"), language, "About your bill", "Pay. " * 90, "C-1", TODAY
    )

    first, pages = letter_pdf(sheet, "Harbour Broadband")

    assert (pages, first, first[:5]) == (1, letter_pdf(sheet, "Harbour Broadband")[0], b"%PDF-")


@pytest.mark.usefixtures("posted_for_us")
async def test_staff_see_a_letter_where_they_see_what_was_sent_to_a_customer(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer = await ready_to_be_warned(owner)
    await a_night(atlas, owner)

    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as browser:
        await browsing.signed_in(browser, owner, "Nora Reed", "customer_care")
        page: httpx.Response = await browser.get(f"/customers/{customer}")

    assert "suspension notice · letter" in page.text.lower()
