"""The catalogue's edges: what was sold does not change, nothing circular, nothing free, nothing that nobody could deliver."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from psycopg.errors import CheckViolation, ExclusionViolation, RestrictViolation

from atlas import principal
from atlas.catalogue.reads import access_policy_of, allowed_changes, decomposition_of, defects, eligible_offerings, prices_of, simulated
from atlas.catalogue.records import Attainable, Phase, PriceComponent, Relation
from atlas.catalogue.rules.offers import NotDecomposable, normalised_speed
from atlas.catalogue.rules.pricing import (
    AddOnUnfit,
    BundleHoldsItself,
    amount_on,
    checked_add_on,
    checked_amount,
    checked_bundle,
    checked_phases,
    checked_tax_category,
    discounted,
    lost_add_ons,
)
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import OfferingVersionId
from atlas.money import Money
from tests import given
from tests.billing.billed import charged_line
from tests.gis import arranged
from tests.given import NOW, Owner, row

TODAY = NOW.date()
ME = principal.executor("test")


def price(amount: str, *phases: Phase) -> PriceComponent:
    return PriceComponent(
        1, "recurring", "Fibre", Money(amount), "standard", False, "in_advance", "", "", 1, 0, False, "graduated", tuple(phases)
    )


async def test_edit_price_of_a_launched_version(owner: Owner) -> None:
    version = await given.offering(owner)

    for change in (
        "UPDATE catalogue.price SET amount_minor = 1",
        "DELETE FROM catalogue.price",
        "UPDATE catalogue.offering_version SET up_kbps = 1",
    ):
        with pytest.raises(RestrictViolation, match=f"version {version} was on sale"):
            await owner.execute(psycopg.sql.SQL(change))  # type: ignore[arg-type]


async def test_what_is_not_on_sale_yet_may_still_be_edited(owner: Owner) -> None:
    await given.offering(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")

    edited = await owner.execute("UPDATE catalogue.price SET amount_minor = 1")

    assert edited.rowcount == 1


async def test_overlapping_validity_of_two_versions(owner: Owner) -> None:
    await given.offering(owner, valid_from=date(2026, 1, 1))
    found = await (await owner.execute("SELECT id FROM catalogue.offering")).fetchone()
    assert found is not None

    with pytest.raises(ExclusionViolation):
        await row(owner, "catalogue.offering_version", offering_id=found[0], valid_from=date(2026, 5, 1), down_kbps=1, up_kbps=1)


async def test_bundle_contains_itself_cycle(owner: Owner) -> None:
    ids = [await row(owner, "catalogue.offering", code=code, name=code, technology="any", segment="residential") for code in "abc"]
    await row(owner, "catalogue.bundle_part", bundle_id=ids[0], part_id=ids[1])
    await row(owner, "catalogue.bundle_part", bundle_id=ids[1], part_id=ids[2])

    with pytest.raises(CheckViolation, match="would hold itself"):
        await row(owner, "catalogue.bundle_part", bundle_id=ids[2], part_id=ids[0])
    with pytest.raises(BundleHoldsItself, match="a > b > c > a"):
        checked_bundle("a", [("a", "b"), ("b", "c"), ("c", "a")])


@pytest.mark.parametrize(
    ("written", "currency", "field"),
    [
        ("-1", "GBP", "amount"),
        ("0", "GBP", "amount"),
        ("9.999", "GBP", "amount"),
        ("ten", "GBP", "amount"),
        ("NaN", "GBP", "amount"),
        ("10", "XXX", "currency"),
    ],
)
def test_negative_or_zero_price_three_decimals_or_unknown_currency(written: str, currency: str, field: str) -> None:
    with pytest.raises(InvalidField, match=field):
        checked_amount(written, currency, "GBP")


def test_tax_code_missing() -> None:
    with pytest.raises(InvalidField, match="tax_category"):
        checked_tax_category("", ["standard"])
    with pytest.raises(InvalidField, match="tax_category"):
        checked_tax_category("luxury", ["standard"])


def test_discount_longer_than_contract() -> None:
    with pytest.raises(InvalidField, match="13 months of discount"):
        checked_phases(price("30", Phase("discount", 13, Money("20"))), 12)


@pytest.mark.parametrize("percent", ["100.01", "0", "-5"])
def test_discount_greater_than_a_hundred_percent(percent: str) -> None:
    with pytest.raises(InvalidField, match="percent"):
        discounted(Money("30"), Decimal(percent), 6)


@pytest.mark.parametrize(("written", "kbps"), [("1000", 1_000_000), ("1 Gbps", 1_000_000), ("1000.5", 1_000_500)])
def test_speed_written_three_ways_is_whole_kilobits(written: str, kbps: int) -> None:
    assert normalised_speed(written) == kbps


def test_promo_ends_on_29_february() -> None:
    promo = price("30", Phase("discount", 3, Money("20")))

    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert [amount_on(promo, date(2023, 11, 29), day) for day in days] == [Money("20"), Money("30"), Money("30")]
    # Where there is no such day the last one takes its place: in a plain year the promotion ends with the 27th.
    assert [amount_on(promo, date(2022, 11, 29), day) for day in (date(2023, 2, 27), date(2023, 2, 28))] == [Money("20"), Money("30")]


def test_promo_ends_in_a_dst_gap() -> None:
    promo = price("30", Phase("discount", 1, Money("20")))

    # The clocks of London go forward on 29 March 2026: days are days, whatever the night between them is.
    days = [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    assert [amount_on(promo, date(2026, 2, 28), day) for day in days] == [Money("30"), Money("30"), Money("30")]
    assert [amount_on(promo, date(2026, 3, 1), day) for day in days] == [Money("20"), Money("20"), Money("20")]


RELATIONS = [Relation("tv", "requires", "F500"), Relation("tv", "excludes", "F80"), Relation("router", "included_in", "F900")]


def test_an_add_on_needs_what_it_requires_and_suffers_not_what_it_excludes() -> None:
    checked_add_on("tv", ["F500"], RELATIONS)
    for beside, said in ((["F150"], "needs F500"), (["F500", "F80"], "cannot be had beside F80")):
        with pytest.raises(AddOnUnfit, match=said):
            checked_add_on("tv", beside, RELATIONS)


def test_a_change_of_plan_ends_add_ons_that_no_longer_fit_or_come_with_it() -> None:
    assert lost_add_ons(["tv", "router"], "F900", RELATIONS) == ["tv", "router"]
    assert lost_add_ons(["tv", "router"], "F500", RELATIONS) == []


async def test_a_version_decomposes_into_services_and_needs_in_order(atlas: Atlas, owner: Owner) -> None:
    version = OfferingVersionId(await given.offering(owner))

    async with atlas.transaction(ME) as conn:
        made_of = await decomposition_of(conn, version)
        policy = await access_policy_of(conn, version)

    assert (made_of.cfs, made_of.rfs) == (("internet_access",), ("gpon_access", "ip_session"))
    needs = ["access_port", "cpe", "vlan", "ipv4", "ipv6_prefix", "radius_credential", "access_profile"]
    assert [need.kind for need in made_of.needed_at(has_drop=True)] == needs
    assert [need.kind for need in made_of.needed_at(has_drop=False)] == [*needs, "visit"]
    assert (policy.rate_limit, policy.line_profile) == ("20000k/100000k", "line-100000")


async def test_a_version_that_offers_nothing_is_not_decomposable(atlas: Atlas, owner: Owner) -> None:
    version = await given.offering(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")
    await owner.execute("DELETE FROM catalogue.offered_service")

    async with atlas.transaction(ME) as conn:
        with pytest.raises(NotDecomposable):
            await decomposition_of(conn, OfferingVersionId(version))


async def test_phases_and_tiers_come_with_their_price(atlas: Atlas, owner: Owner) -> None:
    version = await given.offering(owner)
    used = await row(
        owner,
        "catalogue.price",
        offering_version_id=version,
        kind="usage",
        label="Data",
        amount_minor=100,
        meter="data",
        unit="GB",
        allowance_units=50,
    )
    await row(owner, "catalogue.price_tier", price_id=used, from_units=0, amount_minor=100)
    await row(owner, "catalogue.price_tier", price_id=used, from_units=100, amount_minor=50)
    await owner.execute(
        "INSERT INTO catalogue.price_phase (price_id, ordinal, months, amount_minor)"
        " SELECT id, 1, 6, 2000 FROM catalogue.price WHERE kind = 'recurring'"
    )

    async with atlas.transaction(ME) as conn:
        data, monthly = await prices_of(conn, OfferingVersionId(version))

    assert (data.allowance_units, [tier.from_units for tier in data.tiers]) == (50, [0, 100])
    assert monthly.phases == (Phase("discount", 6, Money("20")),)


async def test_what_may_be_had_depends_on_technology_speed_segment_area_and_credit(atlas: Atlas, owner: Owner) -> None:
    area = await given.area(owner)
    await given.offering(owner, "fits")
    await given.offering(owner, "too-fast", down_kbps=900_000)
    await given.offering(owner, "air", technology="fixed_wireless")
    await given.offering(owner, "office", segment="business")
    await given.offering(owner, "elsewhere")
    await given.offering(owner, "solvent")
    await owner.execute("UPDATE catalogue.offering SET worst_credit_class = 'B' WHERE code = 'solvent'")
    other = await given.area(owner, "Hillside")
    await owner.execute(
        "INSERT INTO catalogue.sold_in (offering_id, area_id) SELECT id, %s FROM catalogue.offering WHERE code = 'elsewhere'", (other,)
    )

    async with atlas.transaction(principal.stranger()) as conn:
        found = await eligible_offerings(conn, TODAY, "residential", [Attainable("fibre", 500_000, 100_000)], area, "C")

    assert {each.terms.code: each.reasons for each in found} == {
        "fits": (),
        "too-fast": ("it needs 900 Mbps down and 20 Mbps up, and the line gives 500 Mbps down and 100 Mbps up",),
        "air": ("no fixed wireless reaches the premise",),
        "office": ("it is for business customers",),
        "elsewhere": ("it is not sold in this area",),
        "solvent": ("it is sold to credit class B and better, not C",),
    }


async def test_where_one_may_go_from_a_plan_is_named(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner, "one")
    await given.offering(owner, "two")
    await owner.execute(
        "INSERT INTO catalogue.plan_change (from_id, to_id, timing, fee_minor)"
        " SELECT one.id, two.id, 'next_bill', 500 FROM catalogue.offering AS one, catalogue.offering AS two"
        " WHERE one.code = 'one' AND two.code = 'two'"
    )

    async with atlas.transaction(ME) as conn:
        (change,), back = await allowed_changes(conn, "one"), await allowed_changes(conn, "two")

    assert (change.to_code, change.timing, change.fee, back) == ("two", "next_bill", Money("5"), [])


async def sold_well(owner: Owner) -> None:
    """Three subscribers: one on the version before, one in a discount, one within a contract."""
    old = await given.offering(owner, "fibre", 3000, contract_months=12)
    await charged_line(owner, old, date(2024, 1, 1))
    new = await given.repriced(owner, "fibre", 3500, date(2025, 12, 1))
    await owner.execute(
        "INSERT INTO catalogue.price_phase (price_id, ordinal, months, amount_minor)"
        " SELECT id, 1, 6, 2000 FROM catalogue.price WHERE offering_version_id = %s",
        (new,),
    )
    await charged_line(owner, new, date(2026, 1, 1))
    await charged_line(owner, new, date(2025, 6, 1))


async def test_a_change_of_price_is_simulated_on_real_subscriptions_to_the_cent(atlas: Atlas, owner: Owner) -> None:
    await sold_well(owner)

    async with atlas.transaction(ME) as conn:
        found = await simulated(conn, "fibre", "fibre", Money("36.25"), TODAY)

    # 30.00 and 35.00 become 36.25; whoever is in the first six months keeps paying 20.00.
    assert (found.move.subscribers, found.move.affected, found.move.breaches) == (3, 2, 1)
    assert (found.move.before, found.move.after, found.move.delta) == (Money("85"), Money("92.50"), Money("7.50"))
    assert [(one.label, one.before, one.after) for one in found.diff] == [("fibre", Money("35"), Money("36.25"))]


SEEDED = {
    "change_to_what_is_gone": "INSERT INTO catalogue.plan_change (from_id, to_id, timing) SELECT one.id, gone.id, 'immediate'"
    " FROM catalogue.offering AS one, catalogue.offering AS gone WHERE one.code = 'fibre-100' AND gone.lifecycle_status = 'retired'",
    "no_access_policy": "DELETE FROM catalogue.access_policy",
    "no_price": "DELETE FROM catalogue.price",
    "no_tax_code": "UPDATE catalogue.price SET tax_category = ''",
    "not_decomposable": "DELETE FROM catalogue.offered_service",
    "policy_differs": "UPDATE catalogue.access_policy SET rate_limit = '1k/1k'",
    "too_fast": "UPDATE catalogue.offering_version SET down_kbps = 9000000;"
    " UPDATE catalogue.access_policy SET rate_limit = '20000k/9000000k'",
}


@pytest.mark.parametrize("kind", [*SEEDED, "none"])
async def test_one_defect_of_each_kind_seeded_exactly_that_is_listed(atlas: Atlas, owner: Owner, kind: str) -> None:
    await arranged.splitter(owner)
    await given.offering(owner)
    await row(owner, "catalogue.offering", code="gone", name="gone", technology="fibre", segment="residential", lifecycle_status="retired")
    # Damage that no door of ours lets in: an import of old.
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design' WHERE code = 'fibre-100'")
    if kind in SEEDED:
        await owner.execute(SEEDED[kind].encode())
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'launched' WHERE code = 'fibre-100'")

    async with atlas.transaction(ME) as conn:
        found = await defects(conn, TODAY)

    assert [(one.kind, one.code) for one in found] == ([(kind, "fibre-100")] if kind in SEEDED else [])
