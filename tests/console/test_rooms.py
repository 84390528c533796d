"""The staff's door: who gets in, what they may rule on, and what a page never does."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from console.sign_in import local
from tests import given
from tests.web import browsing
from tests.web.browsing import PASSWORD, hired, signed_in


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def test_nobody_sees_a_page_without_signing_in(browser: httpx.AsyncClient) -> None:
    answers = [await browser.get(path) for path in ("/incidents", "/approvals", "/customers", "/incidents/1", "/customers/1")]

    assert [(answer.status_code, answer.headers["location"].partition("?")[0]) for answer in answers] == [(303, "/sign-in")] * 5


async def test_a_region_asked_for_without_signing_in_is_refused_and_says_only_that(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/approvals/list", headers={"X-Region": "1"})

    assert (answer.status_code, answer.json()["detail"]) == (401, "nobody is signed in")


async def test_someone_who_works_here_gets_in_and_out_again(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Helen Brooks", "billing_lead")
    inside = await browser.get("/incidents")

    await browser.post("/sign-out", data={"token": browsing.token_in(inside)})

    assert "All quiet." in inside.text
    assert (await browser.get("/incidents")).status_code == 303


async def test_a_form_from_another_site_is_refused(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")

    answer = await browser.post(
        "/sign-in", data={"email": "helen.brooks@example.com", "password": PASSWORD}, headers={"Origin": "https://elsewhere.test"}
    )

    assert answer.status_code == 403


async def test_a_form_of_another_session_is_refused(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Helen Brooks", "billing_lead")

    answer = await browser.post("/approvals/1", data={"token": "0" * 64, "digest": "00", "answer": "approve"})

    assert answer.status_code == 403


async def test_a_page_loads_nothing_from_elsewhere_and_is_framed_nowhere(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Helen Brooks", "billing_lead")

    page = await browser.get("/incidents")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http://" not in page.text.replace('xmlns="http://www.w3.org/2000/svg"', "")


async def test_a_name_that_is_markup_is_shown_as_text(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Helen Brooks", "billing_lead")
    customer = await given.customer(owner, "<script>alert(1)</script>", "+447700900001")

    page = await browser.get(f"/customers/{customer}")

    assert "<script>alert(1)</script>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


async def test_an_incident_that_is_not_there_is_said_to_be_missing(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Asha Patel", "noc_lead")

    answer = await browser.get("/incidents/404404")

    assert (answer.status_code, "there is no incident 404404" in answer.text) == (404, True)


@pytest.mark.parametrize("path", ["//elsewhere.test", "https://elsewhere.test", "/\\elsewhere.test", "javascript:alert(1)"])
def test_signing_in_leads_to_a_page_of_ours_whatever_the_address_asks(path: str) -> None:
    assert local(path) == "/incidents"


async def test_what_no_alarm_says_and_somebody_must_look_at_is_on_the_board(browser: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(browser, owner, "Nora Reed", "noc_engineer")
    opened = await given.action(owner, "open_problem")
    await owner.execute('UPDATE actions.action SET arguments = \'{"about": "pool:1"}\' WHERE id = %s', (opened,))
    ticket = {"kind": "problem", "impact": 2, "urgency": 1, "title": "harbour-v4 will lack 4 numbers", "action_id": opened}
    await given.row(owner, "itsm.ticket", **ticket, opened_at=given.NOW)

    assert "harbour-v4 will lack 4 numbers" in (await browser.get("/incidents")).text
