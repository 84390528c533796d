from datetime import date

import pytest

from atlas import principal
from atlas.catalogue.rules.offers import NotOnSale
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import NotPermittedHere
from forge.actions.catalogue import RetireOffering
from tests import given
from tests.asking import asking
from tests.billing.arranged import customer_with_line
from tests.billing.billed import charged_line
from tests.given import Owner, member
from tools import catalogue


async def staff(owner: Owner) -> principal.Principal:
    return principal.staff(StaffId(await member(owner, "Dan Director", "operations_director")), "Dan Director", frozenset())


async def test_a_customer_is_shown_the_plans_of_their_own_kind_cheapest_first(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)
    await given.offering(owner, "fibre-50", 2500)
    await given.offering(owner, "business-100", 9000, segment="business")

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await catalogue.show_plans(turn)

    assert [(plan.code, plan.monthly) for plan in found] == [
        ("fibre-50", Money("25.00")),
        ("fibre-100", Money("30.00")),
        ("fibre-900", Money("45.00")),
    ]


@pytest.mark.parametrize(("at_least", "shown"), [("100", 1), ("0.1 Gbps", 1), ("101 Mbps", 0)])
async def test_plans_slower_than_what_is_asked_for_are_left_out(atlas: Atlas, owner: Owner, at_least: str, shown: int) -> None:
    customer, _ = await customer_with_line(owner)

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        assert len(await catalogue.show_plans(turn, at_least)) == shown


async def test_a_version_that_is_not_yet_sold_is_not_shown(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner, valid_from=date(2026, 3, 3))

    async with asking(atlas, principal.stranger()) as (turn, _):
        assert await catalogue.plans_on_sale(turn) == []


async def test_a_stranger_may_see_what_is_on_sale(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)

    async with asking(atlas, principal.stranger()) as (turn, _):
        assert [plan.code for plan in await catalogue.plans_on_sale(turn)] == ["fibre-100"]


async def test_staff_see_every_version_with_its_prices_and_subscribers(atlas: Atlas, owner: Owner) -> None:
    await customer_with_line(owner)

    async with asking(atlas, await staff(owner)) as (turn, _):
        page = await catalogue.show_offering(turn, "fibre-100")

    assert [(priced.version.subscribers, [price.amount for price in priced.prices]) for priced in page.versions] == [(1, [Money("30.00")])]


async def test_an_offering_nobody_knows_is_said_to_be_unknown(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, await staff(owner)) as (turn, _):
        with pytest.raises(NotFound, match="fibre-0"):
            await catalogue.show_offering(turn, "fibre-0")


async def test_retiring_an_offering_is_proposed_with_how_many_have_it(atlas: Atlas, owner: Owner) -> None:
    await customer_with_line(owner)

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        await catalogue.retire_offering(turn, "fibre-100")

    (action,) = proposed
    assert isinstance(action, RetireOffering)
    assert (action.code, action.customers) == ("fibre-100", 1)


async def test_an_offering_not_on_sale_is_not_proposed_for_retirement(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'obsolete'")

    async with asking(atlas, await staff(owner)) as (turn, _):
        with pytest.raises(NotOnSale):
            await catalogue.retire_offering(turn, "fibre-100")


async def test_the_catalogue_is_changed_by_staff_only(atlas: Atlas) -> None:
    async with asking(atlas, principal.customer(CustomerId(1))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await catalogue.retire_offering(turn, "fibre-100")


async def test_anybody_may_ask_what_a_plan_includes_by_name_or_code(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)

    async with asking(atlas, principal.stranger()) as (turn, _):
        found = await catalogue.what_plan_includes(turn, "Fibre-100")

        assert (found.services, [price.label for price in found.prices]) == (("internet_access",), ["fibre-100"])
        with pytest.raises(InvalidField, match="fibre-300"):
            await catalogue.what_plan_includes(turn, "fibre-300")


async def test_staff_see_what_a_new_price_would_do_and_nothing_changes(atlas: Atlas, owner: Owner) -> None:
    await charged_line(owner, await given.offering(owner), date(2026, 1, 1))

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        found = await catalogue.simulate_price(turn, "fibre-100", "31.50")
        defects = await catalogue.lint_catalogue(turn)

    assert (found.move.affected, found.move.delta, proposed, defects) == (1, Money("1.50"), [], [])


async def test_a_simulation_is_for_staff_only(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)

    async with asking(atlas, principal.stranger()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await catalogue.simulate_price(turn, "fibre-100", "31.50")
        with pytest.raises(NotPermittedHere):
            await catalogue.lint_catalogue(turn)
