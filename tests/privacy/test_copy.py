"""The copy that a person may have: everything of theirs, and nothing of anybody else."""

import json

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.principal import customer
from forge.privacy import copy_for
from tests import given
from tests.billing.arranged import one
from tests.given import Owner
from tests.privacy.canaries import canaries_laid, canary, two_households


async def test_a_copy_holds_every_canary_of_its_person_and_none_of_the_neighbour(atlas: Atlas, owner: Owner) -> None:
    mine, theirs = await two_households(owner)
    laid = {number: {canary(number, *column) for column in await canaries_laid(owner, number)} for number in (mine, theirs)}

    copied = json.dumps(await copy_for(atlas, CustomerId(mine), "operator:test"), default=str)

    # Octets are secrets, hashes and the bill as a file, which is written in hexadecimal; no words of ours show there.
    missing = {words for words in laid[mine] if words not in copied}
    assert {words.rpartition(".")[2] for words in missing} <= {"code_mac", "digest", "seal", "digest_seen", "secret", "pdf"}
    assert {words for words in laid[theirs] if words in copied} == set()
    assert len(laid[mine]) >= 60


async def test_a_copy_says_first_in_short_what_there_is_and_why(atlas: Atlas, owner: Owner) -> None:
    mine, _ = await two_households(owner)

    copied = await copy_for(atlas, CustomerId(mine), "operator:test")

    about = {said["table"]: said for said in copied["summary"]}
    assert about["helpdesk.message"] == {
        "what": "what they and we said, and how we came to say it",
        "table": "helpdesk.message",
        "rows": 1,
        "kept_for": "730 days: complaints and their appeal",
    }
    assert list(copied) == ["format", "customer", "summary", "content"]


async def test_the_copy_of_a_landlord_has_their_buildings_and_nobody_elses_copy_has(atlas: Atlas, owner: Owner) -> None:
    landlord, tenant = await given.customer(owner, "Zinnia Zanzibar"), await given.customer(owner, "Quentin Quay")
    building = {"name": "Quay House", "landlord": "Zinnia Zanzibar", "landlord_id": landlord}
    await given.row(owner, "gis.building", area_id=await given.area(owner), **building)

    theirs, anothers = [await copy_for(atlas, CustomerId(one), "operator:test") for one in (landlord, tenant)]

    assert [one["name"] for one in theirs["content"]["gis.building"]] == ["Quay House"]
    assert "gis.building" not in anothers["content"]


async def test_no_customers_own_connection_reads_who_a_landlord_is(atlas: Atlas, owner: Owner) -> None:
    async with atlas.transaction(customer(CustomerId(await given.customer(owner)))) as conn:
        with pytest.raises(InsufficientPrivilege):
            await conn.execute("SELECT landlord FROM gis.building")


async def test_that_a_copy_was_taken_is_in_the_trail(atlas: Atlas, owner: Owner) -> None:
    mine, _ = await two_households(owner)

    await copy_for(atlas, CustomerId(mine), "operator:test")

    assert (
        await one(owner, "SELECT actor FROM actions.audit WHERE event = 'copied' AND (detail ->> 'customer')::bigint = %s", mine)
        == "operator:test"
    )


async def test_there_is_no_copy_of_nobody(atlas: Atlas) -> None:
    with pytest.raises(NotFound):
        await copy_for(atlas, CustomerId(4711), "operator:test")
