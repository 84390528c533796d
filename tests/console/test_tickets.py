"""The room of one ticket: its clock as it stands, stopped and started by those who work it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from tests.given import Owner
from tests.itsm.test_clocks import request
from tests.web import browsing
from tests.web.browsing import posted, signed_in


@pytest.fixture
async def browser(atlas: Atlas, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing.browser((await browsing.site(atlas, tmp_path)).app) as client:
        yield client


async def test_care_stops_the_clock_of_a_ticket_and_lets_it_run_again(browser: httpx.AsyncClient, owner: Owner) -> None:
    ticket = await request(owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")

    stopped = await posted(browser, f"/tickets/{ticket}/pause", reason="access", note="the keys")
    goes_on = await posted(browser, f"/tickets/{ticket}/resume", note="they are here")

    assert (stopped.status_code, "the keys" in stopped.text, "It goes on" in stopped.text) == (200, True, True)
    assert (goes_on.status_code, "they are here" in goes_on.text, "Stop the clock" in goes_on.text) == (200, True, True)


async def test_a_clock_that_cannot_be_stopped_says_why(browser: httpx.AsyncClient, owner: Owner) -> None:
    ticket = await request(owner)
    await signed_in(browser, owner, "Nora Reed", "customer_care")
    await posted(browser, f"/tickets/{ticket}/pause", reason="access", note="the keys")

    again = await posted(browser, f"/tickets/{ticket}/pause", reason="access", note="the keys")

    assert (again.status_code, "stands still already" in again.text) == (200, True)
