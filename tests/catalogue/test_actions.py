import pytest

from atlas.catalogue.reads import plans_on_sale
from atlas.catalogue.rules.offers import NotOnSale
from atlas.connection import Atlas
from atlas.principal import executor
from forge.actions.catalogue import RetireOffering
from tests import carried, given
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner, row


async def offered(owner: Owner) -> tuple[int, int]:
    """The offering fibre-100 and its version."""
    version = await given.offering(owner)
    found = await (await owner.execute("SELECT offering_id FROM catalogue.offering_version WHERE id = %s", (version,))).fetchone()
    assert found is not None
    return int(found[0]), version


async def on_sale(atlas: Atlas) -> list[str]:
    async with atlas.transaction(executor("test")) as conn:
        return [plan.code for plan in await plans_on_sale(conn, NOW.date())]


async def test_a_retired_offering_is_no_longer_on_sale(atlas: Atlas, owner: Owner) -> None:
    offering, _ = await offered(owner)

    await carried.out(atlas, RetireOffering(offering, "fibre-100", 0), NOW)

    assert await on_sale(atlas) == []


async def test_customers_keep_what_was_retired_and_orders_in_flight_go_on(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    offering, version = await offered(owner)
    action = await given.action(owner)
    ordered = {"customer_id": customer, "subscriber_id": line, "kind": "modify", "offering_version_id": version, "action_id": action}
    await row(owner, "oms.product_order", **ordered)

    outcome = await carried.out(atlas, RetireOffering(offering, "fibre-100", 1), NOW)

    left = await (
        await owner.execute("SELECT s.state, o.state FROM crm.subscriber s JOIN oms.product_order o ON o.subscriber_id = s.id")
    ).fetchall()
    assert (outcome, left) == ({"offering": "fibre-100", "keep_it": 1, "orders_in_flight": 1}, [("active", "acknowledged")])


async def test_what_was_retired_before_cannot_be_retired_again(atlas: Atlas, owner: Owner) -> None:
    offering, _ = await offered(owner)
    await carried.out(atlas, RetireOffering(offering, "fibre-100", 0), NOW)

    with pytest.raises(NotOnSale):
        await carried.out(atlas, RetireOffering(offering, "fibre-100", 0), NOW)


async def test_a_customer_gained_while_it_waited_is_counted_again(atlas: Atlas, owner: Owner) -> None:
    offering, _ = await offered(owner)
    action = RetireOffering(offering, "fibre-100", 0)
    await customer_with_line(owner)

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await action.refreshed(conn, NOW)

    assert (refreshed.customers, refreshed.facts().customers) == (1, 1)


async def test_whoever_holds_an_add_on_is_counted_when_it_is_retired(atlas: Atlas, owner: Owner) -> None:
    _, line = await customer_with_line(owner)
    extra = await row(
        owner, "catalogue.offering", code="static-ip", name="Fixed address", technology="any", segment="residential", category="add_on"
    )
    version = await row(owner, "catalogue.offering_version", offering_id=extra, valid_from=NOW.date(), down_kbps=1, up_kbps=1)
    held = {"subscriber_id": line, "offering_version_id": version, "held_from": NOW.date(), "action_id": await given.action(owner)}
    await row(owner, "catalogue.add_on_held", **held)

    async with atlas.transaction(executor("test")) as conn:
        refreshed = await RetireOffering(extra, "static-ip", 0).refreshed(conn, NOW)

    assert refreshed.customers == 1
