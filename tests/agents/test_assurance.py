"""How surely somebody must be known before they hear something: each tool says so, and a lower level is asked to verify first."""

import uuid

import pytest

from agents.budgets import Purse
from agents.conversation import TurnContext
from agents.module_agent import call_tool
from agents.roster import Member, roster
from agents.supervisor import Supervisor, answer
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import Assurance, customer, stranger
from tests.agents.conftest import NOW
from tests.asking import asking
from tools import nms
from tools.billing import bills
from tools.turn import AssuranceUnstated, NotSureEnough, assurance_of

PERSONAL = {
    "billing": Assurance.VERIFIED,
    "cmdb": Assurance.VERIFIED,
    "field_service": Assurance.VERIFIED,
    "oms": Assurance.VERIFIED,
}


def test_every_tool_for_customers_says_how_surely_they_must_be_known(members: dict[str, Member]) -> None:
    stated = {tool.__name__: assurance_of(tool) for member in members.values() for tool in member.tools("customer")}

    assert {name for name, level in stated.items() if level is Assurance.UNKNOWN} == {
        "hand_over",
        "is_there_an_outage",
        "list_areas",
        "plans_on_sale",
        "find_article",
        "show_plans",
        "sign_up",
        "what_can_i_get",
        "what_plan_includes",
    }
    assert {
        name
        for name, level in stated.items()
        if level is Assurance.ADDRESS_ON_FILE and name not in ("stop_messages", "start_messages", "send_code")
    } == {"what_is_wrong_with_my_line"}


def test_money_equipment_visits_and_orders_are_for_somebody_who_is_verified(members: dict[str, Member]) -> None:
    below = [
        (module, tool.__name__)
        for module, level in PERSONAL.items()
        for tool in members[module].agent.for_customers
        if assurance_of(tool) < level
    ]

    assert below == []


def test_a_tool_that_states_no_level_is_not_offered() -> None:
    async def what_is_my_password() -> str:
        """Nobody should have written this."""
        return ""

    members = roster()
    bare = members["billing"].agent.for_customers

    assert all(assurance_of(tool) for tool in bare)
    with pytest.raises(AssuranceUnstated):
        assurance_of(what_is_my_password)


async def test_a_known_number_alone_hears_of_no_money(atlas: Atlas, maya: int) -> None:
    async with asking(atlas, customer(CustomerId(maya)), level=Assurance.ADDRESS_ON_FILE) as (turn, _):
        with pytest.raises(NotSureEnough):
            await bills.balance(turn)


async def test_a_known_number_alone_is_not_told_how_its_line_is(atlas: Atlas, maya: int) -> None:
    async with asking(atlas, customer(CustomerId(maya)), level=Assurance.ADDRESS_ON_FILE) as (turn, _):
        with pytest.raises(NotSureEnough):
            await nms.what_is_wrong_with_my_line(turn)


async def test_whoever_is_not_sure_enough_is_asked_to_verify_and_hears_no_figure(supervisor: Supervisor, maya: int) -> None:
    claimed = customer(CustomerId(maya), Assurance.ADDRESS_ON_FILE)

    reply = await answer(supervisor, claimed, uuid.uuid4(), "Why is my bill higher this month?", NOW)

    assert "Write CODE" in reply.words
    assert "6.20" not in reply.words


async def test_a_stranger_is_not_asked_for_a_code_that_could_go_nowhere(supervisor: Supervisor, maya: int) -> None:
    reply = await answer(supervisor, stranger(), uuid.uuid4(), "How much do I owe?", NOW)

    assert "CODE" not in reply.words
    assert "do not know this number" in reply.words


async def test_the_level_is_checked_where_the_tool_is_called_whatever_model_asked(supervisor: Supervisor, maya: int) -> None:
    someone, run = customer(CustomerId(maya), Assurance.ADDRESS_ON_FILE), CorrelationId(uuid.uuid4())
    context = TurnContext(
        someone,
        NOW,
        supervisor.timezone,
        run,
        supervisor.atlas,
        supervisor.propose,
        supervisor.tool_calls,
        Purse(supervisor.atlas, someone, run, supervisor.clock),
    )

    with pytest.raises(NotSureEnough):
        await call_tool(context, bills.latest_bill, {})
