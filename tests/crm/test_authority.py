"""Whose words they are where an address alone does not say it: somebody who acts for a customer, a shared number, a number that moved."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.roster import roster
from api.inbound.senders import sender_at
from atlas.connection import Atlas
from atlas.crm.reads import customer as customer_of
from atlas.crm.reads import customers_at, scopes_from
from atlas.crm.rules import the_one_named
from atlas.errors import InvalidField, NotFound
from atlas.helpdesk.reads import code_contact
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer, executor, intake
from forge.actions.crm.authority import EndAuthority, LetSomebodyAct, NoteMovedNumber
from tests import carried, given
from tests.agents.conftest import NOW
from tests.asking import asking
from tests.crm.test_parties import Owner
from tests.doors.hooking import one
from tools import crm
from tools.authority import ALLOWED, HOLDERS_OWN
from tools.billing import bills
from tools.oms import request_plan_change
from tools.turn import NotAuthorised, assurance_of

PHONE = "+447700900001"
SON = "+447700900005"
UNTIL = NOW + timedelta(days=30)


async def maya_and_her_son(atlas: Atlas, owner: Owner, *may: str) -> CustomerId:
    maya = CustomerId(await given.customer(owner))
    await carried.out(atlas, LetSomebodyAct(maya, "Ravi Patel", "07700 900005", may, UNTIL), NOW)
    return maya


async def test_what_a_customer_lets_somebody_do_ends_with_its_day(atlas: Atlas, owner: Owner) -> None:
    maya = await maya_and_her_son(atlas, owner, "be_told")

    async with atlas.transaction(executor("test")) as conn:
        now = await scopes_from(conn, maya, SON, NOW)
        later = await scopes_from(conn, maya, SON, UNTIL)
        own = await scopes_from(conn, maya, PHONE, NOW)

    assert (now, later, own) == ({"be_told"}, frozenset(), None)


async def test_whoever_pays_for_a_customer_may_do_about_paying_what_they_were_let(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    known = {"role": "payer", "name": "Ann Smith", "channel": "sms", "address": SON, "may": ["pay"], "action_id": await given.action(owner)}
    await given.row(owner, "crm.party_role", customer_id=maya, valid_from=NOW, valid_until=UNTIL, **known)

    async with atlas.transaction(executor("test")) as conn:
        now, later = await scopes_from(conn, maya, SON, NOW), await scopes_from(conn, maya, SON, UNTIL)

    assert (now, later) == ({"pay"}, frozenset())


async def test_a_customer_ends_it_from_that_moment(atlas: Atlas, owner: Owner) -> None:
    maya = await maya_and_her_son(atlas, owner, "be_told", "order")
    number = await one(owner, "SELECT id FROM crm.party_role")

    await carried.out(atlas, EndAuthority(maya, number), NOW + timedelta(hours=1))

    async with atlas.transaction(executor("test")) as conn:
        assert await scopes_from(conn, maya, SON, NOW + timedelta(hours=2)) == frozenset()


async def test_nobody_ends_another_customers_authority(atlas: Atlas, owner: Owner) -> None:
    await maya_and_her_son(atlas, owner, "be_told")
    tom = CustomerId(await given.customer(owner, "Tom Reed", "+447700900002"))
    number = await one(owner, "SELECT id FROM crm.party_role")

    with pytest.raises(NotFound):
        await carried.out(atlas, EndAuthority(tom, number), NOW)


WRONG = {
    "their own address": ({"address": PHONE}, "address"),
    "no address": ({"address": "ravi"}, "address"),
    "everything": ({"may": ("everything",)}, "may"),
    "nothing": ({"may": ()}, "may"),
    "over already": ({"until": NOW}, "until"),
    "for ever": ({"until": NOW + timedelta(days=400)}, "until"),
    "nobody": ({"called": " "}, "called"),
}


@pytest.mark.parametrize(("changes", "field"), WRONG.values(), ids=WRONG)
async def test_an_authority_that_cannot_be_names_the_field(atlas: Atlas, owner: Owner, changes: dict[str, object], field: str) -> None:
    maya = CustomerId(await given.customer(owner))
    asked = LetSomebodyAct(maya, "Ravi Patel", SON, ("be_told",), UNTIL)

    with pytest.raises(InvalidField, match=field):
        await carried.out(atlas, replace(asked, **changes), NOW)  # type: ignore[arg-type]


async def test_whoever_acts_for_a_customer_hears_what_they_may_and_changes_nothing(atlas: Atlas, owner: Owner) -> None:
    maya = await maya_and_her_son(atlas, owner, "be_told")
    son = replace(customer(maya, Assurance.VERIFIED), may=frozenset({"be_told"}))

    async with asking(atlas, son) as (turn, _):
        await bills.balance(turn)
        for refused in (request_plan_change(turn, "fibre-500"), crm.who_acts_for_me(turn), crm.stop_messages(turn)):
            with pytest.raises(NotAuthorised):
                await refused


async def test_somebody_at_another_address_is_heard_as_the_one_they_act_for(atlas: Atlas, owner: Owner) -> None:
    maya = await maya_and_her_son(atlas, owner, "be_told")

    async with atlas.transaction(intake("test")) as conn:
        while_it_lasts = await sender_at(conn, "sms", SON, "My mother's bill", NOW)
        afterwards = await sender_at(conn, "sms", SON, "My mother's bill", UNTIL)

    assert (while_it_lasts.principal.customer_id, afterwards.principal.customer_id) == (maya, None)


async def test_whoever_acts_for_several_is_nobody(atlas: Atlas, owner: Owner) -> None:
    await maya_and_her_son(atlas, owner, "be_told")
    tom = CustomerId(await given.customer(owner, "Tom Reed", "+447700900002"))
    await carried.out(atlas, LetSomebodyAct(tom, "Ravi Patel", SON, ("be_told",), UNTIL), NOW)

    async with atlas.transaction(intake("test")) as conn:
        assert (await sender_at(conn, "sms", SON, "the bill", NOW)).principal.customer_id is None


def test_every_tool_for_customers_is_somebody_elses_to_ask_or_the_holders_alone() -> None:
    personal = {
        tool.__name__ for member in roster().values() for tool in member.tools("customer") if assurance_of(tool) > Assurance.UNKNOWN
    }
    listed = HOLDERS_OWN.union(*ALLOWED.values())

    assert personal - listed == set()
    assert sum(len(tools) for tools in ALLOWED.values()) + len(HOLDERS_OWN) == len(listed)


async def test_a_number_in_another_hand_is_nobodys(atlas: Atlas, owner: Owner) -> None:
    await given.customer(owner)
    await owner.execute("UPDATE crm.contact SET changed_at = %s", (NOW - timedelta(days=90),))

    await carried.out(atlas, NoteMovedNumber("07700 900001", "other_holder", NOW), NOW)

    async with atlas.transaction(intake("test")) as conn:
        assert await customers_at(conn, PHONE) == []


async def test_a_number_that_was_put_on_file_since_is_its_new_holders(atlas: Atlas, owner: Owner) -> None:
    await carried.out(atlas, NoteMovedNumber(PHONE, "other_holder", NOW), NOW)
    tom = await given.customer(owner, "Tom Reed", PHONE)
    await owner.execute("UPDATE crm.contact SET changed_at = %s", (NOW + timedelta(days=1),))

    async with atlas.transaction(intake("test")) as conn:
        assert await customers_at(conn, PHONE) == [tom]


@pytest.mark.parametrize(("ago", "goes"), [(timedelta(days=1), False), (timedelta(days=15), True)])
async def test_no_code_goes_to_a_number_whose_sim_was_changed_lately(atlas: Atlas, owner: Owner, ago: timedelta, goes: bool) -> None:
    maya = CustomerId(await given.customer(owner, phone=None))
    await given.row(owner, "crm.contact", customer_id=maya, channel="sms", address=PHONE, changed_at=NOW - timedelta(days=90))
    noticed = await one(owner, "SELECT clock_timestamp() - %s::interval", ago)
    await given.row(owner, "crm.moved_number", address=PHONE, kind="sim", noticed_at=noticed, action_id=await given.action(owner))

    async with atlas.transaction(executor("test")) as conn:
        found = await code_contact(conn, maya, "whatsapp", PHONE)

    assert (found is not None) is goes


async def test_a_moved_number_still_hears_of_a_code_at_another_address(atlas: Atlas, owner: Owner) -> None:
    maya = CustomerId(await given.customer(owner))
    await given.row(
        owner, "crm.contact", customer_id=maya, channel="email", address="maya@example.com", changed_at=NOW - timedelta(days=90)
    )
    noticed = await one(owner, "SELECT clock_timestamp()")
    await given.row(owner, "crm.moved_number", address=PHONE, kind="ported", noticed_at=noticed, action_id=await given.action(owner))

    async with atlas.transaction(executor("test")) as conn:
        found = await code_contact(conn, maya, "sms", PHONE)

    assert found is not None
    assert found.address == "maya@example.com"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Tom Reed", "tom"),
        ("it is tom's", "tom"),
        ("The account of Maya Patel please", "maya"),
        ("Patel", None),
        ("Tom or Maya", None),
        ("", None),
    ],
)
async def test_a_name_says_who_of_several_it_is_only_where_it_is_one_of_theirs(
    atlas: Atlas, owner: Owner, words: str, named: str | None
) -> None:
    known = {"maya": await given.customer(owner, "Maya Patel", PHONE), "tom": await given.customer(owner, "Tom Reed", PHONE)}
    async with atlas.transaction(executor("test")) as conn:
        both = [await customer_of(conn, CustomerId(one)) for one in known.values()]

    assert the_one_named(words, both) == (known[named] if named else None)
