"""Whose order waits for a person, by what becomes of the order itself: DOMAIN.md 2.3."""

from datetime import date
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.oms.records import OrderState
from tests import given
from tests.given import Owner
from tests.oms.signups import Town, now, town

S = OrderState
OF_AGE_TODAY = now().date().replace(year=now().year - 18, day=1)


async def ordered_by(place: Town, mail: str, **columns: Any) -> tuple[OrderState, str]:
    """Where the order of such a customer stands once it was looked at, and the last that was said of it."""
    customer = await given.customer(place.owner, phone=None, **columns)
    await given.row(place.owner, "crm.contact", customer_id=customer, channel="email", address=mail)
    order = await place.order(customer=customer)
    await place.round()
    said = await (await place.owner.execute("SELECT reason FROM oms.order_event ORDER BY id DESC LIMIT 1")).fetchone()
    return (await place.case(order)).state, said[0] if said else ""


@pytest.mark.parametrize(
    ("columns", "mail", "why"),
    [
        ({"birth_date": date(now().year - 15, 1, 1)}, "a@example.com", "whoever orders is not of age"),
        ({"is_sanctioned": True}, "a@example.com", "whoever orders is on a list of sanctions or of fraud"),
        ({}, "a@mailinator.com", "the mail address on file is one made to be thrown away"),
    ],
    ids=["minor", "sanctions or fraud hit", "disposable email"],
)
async def test_the_order_of_a_minor_a_sanctions_or_fraud_hit_or_a_disposable_email_goes_to_held(
    atlas: Atlas, owner: Owner, columns: dict[str, object], mail: str, why: str
) -> None:
    place = await town(atlas, owner)

    found = await ordered_by(place, mail, **columns)

    assert (found, await place.held()) == ((S.HELD, why), {"ports": 0, "numbers": 0, "boxes": 0, "lines": 0})


async def test_the_order_of_somebody_of_age_with_an_address_of_their_own_goes_on(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)

    state, _ = await ordered_by(place, "a@example.com", birth_date=OF_AGE_TODAY)

    assert state is S.COMPLETED


async def test_an_order_held_for_who_ordered_goes_on_once_somebody_settled_it(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    await ordered_by(place, "a@example.com", is_sanctioned=True)
    await owner.execute("UPDATE crm.customer SET is_sanctioned = false")
    await owner.execute("UPDATE oms.product_order SET retry_at = now()")

    await place.round()

    assert await (await owner.execute("SELECT state FROM oms.product_order")).fetchone() == ("completed",)
