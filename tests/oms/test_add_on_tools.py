"""What a customer and a colleague may ask and order beside a plan, and that nobody asks for somebody else's."""

import pytest

from agents.extras import add_on as named
from agents.replies import Reader, worded
from atlas import principal
from atlas.catalogue.rules.pricing import AddOnUnfit
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.oms.rules import PlanUnavailable, WhichLine
from atlas.principal import Assurance, NotPermittedHere
from forge.actions.oms.add_ons import OrderAddOn, OrderEndOfAddOn
from tests import given
from tests.agents.conftest import LONDON
from tests.asking import asking
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner
from tests.oms.add_ons import add_on, related
from tools import oms
from tools.turn import NotSureEnough


async def holds(owner: Owner, line: int, version: int) -> None:
    held = {"subscriber_id": line, "offering_version_id": version, "held_from": NOW.date(), "action_id": await given.action(owner)}
    await given.row(owner, "catalogue.add_on_held", **held)


async def test_a_customer_is_shown_what_they_have_first_and_what_else_there_is(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await add_on(owner, "alarm")
    await holds(owner, line, await add_on(owner, "static-ip"))

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        found = await oms.my_add_ons(turn)

    assert [(one.code, one.is_held, one.monthly) for one in found] == [("static-ip", True, Money("5.00")), ("alarm", False, Money("5.00"))]


async def test_nobody_sees_or_ends_an_add_on_of_somebody_else(atlas: Atlas, owner: Owner) -> None:
    _, line = await customer_with_line(owner)
    other, _ = await customer_with_line(owner)
    await holds(owner, line, await add_on(owner, "static-ip"))

    async with asking(atlas, principal.customer(other)) as (turn, _):
        assert [one.is_held for one in await oms.my_add_ons(turn)] == [False]
        with pytest.raises(PlanUnavailable):
            await oms.end_add_on(turn, "static-ip")
        with pytest.raises(NotPermittedHere):
            await oms.add_ons_of(turn, CustomerId(other))


async def test_an_add_on_is_for_somebody_who_is_verified(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await add_on(owner, "static-ip")

    async with asking(atlas, principal.customer(customer), level=Assurance.ADDRESS_ON_FILE) as (turn, _):
        with pytest.raises(NotSureEnough):
            await oms.request_add_on(turn, "static-ip")


@pytest.mark.parametrize("said", ["static-ip", "Static IP", "static ip", " STATIC-IP "])
async def test_an_add_on_is_found_however_its_name_is_written(atlas: Atlas, owner: Owner, said: str) -> None:
    customer, line = await customer_with_line(owner)
    await add_on(owner, "static-ip")

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        quoted = await oms.quote_add_on(turn, said)
        await oms.request_add_on(turn, said)

    (order,) = proposed
    assert isinstance(order, OrderAddOn)
    assert (quoted.subscriber_id, order.line, order.code, order.facts().money) == (line, line, "static-ip", Money("5.00"))


async def test_what_the_line_cannot_have_is_refused_before_anybody_is_asked(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await add_on(owner, "static-ip")
    await related(owner, "static-ip", "included_in", "fibre-100")

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        with pytest.raises(AddOnUnfit, match="included in fibre-100"):
            await oms.request_add_on(turn, "static-ip")
        with pytest.raises(PlanUnavailable, match="no such add-on"):
            await oms.request_add_on(turn, "a pony")

    assert proposed == []


async def test_with_several_lines_it_is_asked_which_and_never_guessed(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    other = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await holds(owner, line, await add_on(owner, "static-ip"))
    await add_on(owner, "alarm")

    async with asking(atlas, principal.customer(customer)) as (turn, proposed):
        with pytest.raises(WhichLine):
            await oms.request_add_on(turn, "alarm")
        await oms.request_add_on(turn, "static-ip")
        await oms.end_add_on(turn, "static-ip")

    first, second = proposed
    assert isinstance(first, OrderAddOn)
    assert isinstance(second, OrderEndOfAddOn)
    assert (first.line, second.line) == (other, line)


async def test_staff_order_and_end_an_add_on_for_a_customer(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await holds(owner, line, await add_on(owner, "static-ip"))
    await add_on(owner, "alarm")
    cara = principal.staff(StaffId(await given.member(owner, "Cara Care", "customer_care")), "Cara Care", frozenset())

    async with asking(atlas, cara) as (turn, proposed):
        assert len(await oms.add_ons_of(turn, customer)) == 2
        await oms.order_add_on_for(turn, customer, "alarm")
        await oms.end_add_on_for(turn, customer, "static-ip")

    assert [(type(one), one.for_customer) for one in proposed] == [(OrderAddOn, customer), (OrderEndOfAddOn, customer)]


async def test_a_quote_for_another_plan_says_which_add_ons_end_with_it(atlas: Atlas, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await given.offering(owner, "fibre-900", 4500)
    await holds(owner, line, await add_on(owner, "static-ip"))
    await related(owner, "static-ip", "included_in", "fibre-900")

    async with asking(atlas, principal.customer(customer)) as (turn, _):
        assert (await oms.quote_plan_change(turn, "fibre-900")).loses == ("Static Ip",)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Add a static IP to my line", "static IP"),
        ("take the extra Home Phone off, please", "Home Phone"),
        ("I do not need the Static IP any more, take it off", "Static IP"),
        ("Añada una IP fija a mi línea", "IP fija"),
        ("Quite el extra Telefonía de mi línea", "Telefonía"),
        ("Ich möchte die Option Feste IP dazubuchen", "Feste IP"),
        ("Ajoutez une IP fixe à ma ligne", "IP fixe"),
        ("Which extras do I have?", None),
    ],
)
def test_what_it_is_called_is_heard_in_the_words_around_it(said: str, meant: str | None) -> None:
    assert named(said) == meant


@pytest.mark.parametrize("language", ["en", "es", "de", "fr", "hi"])
def test_the_price_is_named_before_it_is_ordered_in_five_languages(language: str) -> None:
    answer = '{"name": "Static IP", "code": "static-ip", "subscriber_id": 7, "monthly": "5.00", "one_off": "10.00"}'

    said = worded("quote_add_on", answer, Reader(language, "customer", NOW, LONDON))

    assert ("£5.00" in said.words, "£10.00" in said.words, said.then) == (True, True, "request_add_on")
    assert said.options[0]["arguments"] == {"add_on": "static-ip", "line": 7}
