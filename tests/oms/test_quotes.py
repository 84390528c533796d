"""A quote stands until its day, at its price; an order from one that lapsed asks for consent again and is never re-priced silently."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import CustomerId, PremiseId, QuoteId
from atlas.money import Money
from atlas.oms.reads import offer, quote_of, quotes_of
from atlas.oms.records import Offer, Quote
from atlas.oms.rules import QUOTE_STANDS, QuoteLapsed, checked_offer, checked_quote
from forge.actions.oms.orders import PlaceOrder
from forge.actions.oms.quotes import GiveQuote
from tests import given
from tests.given import Owner
from tests.oms.signups import ME, Town, now, town


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


async def offered(place: Town, customer: CustomerId, premise: PremiseId) -> Offer | None:
    async with place.forge.atlas.transaction(ME) as conn:
        return await offer(conn, customer, premise, "fibre-100", now().date())


async def quoted(place: Town) -> Quote:
    customer, premise = CustomerId(await given.customer(place.owner)), PremiseId(await place.premise())
    found = checked_offer(await offered(place, customer, premise), "fibre-100")
    proposed = await place.asked(GiveQuote.of(found, "a test"))
    assert proposed.outcome is not None, proposed
    async with place.forge.atlas.transaction(ME) as conn:
        return await quote_of(conn, customer, QuoteId(proposed.outcome["quote"]))


async def ordered(place: Town, quote: Quote) -> Any:
    """As if nobody had looked before it was sent: what is tested is that the action itself looks."""
    found = Offer(
        customer_id=quote.customer_id,
        customer_state="active",
        premise_id=quote.premise_id or PremiseId(0),
        code=quote.code,
        plan=quote.plan,
        offering_version_id=quote.offering_version_id,
        offering_status="active",
        technology="fibre",
        is_for_them=True,
        monthly=quote.monthly,
        open_order_id=None,
        live_line_id=None,
    )
    return await place.asked(PlaceOrder.of_quote(quote, found, now().date()))


async def prices(place: Town) -> list[Any]:
    return await (await place.owner.execute("SELECT monthly_minor, offering_version_id FROM oms.product_order")).fetchall()


async def test_a_quote_says_its_price_and_until_when_it_stands(place: Town) -> None:
    quote = await quoted(place)

    assert (quote.monthly, quote.stands_until - quote.quoted_at, quote.ordered_as) == (Money("30.00"), QUOTE_STANDS, None)


async def test_an_order_from_a_quote_that_stands_is_at_its_price_and_there_is_one(place: Town) -> None:
    quote = await quoted(place)

    first, again = await ordered(place, quote), await ordered(place, quote)

    assert (first.outcome["order"], again.action_id) == (again.outcome["order"], first.action_id)
    assert await prices(place) == [(3000, quote.offering_version_id)]
    async with place.forge.atlas.transaction(ME) as conn:
        assert (await quote_of(conn, quote.customer_id, quote.id)).ordered_as == first.outcome["order"]


async def test_an_order_from_a_quote_that_expired_is_not_placed_and_says_todays_price(place: Town) -> None:
    quote = await quoted(place)
    await place.owner.execute("UPDATE oms.quote SET quoted_at = now() - interval '31 days', stands_until = now() - interval '1 day'")

    refused = await ordered(place, quote)

    assert (refused.state.value, await prices(place)) == ("failed", [])
    assert "fibre-100 is 30.00 a month today" in refused.failure


async def test_an_order_from_a_quote_whose_plan_was_retired_is_not_placed(place: Town) -> None:
    quote = await quoted(place)
    await place.owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired'")

    refused = await ordered(place, quote)

    assert (refused.state.value, await prices(place)) == ("failed", [])
    assert "no longer sold" in refused.failure


async def test_an_order_from_a_quote_that_was_repriced_is_placed_only_at_the_new_price_and_after_a_new_quote(place: Town) -> None:
    quote = await quoted(place)
    dearer = await given.repriced(place.owner, "fibre-100", 3500, now().date())

    refused = await ordered(place, quote)
    assert "35.00 a month today: quote that and ask again" in refused.failure
    assert await prices(place) == []

    found = checked_offer(await offered(place, quote.customer_id, quote.premise_id or PremiseId(0)), "fibre-100")
    anew = await place.asked(GiveQuote.of(found, "they agreed to it"))
    async with place.forge.atlas.transaction(ME) as conn:
        agreed = await quote_of(conn, quote.customer_id, QuoteId((anew.outcome or {})["quote"]))
    await ordered(place, agreed)
    assert await prices(place) == [(3500, dearer)]


async def test_a_cheaper_price_is_not_taken_silently_either(place: Town) -> None:
    quote = await quoted(place)
    await given.repriced(place.owner, "fibre-100", 2500, now().date())
    today = await offered(place, quote.customer_id, quote.premise_id or PremiseId(0))

    with pytest.raises(QuoteLapsed, match="changed since"):
        checked_quote(quote, today, now())


async def test_a_quote_of_somebody_else_is_no_quote(place: Town, owner: Owner) -> None:
    quote = await quoted(place)
    other = CustomerId(await given.customer(owner, "Tom Reed", "+447700900077"))

    async with place.forge.atlas.transaction(ME) as conn:
        with pytest.raises(NotFound):
            await quote_of(conn, other, quote.id)
        assert await quotes_of(conn, other) == []
    assert (await ordered(place, replace(quote, customer_id=other))).state.value == "failed"


async def test_in_the_very_moment_in_which_a_quote_ends_it_stands_no_more(place: Town) -> None:
    quote = await quoted(place)
    today = await offered(place, quote.customer_id, quote.premise_id or PremiseId(0))

    assert checked_quote(quote, today, quote.stands_until - timedelta(seconds=1)) == today
    with pytest.raises(QuoteLapsed, match="stood until"):
        checked_quote(quote, today, quote.stands_until)
