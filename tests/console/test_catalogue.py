"""The room of the catalogue: everything that is sold and had, what is wrong with it, and a change of price before anybody asks for it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from atlas.money import Money
from tests import given
from tests.billing.arranged import customer_with_line, one
from tests.billing.billed import charged_line
from tests.given import Owner
from tests.web import browsing
from tests.web.browsing import posted, signed_in

TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date()


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def related(owner: Owner, code: str, kind: str, other: str) -> None:
    await owner.execute(
        "INSERT INTO catalogue.relation (offering_id, kind, other_id)"
        " SELECT one.id, %s, other.id FROM catalogue.offering AS one, catalogue.offering AS other WHERE one.code = %s AND other.code = %s",
        (kind, code, other),
    )


async def fibre_sold_to_two(owner: Owner) -> None:
    """Fibre at 30.00 and later at 35.00, of which the first six months 20.00; one line on each, the older one past any contract."""
    old = await given.offering(owner, "fibre", 3000)
    await charged_line(owner, old, date(2025, 2, 2))
    new = await given.repriced(owner, "fibre", 3500, date(2025, 12, 1))
    await owner.execute(
        "INSERT INTO catalogue.price_phase (price_id, ordinal, months, amount_minor)"
        " SELECT id, 1, 6, 2000 FROM catalogue.price WHERE offering_version_id = %s",
        (new,),
    )
    await charged_line(owner, new, date(2025, 12, 5))
    await owner.execute(
        "UPDATE crm.subscriber SET offering_version_id = charge.offering_version_id"
        "  FROM billing.charge WHERE charge.subscriber_id = subscriber.id"
    )


async def test_every_offering_is_listed_with_what_it_costs_and_how_many_lines_have_it_those_off_sale_last(
    browser: httpx.AsyncClient, owner: Owner
) -> None:
    await customer_with_line(owner)
    await given.offering(owner, "cable-50", 2000, technology="docsis", down_kbps=50_000)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired' WHERE code = 'cable-50'")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/catalogue")).text

    fibre = page[page.index('href="/catalogue/fibre-100"') :]
    assert all(words in fibre[: fibre.index("</tr>")] for words in ("100 / 20 Mbit/s", "£30.00", 'data-label="Lines">1<'))
    assert page.index("fibre-100") < page.index("cable-50")
    assert "2 offerings, 1 on sale" in page


async def test_an_offering_shows_every_version_with_its_days_discounts_and_lines(browser: httpx.AsyncClient, owner: Owner) -> None:
    await fibre_sold_to_two(owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/catalogue/fibre")).text

    newer, older = page.split('<div class="between">')[1:3]
    assert all(words in newer for words in ("from 2025-12-01", "sold today", "<b>1</b>", "£35.00 a month; first 6 months at £20.00"))
    assert all(words in older for words in ("until before 2025-12-01", "<b>1</b>", "£30.00 a month"))


async def test_lines_that_hold_an_add_on_are_counted_on_its_version(browser: httpx.AsyncClient, owner: Owner) -> None:
    _, line = await customer_with_line(owner)
    version = await given.offering(owner, "films", 900)
    await owner.execute("UPDATE catalogue.offering SET category = 'add_on' WHERE code = 'films'")
    held = {"subscriber_id": line, "offering_version_id": version, "held_from": date(2026, 1, 1)}
    await given.row(owner, "catalogue.add_on_held", action_id=await given.action(owner), **held)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    listed, page = (await browser.get("/catalogue")).text, (await browser.get("/catalogue/films")).text

    films = listed[listed.index('href="/catalogue/films"') :]
    assert 'data-label="Lines">1<' in films[: films.index("</tr>")]
    assert '<b>1</b> <span class="quiet small">line<' in page


async def test_what_requires_and_what_excludes_is_said_on_both_sides(browser: httpx.AsyncClient, owner: Owner) -> None:
    for code in ("fibre-100", "films", "sport"):
        await given.offering(owner, code)
    await related(owner, "films", "requires", "fibre-100")
    await related(owner, "films", "excludes", "sport")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    listed, films, sport = [(await browser.get(f"/catalogue{path}")).text for path in ("", "/films", "/sport")]

    assert '<span class="quiet">excludes</span> <a href="/catalogue/sport">' in listed
    assert '<dt>Requires</dt><dd><a href="/catalogue/fibre-100">' in films
    assert '<dt>Excluded by</dt><dd><a href="/catalogue/films">' in sport


async def test_what_lint_finds_on_what_somebody_has_is_named_with_its_offering(browser: httpx.AsyncClient, owner: Owner) -> None:
    await customer_with_line(owner)
    await owner.execute("DELETE FROM catalogue.access_policy")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    listed, page = (await browser.get("/catalogue")).text, (await browser.get("/catalogue/fibre-100")).text

    assert all("has no access policy" in text for text in (listed, page))


async def test_a_price_is_simulated_to_the_penny_and_nothing_is_asked_for(browser: httpx.AsyncClient, owner: Owner) -> None:
    await fibre_sold_to_two(owner)
    before = await one(owner, "SELECT count(*) FROM actions.action")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = await browser.get("/catalogue/fibre", params={"monthly": "36.25", "day": "2026-03-02"})

    assert all(words in page.text for words in ("£35.00 → <b>£36.25</b>", "2 lines, 1 of them", "£50.00 → <b>£56.25</b>", "(+£6.25)"))
    assert "asked of the agents" in page.text
    assert await one(owner, "SELECT count(*) FROM actions.action") == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"monthly": "1E+9999"}, "more than any price"),
        ({"monthly": "<b>"}, "is no amount"),
        ({"monthly": "36.25", "day": "tomorrow"}, "is no day"),
        ({"monthly": "36.25", "day": "2001-01-01"}, "recurring prices"),
        ({"monthly": "35.00"}, "costs 35.00 already"),
    ],
)
async def test_a_price_or_day_that_makes_no_sense_is_said_to_on_the_page_of_the_offering(
    browser: httpx.AsyncClient, owner: Owner, asked: dict[str, str], said: str
) -> None:
    await fibre_sold_to_two(owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    answer = await browser.get("/catalogue/fibre", params=asked)

    assert (answer.status_code, said in answer.text, "Versions, the newest first" in answer.text) == (422, True, True)


async def test_a_lead_asks_for_a_price_here_and_it_waits_for_people(browser: httpx.AsyncClient, owner: Owner) -> None:
    await fibre_sold_to_two(owner)
    await signed_in(browser, owner, "Petra Lang", "billing_lead")

    answer = await posted(browser, "/catalogue/fibre/price", monthly="36.25", day=TOMORROW.isoformat())

    asked = "SELECT state FROM actions.action WHERE name = 'change_price' AND arguments ->> 'after' = '36.25'"
    assert (answer.status_code, "is waiting." in answer.text) == (200, True)
    assert await one(owner, asked) == "waiting"
    assert await one(owner, "SELECT max(amount_minor) FROM catalogue.price") == Money("35.00").minor


async def test_a_lead_asks_to_take_an_offering_off_sale_and_it_stays_until_people_agree(browser: httpx.AsyncClient, owner: Owner) -> None:
    await customer_with_line(owner)
    await signed_in(browser, owner, "Petra Lang", "billing_lead")

    answer = await posted(browser, "/catalogue/fibre-100/retire")

    assert (answer.status_code, "is waiting." in answer.text) == (200, True)
    assert await one(owner, "SELECT lifecycle_status FROM catalogue.offering") == "launched"


async def test_what_is_off_sale_gets_no_new_price(browser: httpx.AsyncClient, owner: Owner) -> None:
    await fibre_sold_to_two(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired'")
    await signed_in(browser, owner, "Petra Lang", "billing_lead")

    page = (await browser.get("/catalogue/fibre", params={"monthly": "36.25"})).text
    answer = await posted(browser, "/catalogue/fibre/price", monthly="36.25", day=TOMORROW.isoformat())

    assert ("Ask to sell it" in page, answer.status_code, "is retired" in answer.text) == (False, 409, True)


async def test_somebody_who_leads_nothing_sees_the_catalogue_and_changes_nothing(browser: httpx.AsyncClient, owner: Owner) -> None:
    await fibre_sold_to_two(owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = (await browser.get("/catalogue/fibre", params={"monthly": "36.25"})).text
    answers = [await posted(browser, f"/catalogue/fibre/{what}", monthly="36.25") for what in ("price", "retire")]

    assert ("Ask to" in page, [answer.status_code for answer in answers]) == (False, [403, 403])


async def test_an_offering_that_is_not_there_is_not_found(browser: httpx.AsyncClient, owner: Owner) -> None:
    await signed_in(browser, owner, "Petra Lang", "billing_lead")

    assert (await browser.get("/catalogue/copper")).status_code == 404
    assert (await posted(browser, "/catalogue/copper/retire")).status_code == 404


async def test_an_empty_catalogue_says_where_offerings_come_from(browser: httpx.AsyncClient, owner: Owner) -> None:
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    assert "The catalogue is empty" in (await browser.get("/catalogue")).text
