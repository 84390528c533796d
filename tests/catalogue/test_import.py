"""Offerings come in by a door of their own: what cannot be sold is refused by the name of its field. DOMAIN.md 2.1 and its edges."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import yaml

from api.inbound.offerings import OfferingTaken, import_offerings, offerings_read
from atlas.catalogue.reads import access_policy_of, decomposition_of, defects, plans_on_sale, prices_of
from atlas.catalogue.records import Phase
from atlas.catalogue.rules.offers import NotDecomposable
from atlas.connection import Atlas
from atlas.errors import Conflict, InvalidField
from atlas.identity import CorrelationId, OfferingVersionId
from atlas.money import Money
from atlas.principal import executor
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load
from tests import carried, given
from tests.gis.test_files import colleague
from tests.given import NOW, Owner
from tests.oms.signups import MATRIX

FIBRE = {
    "code": "fibre-300",
    "name": "Fibre 300",
    "technology": "fibre",
    "segment": "residential",
    "from": NOW.date(),
    "down": "300 Mbps",
    "up": 50,
    "contract_months": 12,
    "services": ["internet_access"],
    "pool": "residential",
    "line_profile": "gpon-300",
    "prices": [
        {"label": "Fibre 300", "amount": "35.00", "tax": "standard", "discount": {"percent": 20, "months": 6}},
        {"label": "Setting up", "amount": "30.00", "kind": "one_off", "tax": "standard"},
    ],
}
ME = executor("test")


async def forge(atlas: Atlas) -> Forge:
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    return Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))


async def taken(atlas: Atlas, owner: Owner, *offerings: Mapping[str, Any], is_dry: bool = False) -> list[OfferingTaken]:
    text = yaml.safe_dump(list(map(dict, offerings)))
    return await import_offerings(await forge(atlas), await colleague(owner), text, CorrelationId(uuid4()), is_dry=is_dry)


async def launched(atlas: Atlas, owner: Owner, **changes: Any) -> OfferingVersionId:
    """As it is once somebody agreed to it."""
    await taken(atlas, owner, {**FIBRE, **changes})
    (kept,) = await (await owner.execute("SELECT arguments FROM actions.action WHERE name = 'define_offering'")).fetchall()
    action = Register.of_modules().decoded("define_offering", json.dumps(kept[0]))
    return OfferingVersionId((await carried.out(atlas, action, NOW))["version"])


async def test_a_new_offering_waits_for_somebody_else_and_nothing_is_sold_before(atlas: Atlas, owner: Owner) -> None:
    (one,) = await taken(atlas, owner, FIBRE)

    async with atlas.transaction(ME) as conn:
        assert (one.became, await plans_on_sale(conn, NOW.date())) == ("waiting", [])


async def test_an_offering_that_was_agreed_to_is_whole_its_prices_its_phases_its_parts_and_its_policy(atlas: Atlas, owner: Owner) -> None:
    version = await launched(atlas, owner)

    async with atlas.transaction(ME) as conn:
        prices = {price.label: (price.kind, price.amount, price.phases) for price in await prices_of(conn, version)}
        policy = await access_policy_of(conn, version)
        made_of = await decomposition_of(conn, version)
        wrong = await defects(conn, NOW.date())
    assert prices == {
        "Fibre 300": ("recurring", Money("35.00"), (Phase("discount", 6, Money("28.00")),)),
        "Setting up": ("one_off", Money("30.00"), ()),
    }
    assert (policy.rate_limit, policy.line_profile, made_of.rfs) == ("50000k/300000k", "gpon-300", ("gpon_access", "ip_session"))
    assert [one.kind for one in wrong] in ([], ["too_fast"])


PRICE = FIBRE["prices"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prices": [{**PRICE, "amount": "-1"}]}, "prices[0].amount"),
        ({"prices": [{**PRICE, "amount": "0"}]}, "prices[0].amount"),
        ({"prices": [{**PRICE, "amount": "9.999"}]}, "prices[0].amount"),
        ({"currency": "XXX"}, "prices[0].currency"),
        ({"prices": [{**PRICE, "tax": ""}]}, "prices[0].tax_category"),
        ({"prices": [{**PRICE, "tax": "luxury"}]}, "prices[0].tax_category"),
        ({"prices": [{**PRICE, "discount": {"percent": 20, "months": 13}}]}, "prices[0].phases"),
        ({"prices": [{**PRICE, "discount": {"percent": "100.01", "months": 6}}]}, "prices[0].percent"),
        ({"prices": [PRICE, PRICE]}, "prices[1].label"),
        ({"prices": [{**PRICE, "kind": "one_off", "discount": None}]}, "prices"),
        ({"prices": [{"label": "x"}]}, "prices[0].amount"),
        ({"prices": [{**PRICE, "charged": "sometime"}]}, "prices[0].charged"),
        ({"down": "fast"}, "down"),
        ({"from": NOW.date() - timedelta(days=1)}, "wanted_on"),
        ({"from": "soon"}, "from"),
        ({"technology": "copper"}, "technology"),
        ({"code": "Fibre 300!"}, "code"),
        ({"contract_months": "a year"}, "contract_months"),
        ({"colour": "blue"}, "colour"),
    ],
    ids=str,
)
async def test_an_offering_that_cannot_be_is_refused_by_the_name_of_its_field_and_the_next_is_asked_for(
    atlas: Atlas, owner: Owner, changes: dict[str, Any], field: str
) -> None:
    wrong, right = await taken(atlas, owner, {**FIBRE, **changes}, {**FIBRE, "code": "other"})

    assert (wrong.became, field in wrong.why, right.became) == ("wrong", True, "waiting")


@pytest.mark.parametrize(("written", "kbps"), [("1000", 1_000_000), ("1 Gbps", 1_000_000), (1000.5, 1_000_500)])
async def test_speed_1000_against_1_gbps_against_1000_5_is_kept_in_whole_kilobits(
    atlas: Atlas, owner: Owner, written: object, kbps: int
) -> None:
    version = await launched(atlas, owner, down=written)

    assert await (await owner.execute("SELECT down_kbps FROM catalogue.offering_version WHERE id = %s", (version,))).fetchone() == (kbps,)


async def test_what_nobody_could_deliver_is_not_put_on_sale(atlas: Atlas, owner: Owner) -> None:
    with pytest.raises(NotDecomposable):
        await launched(atlas, owner, services=["voice"])
    with pytest.raises(InvalidField, match="services"):
        await carried.out(atlas, await asked(atlas, owner, services=["teleport"]), NOW)

    assert await (await owner.execute("SELECT count(*) FROM catalogue.offering")).fetchone() == (0,)


async def asked(atlas: Atlas, owner: Owner, **changes: Any) -> Any:
    await taken(atlas, owner, {**FIBRE, "code": "another", **changes})
    found = await owner.execute("SELECT arguments FROM actions.action WHERE name = 'define_offering' ORDER BY id DESC LIMIT 1")
    (kept,) = await found.fetchall()
    return Register.of_modules().decoded("define_offering", json.dumps(kept[0]))


async def test_an_offering_there_is_already_is_not_made_again(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner, "fibre-300")

    with pytest.raises(Conflict, match="change its price, or retire it"):
        await launched(atlas, owner)


async def test_a_dry_run_asks_for_nothing(atlas: Atlas, owner: Owner) -> None:
    (one,) = await taken(atlas, owner, FIBRE, is_dry=True)

    assert (one.became, await (await owner.execute("SELECT count(*) FROM actions.action")).fetchone()) == ("would_be_asked", (0,))


@pytest.mark.parametrize("text", ["", "code: x", "- 1", "{"])
async def test_a_file_that_is_no_list_of_offerings_is_refused(atlas: Atlas, owner: Owner, text: str) -> None:
    with pytest.raises(InvalidField, match="file"):
        await import_offerings(await forge(atlas), ME, text, CorrelationId(uuid4()), is_dry=True)


def test_the_offering_that_the_readme_shows_is_one() -> None:
    shown = (Path(__file__).parents[2] / "api" / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]

    (one,) = offerings_read(shown, "GBP")

    assert (one.field, one.reason) == ("", "")
