"""What leaves the house for a model provider, on the wire itself: of thirteen kinds of personal data nothing; the answer is whole."""

import json
import uuid
from typing import Any, Final

import pytest

from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Reply, answer
from agents.veil import Known, Veil
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, Role, customer, staff
from tests import given
from tests.agents.conftest import NOW, checkpoints, consulted, maya, members, on, router  # noqa: F401
from tests.agents.provider import ScriptedProvider, calls, says, scripted
from tests.billing.arranged import one
from tests.given import Owner

# Kind, how it is said, and what of it must not be on the wire.
KINDS: Final = {
    "name": ("I am maya  PATEL", "PATEL"),
    "given name": ("this is Maya speaking", "Maya"),
    "phone": ("my number is +44 7700 900001", "900001"),
    "phone at home": ("ring 07700-900 001", "900 001"),
    "somebody else's phone": ("or my mother on 07700 900777", "900777"),
    "e-mail": ("write to maya.patel@example.com", "maya.patel"),
    "street address": ("I live at 1 Quay  Street", "Quay"),
    "postcode": ("in EX1 1AA", "1AA"),
    "login": ("my login is mpatel@harbour", "mpatel"),
    "serial number": ("the box says ALCLF0000001", "ALCLF0000001"),
    "network address": ("and shows 192.0.2.17", "192.0.2.17"),
    "bank account": ("pay to GB29 NWBK 6016 1331 9268 19", "6016"),
    "card": ("or card 4111 1111 1111 1111", "1111 1111"),
    "one-time code": ("the code is 482915", "482915"),
    "six digits": ("482 915? no: 739204", "739204"),
}


def by_provider(atlas: Atlas, kept: KeptInAtlas, routed: Router, who: dict[str, Member], url: str) -> Any:
    provider = Provider("key", url, timeout_s=5)
    return on(atlas, kept, routed, consultants(who, routed, provider, CircuitBreaker(lambda: 0.0)))


@pytest.fixture
async def at_home(owner: Owner, maya: int) -> int:  # noqa: F811
    """Maya with everything by which somebody can be known."""
    home = await one(owner, "SELECT premise_id FROM crm.subscriber WHERE customer_id = %s LIMIT 1", maya)
    await owner.execute("UPDATE gis.premise SET number = '1', street = 'Quay Street', postcode = 'EX1 1AA' WHERE id = %s", (home,))
    await owner.execute("UPDATE crm.customer SET given_name = 'Maya' WHERE id = %s", (maya,))
    line = await one(owner, "SELECT id FROM crm.subscriber WHERE customer_id = %s LIMIT 1", maya)
    olt = await one(owner, "SELECT id FROM cmdb.device LIMIT 1") or await given.device(owner, "olt-7")
    await owner.execute("DELETE FROM cmdb.session WHERE subscriber_id = %s", (line,))
    await given.row(owner, "cmdb.session", subscriber_id=line, username="mpatel@harbour", nas_device_id=olt, started_at=NOW)
    await owner.execute("DELETE FROM cmdb.access WHERE subscriber_id = %s", (line,))
    at = {"device_id": olt, "reported_by_device_id": olt, "managed_object": "0/1/77"}
    await given.row(owner, "cmdb.access", subscriber_id=line, cpe_serial="ALCLF0000001", **at)
    return maya


def on_the_wire(provider: ScriptedProvider) -> str:
    return json.dumps(provider.asked, ensure_ascii=False)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_personal_that_a_customer_types_reaches_the_wire(
    atlas: Atlas,
    checkpoints: KeptInAtlas,  # noqa: F811
    router: Router,  # noqa: F811
    members: dict[str, Member],  # noqa: F811
    at_home: int,
    kind: str,
) -> None:
    said, secret = KINDS[kind]
    async with scripted(says("Hello.")) as provider:
        supervised = by_provider(atlas, checkpoints, router, members, provider.base_url)
        principal = customer(CustomerId(at_home), Assurance.VERIFIED)
        await answer(supervised, principal, uuid.uuid4(), f"{said}. Why is my bill higher this month?", NOW)

    assert "Why is my bill higher" in on_the_wire(provider)
    assert secret not in on_the_wire(provider)


async def test_the_answer_is_whole_again_and_so_are_the_arguments_of_a_tool(
    atlas: Atlas,
    checkpoints: KeptInAtlas,  # noqa: F811
    router: Router,  # noqa: F811
    members: dict[str, Member],  # noqa: F811
    at_home: int,
) -> None:
    async with scripted(says("Of course, [[name-1]].")) as provider:
        supervised = by_provider(atlas, checkpoints, router, members, provider.base_url)
        said = "I am Maya Patel, +447700900001. Why is my bill higher this month?"
        reply = await answer(supervised, customer(CustomerId(at_home), Assurance.VERIFIED), uuid.uuid4(), said, NOW)

    assert reply.words == "Of course, Maya Patel."


async def asked_by_staff(supervised: Any, owner: Owner, said: str) -> Reply:
    number = StaffId(await given.member(owner, "Cara Clark", "customer_care"))
    cara: Principal = staff(number, "Cara Clark", frozenset({Role.CUSTOMER_CARE}))
    return await answer(supervised, cara, uuid.uuid4(), said, NOW)


async def test_of_whom_staff_ask_and_what_they_are_shown_nothing_personal_reaches_the_wire(
    atlas: Atlas,
    checkpoints: KeptInAtlas,  # noqa: F811
    router: Router,  # noqa: F811
    members: dict[str, Member],  # noqa: F811
    owner: Owner,
    at_home: int,
) -> None:
    async with scripted(calls("show_customer", customer_id=at_home), says("[[given_name-1]] owes nothing.")) as provider:
        supervised = by_provider(atlas, checkpoints, router, members, provider.base_url)
        await asked_by_staff(supervised, owner, f"Show me customer {at_home}, Maya Patel, at 1 Quay Street")

    wire = on_the_wire(provider)
    shown = json.dumps(provider.asked[-1]["messages"])
    assert "show_customer" in shown
    assert [word for word in ("Patel", "Maya", "Quay", "900001", "EX1 1AA") if word in wire] == []


def test_what_is_numbered_is_named_by_a_handle_of_its_own_kind_and_by_nothing_else() -> None:
    veil = Veil()
    told = veil.answer("oms", json.dumps([{"order_id": 12, "subscriber_id": 7, "plan": "Fibre 100"}]), by_handle=True)
    named = frozenset({"order", "line"})

    assert json.loads(told) == [{"order_id": "[[order_id-1]]", "subscriber_id": "[[subscriber_id-1]]", "plan": "Fibre 100"}]
    assert veil.arguments({"order": "[[order_id-1]]", "line": "[[subscriber_id-1]]"}, named) == {"order": 12, "line": 7}
    assert veil.arguments({"order": 12}, named) == {"order": "not a handle: 12"}
    assert veil.arguments({"line": "[[order_id-1]]"}, named) == {"line": "not a handle: [[order_id-1]]"}
    assert veil.arguments({"order": "[[order_id-9]]"}, named) == {"order": "not a handle: [[order_id-9]]"}


async def test_a_provider_that_names_somebody_elses_order_by_its_number_is_refused(
    atlas: Atlas,
    checkpoints: KeptInAtlas,  # noqa: F811
    router: Router,  # noqa: F811
    members: dict[str, Member],  # noqa: F811
    at_home: int,
) -> None:
    async with scripted(calls("cancel_order", order=1, reason="because"), says("I could not.")) as provider:
        supervised = by_provider(atlas, checkpoints, router, members, provider.base_url)
        who = customer(CustomerId(at_home), Assurance.VERIFIED)
        await answer(supervised, who, uuid.uuid4(), "Please cancel my order for the new plan", NOW)

    offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in provider.asked[0]["tools"]}
    assert offered["cancel_order"]["properties"]["order"]["type"] == "string"
    assert "cannot take this: order" in provider.asked[1]["messages"][-1]["content"]


def test_a_field_that_no_list_names_is_a_handle() -> None:
    veil = Veil()

    told = json.loads(veil.answer("billing", '{"label": "Calls", "favourite_colour": "zanzibar"}', by_handle=False))

    assert told == {"label": "Calls", "favourite_colour": "[[favourite_colour-1]]"}
    assert veil.unveiled("It is [[favourite_colour-1]].") == "It is zanzibar."


def test_amounts_dates_and_references_are_told_as_they_are() -> None:
    said = "It rose by £6.20 to 1,234.50 on 2026-03-02 at 09:00, reference A-123456, plan Fibre 900, 31 days, INC-31"

    assert Veil().text(said) == said


def test_a_handle_that_was_never_minted_stays_as_it_is() -> None:
    assert Veil().unveiled("Ask [[name-7]].") == "Ask [[name-7]]."


def test_one_time_codes_do_not_come_back() -> None:
    veil = Veil()
    veil.take_in([Known("name", "Maya Patel")])

    told = veil.text("Maya Patel: my code is 482915")

    assert "482915" not in veil.unveiled(told)
    assert veil.unveiled(told).startswith("Maya Patel")
