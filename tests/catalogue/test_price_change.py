"""A change of price: a new version that people agree to, and what it comes to on the very next bills, to the cent."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas import principal
from atlas.actions.records import ActionState
from atlas.catalogue.reads import offering_page, simulated
from atlas.catalogue.rules.offers import NotOnSale
from atlas.connection import Atlas
from atlas.errors import Conflict, InvalidField
from atlas.identity import StaffId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.catalogue import ChangePrice, MoveToCurrentPrice
from forge.approvals import waiting_for
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import carried, given
from tests.asking import asking
from tests.billing.arranged import one
from tests.billing.billed import billed, charge, charged_line, drafted
from tests.given import NOW, Owner
from tests.layers.test_governed_modules import asked
from tools import catalogue

TODAY = NOW.date()
DEARER = Money("36.25")


async def sold_to_five(owner: Owner, contract_months: int = 0, *, is_tax_inclusive: bool = False) -> list[int]:
    """Five lines of fibre, billed on today's day of the month: 35.00, of which the first six months 20.00; one on the version before."""
    old = await given.offering(owner, "fibre", 3000, contract_months=contract_months)
    first = (await charged_line(owner, old, date(2025, 2, 2), cycle_day=TODAY.day))[0]
    new = await given.repriced(owner, "fibre", 3500, date(2025, 12, 1))
    await owner.execute(
        "INSERT INTO catalogue.price_phase (price_id, ordinal, months, amount_minor)"
        " SELECT id, 1, 6, 2000 FROM catalogue.price WHERE offering_version_id = %s",
        (new,),
    )
    if is_tax_inclusive:
        await edited(owner, "UPDATE catalogue.price SET is_tax_inclusive = true")
    # Past the discount, within it, at its very end, and suspended: all of them are billed, each at its own price.
    started = (date(2025, 8, 20), date(2026, 1, 9), date(2025, 9, 2), date(2025, 4, 2))
    rest = [(await charged_line(owner, new, day, cycle_day=TODAY.day))[0] for day in started]
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'voluntary' WHERE customer_id = %s", (rest[-1],))
    await billed(owner, TODAY - timedelta(days=3), first, *rest)
    return [first, *rest]


async def edited(owner: Owner, statement: str) -> None:
    """What is on sale changed behind everybody's back: only while it is being designed may it be."""
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_design'")
    await owner.execute(statement.encode())
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'launched'")


async def next_run(owner: Owner, customers: list[int]) -> int:
    """What a run of today puts on their bills from today on, in minor units as their prices are written; it leaves no trace."""
    async with owner.transaction(force_rollback=True):
        run = await drafted(owner, TODAY, *customers)
        return int(
            await one(
                owner,
                "SELECT coalesce(sum(amount_minor + CASE WHEN is_tax_inclusive THEN tax_minor ELSE 0 END), 0)"
                "  FROM billing.invoice_line JOIN billing.invoice ON invoice.id = invoice_id"
                " WHERE run_id = %s AND invoice_line.period_from >= %s",
                run,
                TODAY,
            )
        )


async def repriced(atlas: Atlas, amount: Money = DEARER) -> ChangePrice:
    async with atlas.transaction(executor("test")) as conn:
        return await ChangePrice.of(conn, "fibre", "fibre", amount, TODAY, NOW)


async def move(atlas: Atlas) -> MoveToCurrentPrice:
    async with atlas.transaction(executor("test")) as conn:
        return await MoveToCurrentPrice.of(conn, "fibre", TODAY)


@pytest.mark.parametrize("is_tax_inclusive", [False, True])
async def test_the_simulated_delta_is_the_delta_of_the_next_bill_run_to_the_cent(
    atlas: Atlas, owner: Owner, is_tax_inclusive: bool
) -> None:
    customers = await sold_to_five(owner, is_tax_inclusive=is_tax_inclusive)
    before = await next_run(owner, customers)
    async with atlas.transaction(executor("test")) as conn:
        simulation = await simulated(conn, "fibre", "fibre", DEARER, TODAY)

    await carried.out(atlas, await repriced(atlas), NOW)
    unmoved = await next_run(owner, customers)
    moving = await move(atlas)
    outcome = await carried.out(atlas, moving, NOW)
    moved = await next_run(owner, customers)

    assert (unmoved, moving.lines, moving.bound) == (before, 5, 0)
    assert moved - before == simulation.move.delta.minor == (moving.after - moving.before).minor
    # 30.00 and three times 35.00 rise to 36.25; whoever is in their first six months goes on paying 20.00.
    assert (simulation.move.delta, outcome["a_month"]) == (Money("10.00"), "10.00")


async def test_whoever_is_bound_by_contract_and_would_pay_more_stays_and_the_bill_agrees(atlas: Atlas, owner: Owner) -> None:
    customers = await sold_to_five(owner, contract_months=12)
    before = await next_run(owner, customers)
    await carried.out(atlas, await repriced(atlas), NOW)
    moving = await move(atlas)

    outcome = await carried.out(atlas, moving, NOW)

    # Past their year is the first alone; in their first six months somebody pays no more than before.
    assert (outcome["lines"], outcome["stay"]) == (2, 3)
    assert await next_run(owner, customers) - before == (moving.after - moving.before).minor == 625


async def test_existing_customers_stay_on_the_version_they_bought_and_new_orders_get_the_new_one(atlas: Atlas, owner: Owner) -> None:
    await sold_to_five(owner)

    outcome = await carried.out(atlas, await repriced(atlas), NOW)

    async with atlas.transaction(executor("test")) as conn:
        versions = (await offering_page(conn, "fibre")).versions
    assert [(each.prices[0].amount, each.version.valid_to) for each in versions[:2]] == [(DEARER, None), (Money("35.00"), TODAY)]
    assert (outcome["keep_their_version"], versions[0].version.id, versions[0].version.valid_from) == (5, outcome["version"], TODAY)


async def test_the_new_version_gives_all_that_the_old_one_gave(atlas: Atlas, owner: Owner) -> None:
    await sold_to_five(owner)
    compared = (
        "SELECT ARRAY[down_kbps::text, contract_months::text,"
        " (SELECT count(*)::text FROM catalogue.price_phase AS phase JOIN catalogue.price ON price.id = phase.price_id"
        "   WHERE price.offering_version_id = version.id),"
        " (SELECT count(*)::text FROM catalogue.offered_service WHERE offering_version_id = version.id),"
        " (SELECT rate_limit || address_pool FROM catalogue.access_policy WHERE offering_version_id = version.id)]"
        " FROM catalogue.offering_version AS version WHERE id = %s"
    )

    outcome = await carried.out(atlas, await repriced(atlas), NOW)

    replaced = await one(owner, "SELECT id FROM catalogue.offering_version WHERE valid_to = %s", TODAY)
    assert await one(owner, compared, outcome["version"]) == await one(owner, compared, replaced)


async def test_a_discount_goes_on_for_whoever_is_moved_and_begins_again_for_nobody(atlas: Atlas, owner: Owner) -> None:
    await sold_to_five(owner)
    await carried.out(atlas, await repriced(atlas), NOW)
    await carried.out(atlas, await move(atlas), NOW)

    found = await (
        await owner.execute("SELECT phased_from FROM billing.charge WHERE ends_on IS NULL AND starts_on = %s ORDER BY 1", (TODAY,))
    ).fetchall()

    assert [each[0] for each in found] == [date(2025, 2, 2), date(2025, 4, 2), date(2025, 8, 20), date(2025, 9, 2), date(2026, 1, 9)]


async def test_a_line_of_another_speed_is_not_moved_by_a_price(atlas: Atlas, owner: Owner) -> None:
    old = await given.offering(owner, "fibre", 3000)
    await charged_line(owner, old, date(2025, 2, 2))
    new = await given.repriced(owner, "fibre", 3500, date(2025, 12, 1))
    await charged_line(owner, new, date(2026, 1, 2))
    await owner.execute("UPDATE catalogue.access_policy SET rate_limit = '1k/1k' WHERE offering_version_id = %s", (old,))
    await carried.out(atlas, await repriced(atlas), NOW)

    moving = await move(atlas)

    assert (moving.lines, moving.other_service) == (1, 1)


async def test_a_line_gained_while_it_waited_is_counted_again(atlas: Atlas, owner: Owner) -> None:
    await sold_to_five(owner)
    await carried.out(atlas, await repriced(atlas), NOW)
    moving = await move(atlas)
    version = await one(owner, "SELECT id FROM catalogue.offering_version WHERE valid_to = %s", TODAY)
    await charged_line(owner, version, date(2025, 1, 1), name="Another One")

    with pytest.raises((Conflict, InsufficientPrivilege), match=r"6 lines would be moved, not 5|was judged for 5 customers"):
        await carried.out(atlas, moving, NOW)
    async with atlas.transaction(executor("test")) as conn:
        assert (await moving.refreshed(conn, NOW)).lines == 6
    assert await one(owner, "SELECT count(*) FROM billing.charge WHERE starts_on = %s", TODAY) == 0


@pytest.mark.parametrize(
    ("amount", "day", "field"),
    [("36.25", TODAY - timedelta(days=1), "wanted_on"), ("35.00", TODAY, "amount"), ("19.99", TODAY, "phases")],
    ids=["a day that is over", "the price it has", "below its own discount"],
)
async def test_a_price_that_cannot_be_is_refused_with_its_field(atlas: Atlas, owner: Owner, amount: str, day: date, field: str) -> None:
    await sold_to_five(owner)

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(InvalidField) as refused:
            await ChangePrice.of(conn, "fibre", "fibre", Money(amount), day, NOW)

    assert refused.value.field == field


async def test_a_price_is_changed_of_what_is_on_sale_and_billed_by_the_month_only(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner, "fibre", 3000)

    await edited(owner, "UPDATE catalogue.price SET every_months = 12")
    with pytest.raises(InvalidField, match="not billed by the month"):
        await repriced(atlas)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired'")
    with pytest.raises(NotOnSale):
        await repriced(atlas)


async def test_two_changes_of_one_day_do_not_both_become_the_price(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner, "fibre", 3000)
    first, second = await repriced(atlas), await repriced(atlas, Money("40.00"))
    await carried.out(atlas, first, NOW)

    with pytest.raises(Conflict):
        await carried.out(atlas, second, NOW)

    assert await one(owner, "SELECT count(*) FROM catalogue.offering_version") == 2


async def test_nobody_to_move_is_said_and_an_add_on_is_no_plan(atlas: Atlas, owner: Owner) -> None:
    version = await given.offering(owner, "fibre", 3000)
    customer, line, _ = await charged_line(owner, version, date(2026, 1, 2))
    extra = await given.offering(owner, "films", 500)
    await charge(owner, customer, line, extra, date(2026, 1, 2), is_add_on=True)
    await owner.execute("UPDATE catalogue.offering SET category = 'add_on' WHERE code = 'films'")

    async with atlas.transaction(executor("test")) as conn:
        with pytest.raises(InvalidField, match="nobody is to be moved"):
            await MoveToCurrentPrice.of(conn, "fibre", TODAY)
        with pytest.raises(InvalidField, match="films is no plan"):
            await MoveToCurrentPrice.of(conn, "films", TODAY)


async def test_a_new_price_waits_for_two_who_see_before_and_after_and_what_it_comes_to(atlas: Atlas, owner: Owner) -> None:
    await sold_to_five(owner)
    matrix = load(SHIPPED)
    await write_in_force(owner, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: NOW, ZoneInfo("Europe/London"))
    dan = principal.staff(StaffId(await given.member(owner, "Dan Director", "operations_director")), "Dan Director", frozenset())
    async with asking(atlas, dan) as (turn, proposed):
        await catalogue.change_price(turn, "fibre", "36.25")
    (action,) = proposed

    waiting = await asked(forge, dan, action)

    assert (waiting.state, waiting.approver_roles) == (ActionState.WAITING, ("billing_lead", "operations_director"))
    async with atlas.transaction(dan) as conn:
        (card,) = await waiting_for(forge, conn)
    assert [(each.before, each.after) for each in card.differences] == [("£35.00", "£36.25"), ("£0.00", "+£10.00")]
    assert (card.facts.customers, card.facts.money) == (5, Money("10.00"))


async def test_prices_are_changed_by_staff_only(atlas: Atlas, owner: Owner) -> None:
    await given.offering(owner)

    async with asking(atlas, principal.stranger()) as (turn, _):
        for refused in (catalogue.change_price(turn, "fibre-100", "31.50"), catalogue.move_to_current_price(turn, "fibre-100")):
            with pytest.raises(principal.NotPermittedHere):
                await refused
