"""The room of a customer: what they have beside their plan, ordered and ended by those who serve them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from tests.billing.arranged import customer_with_line
from tests.given import Owner
from tests.oms.add_ons import add_on, related
from tests.web import browsing
from tests.web.browsing import posted, signed_in


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def test_care_orders_an_add_on_for_a_customer_and_sees_its_order(browser: httpx.AsyncClient, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await add_on(owner, "static-ip")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = await posted(browser, f"/customers/{customer}/add-ons", add_on="static-ip", line=str(line))

    order = await (await owner.execute("SELECT kind, state FROM oms.product_order")).fetchone()
    assert (page.status_code, order) == (200, ("add_on", "acknowledged"))
    assert "is open" in page.text


async def test_what_the_line_cannot_have_is_refused_with_its_reason(browser: httpx.AsyncClient, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await add_on(owner, "static-ip")
    await related(owner, "static-ip", "included_in", "fibre-100")
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    page = await posted(browser, f"/customers/{customer}/add-ons", add_on="static-ip", line=str(line))

    assert (page.status_code, "included in fibre-100" in page.text) == (409, True)


async def test_whoever_does_not_serve_customers_is_offered_no_order(browser: httpx.AsyncClient, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await add_on(owner, "static-ip")
    await signed_in(browser, owner, "Otto Watch", "noc_engineer")

    page = await browser.get(f"/customers/{customer}")

    assert ("Static Ip" in page.text, "add-ons" in page.text) == (True, False)
