"""The room of orders: what waits to be mended is seen with its step and its cause, and goes on from there when somebody says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.oms.records import OrderState
from forge.outside.recorded import RecordedProvisioner
from tests.given import Owner
from tests.oms.signups import Stubborn, Town, town
from tests.web import browsing
from tests.web.browsing import form_token, signed_in


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def fallen(atlas: Atlas, owner: Owner) -> tuple[Town, OrderId]:
    place = await town(atlas, owner)
    place.provisioner = Stubborn(RecordedProvisioner(atlas), {"activate"})
    order = await place.order()
    await place.round()
    return place, order


async def test_an_order_that_fell_out_goes_on_from_its_step_when_a_lead_says_so(
    browser: httpx.AsyncClient, atlas: Atlas, owner: Owner
) -> None:
    place, order = await fallen(atlas, owner)
    await signed_in(browser, owner, "Asha Patel", "noc_lead")
    listed, page = await browser.get("/orders"), await browser.get(f"/orders/{order}")

    place.provisioner = RecordedProvisioner(atlas)
    sent = {"token": await form_token(browser), "note": "the card was reseated", "serial": ""}
    answer = await browser.post(f"/orders/{order}/resume", data=sent)
    await place.round()

    assert "<b>activate</b> failed, downstream" in listed.text
    assert all(words in page.text for words in ("<b>connect</b>", "connect, credential", "acknowledged: fibre-100"))
    assert (answer.status_code, "is done." in answer.text) == (200, True)
    assert (await place.case(order)).state is OrderState.COMPLETED


async def test_somebody_who_leads_nothing_sees_an_order_and_changes_nothing(browser: httpx.AsyncClient, atlas: Atlas, owner: Owner) -> None:
    _, order = await fallen(atlas, owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = await browser.get(f"/orders/{order}")
    answer = await browser.post(f"/orders/{order}/resume", data={"token": await form_token(browser), "note": "no"})

    assert ("Go on from the step" in page.text, answer.status_code) == (False, 403)


async def test_an_order_that_is_not_there_is_not_found(browser: httpx.AsyncClient, owner: Owner) -> None:
    await signed_in(browser, owner, "Asha Patel", "noc_lead")

    assert (await browser.get("/orders/4711")).status_code == 404
