"""The room of the glass: cables, their strands, and who goes dark where one is cut."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from tests.cmdb.glass import laid
from tests.given import Owner
from tests.web.browsing import browser, signed_in, site


@pytest.fixture
async def client(atlas: Atlas, owner: Owner, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    await laid(atlas, owner)
    async with browser((await site(atlas, tmp_path)).app) as opened:
        await signed_in(opened, owner, "Nora Reed", "noc_engineer")
        yield opened


async def test_the_cables_are_listed_with_what_is_spliced_of_each(client: httpx.AsyncClient) -> None:
    page = (await client.get("/glass")).text

    assert 'href="/glass/F-1"' in page
    assert "1 of 24" in page


async def test_a_cable_is_found_by_its_name_that_of_an_end_or_of_its_conduit(client: httpx.AsyncClient) -> None:
    found, missed = (await client.get("/glass", params={"find": "f-1"})).text, (await client.get("/glass", params={"find": "nowhere"})).text

    assert ("/glass/F-1" in found, "/glass/B-1" in found) == (True, False)
    assert "No cable is called so." in missed


async def test_each_strand_of_a_cable_says_its_colours_what_it_is_spliced_to_and_how_many_lines_it_reaches(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/glass/F-1")).text

    assert "Tube 2, orange" in page
    assert "B-1/1@from" in page
    assert 'href="/glass/F-1?cut=15"' in page


async def test_who_goes_dark_with_a_cut_is_listed_and_nothing_is_changed(client: httpx.AsyncClient, owner: Owner) -> None:
    page = (await client.get("/glass/F-1", params={"cut": "orange"})).text
    other = (await client.get("/glass/F-1", params={"cut": "blue"})).text

    assert "go dark" in page
    assert 'href="/customers/' in page
    assert "No live line has its light through these strands." in other


@pytest.mark.parametrize("cut", ["25", "puce", "1-99", "green"])
async def test_strands_that_the_cable_has_not_are_refused_by_name(client: httpx.AsyncClient, cut: str) -> None:
    answer = await client.get("/glass/F-1", params={"cut": cut})

    assert (answer.status_code, "has strands 1 to 24" in answer.text) == (422, True)


async def test_a_cable_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/glass/F-99")).status_code == 404
