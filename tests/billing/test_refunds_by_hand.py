"""A refund that the provider refused for good stays somebody's to transfer, until one says that they did, and another agrees."""

from dataclasses import replace
from datetime import timedelta

import pytest

from atlas import principal
from atlas.billing.reads.books import refunds_kept
from atlas.billing.reads.money_in import refunds_not_made
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, StaffId
from atlas.money import Money
from atlas.principal import NotPermittedHere, Role, executor
from forge.actions.billing.money_in import RecordRefundByHand, RefundPayment
from governance.decide import Spent, decide
from governance.matrix import SHIPPED, load
from tests import carried, given
from tests.asking import asking
from tests.billing.arranged import customer_with_line, payment
from tests.given import NOW, Owner
from tools.billing import money

TODAY = NOW.date()
ME = executor("test")


@pytest.fixture
async def refused(atlas: Atlas, owner: Owner) -> CustomerId:
    """A customer to whom 12.50 should have gone back, and whose card is gone."""
    customer, _ = await customer_with_line(owner)
    reference = await payment(owner, customer, 5000)
    await carried.out(atlas, RefundPayment(customer, reference, Money("12.50"), Money("50.00"), "paid twice"), NOW)
    await owner.execute("UPDATE actions.errand SET state = 'failed', answer = '{\"why\": \"the card is closed\"}', finished_at = now()")
    return customer


async def order(atlas: Atlas, reference: str = "SEPA 7", days: int = 0) -> RecordRefundByHand:
    async with atlas.transaction(ME) as conn:
        (waiting,) = await refunds_not_made(conn)
        return await RecordRefundByHand.of(conn, waiting.refund_id, reference, TODAY + timedelta(days=days), NOW)


async def left(atlas: Atlas) -> tuple[int, int]:
    """How many refunds wait for somebody, and how many the provider's list is compared with."""
    async with atlas.transaction(ME) as conn:
        wide = (NOW - timedelta(days=3650), NOW + timedelta(days=3650))
        return len(await refunds_not_made(conn)), len(await refunds_kept(conn, *wide))


async def test_a_refund_that_was_refused_says_whose_it_is_how_much_and_why(atlas: Atlas, refused: CustomerId) -> None:
    async with atlas.transaction(ME) as conn:
        (waiting,) = await refunds_not_made(conn)

    assert (waiting.customer_id, waiting.amount, waiting.why) == (refused, Money("12.50"), "the card is closed")


async def test_once_it_was_transferred_nobody_is_asked_for_it_and_no_provider_is_expected_to_list_it(
    atlas: Atlas, refused: CustomerId
) -> None:
    before = await left(atlas)

    outcome = await carried.out(atlas, await order(atlas), NOW)

    assert (before, await left(atlas)) == ((1, 1), (0, 0))
    assert outcome == {"paid_out": "12.50", "reference": "SEPA 7"}


async def test_the_same_refund_is_not_transferred_a_second_time(atlas: Atlas, refused: CustomerId) -> None:
    again = await order(atlas)
    await carried.out(atlas, again, NOW)

    with pytest.raises(NotFound, match="refund that was not made"):
        await carried.out(atlas, again, NOW)


async def test_turned_down_for_a_wrong_number_it_is_another_order_with_the_right_one(atlas: Atlas, refused: CustomerId) -> None:
    assert (await order(atlas, "SEPA 7")).operation_key != (await order(atlas, "SEPA 8")).operation_key


@pytest.mark.parametrize(("reference", "days", "field"), [("  ", 0, "reference"), ("x" * 61, 0, "reference"), ("SEPA 7", 1, "paid_on")])
async def test_a_transfer_that_nobody_can_find_or_of_tomorrow_is_refused(
    atlas: Atlas, refused: CustomerId, reference: str, days: int, field: str
) -> None:
    with pytest.raises(InvalidField, match=field):
        await order(atlas, reference, days)


async def test_a_refund_that_is_on_its_way_is_nobodys_to_transfer(atlas: Atlas, owner: Owner, refused: CustomerId) -> None:
    waiting = await order(atlas)
    await owner.execute("UPDATE actions.errand SET state = 'queued'")

    with pytest.raises(NotFound):
        await carried.out(atlas, waiting, NOW)


async def test_another_amount_or_customer_than_was_refused_is_nothing(atlas: Atlas, owner: Owner, refused: CustomerId) -> None:
    waiting = await order(atlas)
    other, _ = await customer_with_line(owner, "Omar Haddad")

    for wrong in (
        RecordRefundByHand(refused, waiting.refund_id, Money("99.00"), "SEPA 7", TODAY),
        RecordRefundByHand(other, waiting.refund_id, Money("12.50"), "SEPA 7", TODAY),
    ):
        with pytest.raises(NotFound):
            await carried.out(atlas, wrong, NOW)


async def test_who_says_that_they_transferred_it_waits_for_another_to_look(atlas: Atlas, refused: CustomerId) -> None:
    facts = replace((await order(atlas)).facts(), proposed_by="staff:3")

    assert tuple(decide(facts, load(SHIPPED), spent=Spent()).approvers) == (Role.BILLING_LEAD,)


async def test_staff_ask_which_refunds_did_not_go_out_and_record_one_and_a_customer_does_not(
    atlas: Atlas, owner: Owner, refused: CustomerId
) -> None:
    helen = principal.staff(StaffId(await given.member(owner, "Helen Brooks", "billing_lead")), "Helen Brooks", frozenset())

    async with asking(atlas, helen) as (turn, proposed):
        (waiting,) = await money.refunds_not_made(turn)
        await money.record_refund_by_hand(turn, waiting.refund_id, "SEPA 7")
    async with asking(atlas, principal.customer(refused)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await money.refunds_not_made(turn)

    assert [(one.for_customer, one.facts().money) for one in proposed] == [(refused, Money("12.50"))]
