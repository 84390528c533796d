"""Who is one person kept twice, what a merge keeps, who may speak for whom, and who may leave: DOMAIN.md 2.3 and its edges."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from atlas.billing.reads.books import broken_invariants
from atlas.connection import Atlas
from atlas.crm.reads import customer_page, reasons_to_hold_orders, risk_of_leaving, twins_of
from atlas.crm.records import Amendment, Channel, KnownParty, NewCustomer, PartyRole, Trouble
from atlas.crm.rules import MergeRefused, PossiblyKnown, churn_risk, likeness, may_act, phone_address, twins
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, PremiseId
from atlas.principal import executor
from forge.actions.crm.customers import AmendCustomer, GiveRole, MergeCustomers, RegisterCustomer, UndoMerge
from tests import carried, given
from tests.billing.arranged import bill, customer_with_line, one, owed, payment
from tests.given import NOW, Owner, row

MAYA = KnownParty(CustomerId(1), "Maya Patel", "Maya", "active", None, ("+447700900001",), (PremiseId(7),))


def new(name: str = "Maya Patel", phone: str = "+447700900001", born: date | None = None) -> NewCustomer:
    return NewCustomer("individual", name, name.split()[0], "en", "Europe/London", ((Channel.SMS, phone),), born)


@pytest.mark.parametrize("written", ["+44 7700 900001", "0044 7700 900001", "07700 900001", "447700900001", "whatsapp:+447700900001"])
def test_same_person_different_phone_formats(written: str) -> None:
    assert phone_address(written, "GB") == "+447700900001"


def test_same_person_unicode_names() -> None:
    found = likeness(
        replace(MAYA, name="José Muñoz", given_name="José"), replace(MAYA, customer_id=CustomerId(2), name="JOSE MUNOZ", given_name="Jose")
    )

    assert (found.is_suspected, "the same name" in found.reasons, "the same phone" in found.reasons) == (True, True, True)


def test_twins_at_one_address() -> None:
    born = date(1990, 5, 1)
    anna = replace(MAYA, name="Anna Berg", given_name="Anna", birth_date=born)
    ella = replace(MAYA, customer_id=CustomerId(2), name="Ella Berg", given_name="Ella", birth_date=born, addresses=("+447700900002",))

    assert twins(anna, [ella]) == []


def test_never_auto_merge_on_name_and_address_alone() -> None:
    father = replace(MAYA, customer_id=CustomerId(2), addresses=("+447700900002",))

    assert twins(MAYA, [father]) == []


async def test_a_brazilian_mobile_without_its_ninth_digit_is_the_same_person(atlas: Atlas, owner: Owner) -> None:
    old = CustomerId(await given.customer(owner, "Ana Souza", phone="+551187654321"))
    again = CustomerId(await given.customer(owner, "Ana Souza", phone="+5511987654321"))

    async with atlas.transaction(executor("test")) as conn:
        found = await twins_of(conn, again)

    assert [twin.customer_id for twin in found] == [old]


async def test_somebody_who_may_be_on_file_is_not_registered_again_until_somebody_looked(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))

    with pytest.raises(PossiblyKnown) as refused:
        await carried.out(atlas, RegisterCustomer(new(), "desk:1"), NOW)
    made = await carried.out(atlas, RegisterCustomer(new(), "desk:1", unlike=(maya,)), NOW)

    assert ([twin.customer_id for twin in refused.value.twins], made["customer"] != maya) == ([maya], True)


async def test_nobody_is_born_tomorrow(atlas: Atlas, owner: Owner) -> None:
    with pytest.raises(InvalidField, match="birth_date"):
        await carried.out(atlas, RegisterCustomer(new(born=NOW.date() + timedelta(days=1)), "desk:1"), NOW)

    assert await one(owner, "SELECT count(*) FROM crm.customer") == 0


async def pair(owner: Owner) -> tuple[CustomerId, CustomerId]:
    """Maya twice: the second record owes 30.00 for its own line."""
    kept, _ = await customer_with_line(owner, phone="+447700900001")
    absorbed, _ = await customer_with_line(owner, "Maya Patel", phone="+447700900009")
    await bill(owner, absorbed, date(2026, 2, 1), {"Fibre 100": 3000})
    return kept, absorbed


async def merged(atlas: Atlas, kept: CustomerId, absorbed: CustomerId) -> int:
    async with atlas.transaction(executor("test")) as conn:
        action = await MergeCustomers.of(conn, kept, absorbed)
    return int((await carried.out(atlas, action, NOW))["merge"])


async def holders(owner: Owner) -> list[int]:
    rows = await (await owner.execute("SELECT customer_id FROM crm.subscriber ORDER BY id")).fetchall()
    return [row[0] for row in rows]


async def broken(atlas: Atlas) -> list[object]:
    async with atlas.transaction(executor("test")) as conn:
        return [*await broken_invariants(conn)]


async def test_merge_two_customers_with_different_balances(atlas: Atlas, owner: Owner) -> None:
    kept, absorbed = await pair(owner)
    await payment(owner, kept, 1000)
    before = await owed(owner, kept) + await owed(owner, absorbed)

    await merged(atlas, kept, absorbed)

    assert (await owed(owner, kept), await owed(owner, absorbed)) == (before, 0)
    assert (await holders(owner), await broken(atlas)) == ([kept, kept], [])


async def test_a_merge_is_taken_back_with_everything_that_followed(atlas: Atlas, owner: Owner) -> None:
    kept, absorbed = await pair(owner)
    merge = await merged(atlas, kept, absorbed)
    async with atlas.transaction(executor("test")) as conn:
        undo = await UndoMerge.of(conn, merge)

    await carried.out(atlas, undo, NOW)

    assert (await owed(owner, kept), await owed(owner, absorbed)) == (0, 3000)
    assert (await holders(owner), await broken(atlas)) == ([kept, absorbed], [])
    assert await one(owner, "SELECT state FROM crm.customer WHERE id = %s", absorbed) == "active"


async def test_merge_two_customers_with_open_orders(atlas: Atlas, owner: Owner) -> None:
    kept, absorbed = await pair(owner)
    await row(owner, "oms.product_order", customer_id=absorbed, kind="add", action_id=await given.action(owner))

    with pytest.raises(MergeRefused, match="1 orders are open"):
        await merged(atlas, kept, absorbed)

    assert await holders(owner) == [kept, absorbed]


async def test_merge_two_customers_suspended_and_active(atlas: Atlas, owner: Owner) -> None:
    kept, absorbed = await pair(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE customer_id = %s", (absorbed,))

    with pytest.raises(MergeRefused, match="suspended"):
        await merged(atlas, kept, absorbed)


async def test_whoever_said_no_under_either_record_said_no(atlas: Atlas, owner: Owner) -> None:
    kept, absorbed = await pair(owner)
    for customer, said in ((kept, True), (absorbed, False)):
        await owner.execute("INSERT INTO crm.consent VALUES (%s, 'marketing', 'email', %s, now(), 'test')", (customer, said))

    await merged(atlas, kept, absorbed)

    assert await one(owner, "SELECT is_given FROM crm.consent WHERE customer_id = %s", kept) is False


async def test_two_sessions_edit_at_once(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await carried.out(atlas, AmendCustomer(maya, 1, Amendment(name="Maya Shah")), NOW)

    with pytest.raises(Conflict):
        await carried.out(atlas, AmendCustomer(maya, 1, Amendment(name="Maya Khan")), NOW)

    assert await one(owner, "SELECT name FROM crm.customer") == "Maya Shah"


@pytest.mark.parametrize(
    ("columns", "mail", "reasons"),
    [
        ({"birth_date": date(2010, 1, 1)}, "a@example.com", ["minor"]),
        ({"is_sanctioned": True}, "a@example.com", ["sanctions_or_fraud"]),
        ({}, "a@mailinator.com", ["disposable_mail"]),
        ({"birth_date": date(2008, 3, 2)}, "a@example.com", []),
    ],
    ids=["minor", "sanctions or fraud hit", "disposable email", "of age today"],
)
async def test_minor_sanctions_or_fraud_hit_disposable_email(
    atlas: Atlas, owner: Owner, columns: dict[str, object], mail: str, reasons: list[str]
) -> None:
    maya = CustomerId(await given.customer(owner, phone=None, **columns))
    await row(owner, "crm.contact", customer_id=maya, channel="email", address=mail)

    async with atlas.transaction(executor("test")) as conn:
        assert await reasons_to_hold_orders(conn, maya, NOW.date()) == reasons


async def test_only_whom_the_customer_gave_authority_acts_for_them_and_only_until_it_ends(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    until = NOW + timedelta(days=30)
    son = PartyRole(0, "delegate", "Ravi Patel", Channel.SMS, "+447700900005", ("be_told",), NOW, until)
    await carried.out(atlas, GiveRole(maya, son), NOW)

    async with atlas.transaction(executor("test")) as conn:
        roles = (await customer_page(conn, maya, NOW)).roles

    asked = [
        ("+447700900005", "be_told", NOW),
        ("+447700900005", "order", NOW),
        ("+447700900006", "be_told", NOW),
        ("+447700900005", "be_told", until),
    ]
    assert [may_act(roles, address, wish, at) for address, wish, at in asked] == [True, False, False, False]


def test_every_row_of_trouble_that_goes_lowers_the_risk() -> None:
    rows = [
        Trouble("hours_down", "itsm.incident_subscriber", 1, 9.0, NOW),
        Trouble("hours_down", "itsm.incident_subscriber", 2, 30.0, NOW),
        Trouble("missed_visit", "field_service.job", 5, 1.0, NOW),
        Trouble("complaint", "itsm.ticket", 8, 1.0, NOW),
    ]
    whole = churn_risk(rows).score

    assert all(churn_risk([other for other in rows if other is not gone]).score < whole for gone in rows)
    assert churn_risk([]).score == 0.0


async def test_every_reason_of_the_risk_resolves_to_a_row(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await customer_with_line(owner)
    ticket = await row(
        owner, "itsm.ticket", kind="complaint", customer_id=maya, impact=4, urgency=4, title="slow", opened_at=NOW,
        action_id=await given.action(owner),
    )  # fmt: skip

    async with atlas.transaction(executor("test")) as conn:
        found = await risk_of_leaving(conn, maya, NOW + timedelta(days=1))
    await owner.execute("DELETE FROM itsm.ticket")
    async with atlas.transaction(executor("test")) as conn:
        after = await risk_of_leaving(conn, maya, NOW + timedelta(days=1))

    assert ([reason.rows for reason in found.reasons], after.score < found.score) == ([(("itsm.ticket", ticket),)], True)
