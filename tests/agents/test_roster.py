"""The ten agents and their tools, as they are offered."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from agents.module_agent import arguments_schema, asked_of_model
from agents.replies import has_template
from agents.roster import AUDIENCES, Member
from atlas.modules import MODULES
from tools import crm, oms
from tools.billing import bills


def test_the_roster_is_the_ten_modules(members: dict[str, Member]) -> None:
    assert tuple(members) == MODULES


def test_anybody_can_be_handed_to_a_person_by_any_module(members: dict[str, Member]) -> None:
    lacking = [
        (member.name, audience)
        for member in members.values()
        for audience in AUDIENCES
        if "hand_over" not in _names(member.tools(audience))
    ]

    assert lacking == []


def test_every_tool_has_words_for_its_answer(members: dict[str, Member]) -> None:
    tools = {tool.__name__ for member in members.values() for audience in AUDIENCES for tool in member.tools(audience)}

    assert sorted(tool for tool in tools if not has_template(tool)) == []


def test_every_tool_is_reached_by_an_example_or_by_a_question_of_ours(members: dict[str, Member]) -> None:
    reached = {example.tool for member in members.values() for example in member.brief.examples}
    # Reached by an answer to our own question, or only through a model that understands more than examples.
    by_answer = {"book_visit", "move_my_installation", "request_add_on", "request_plan_change"}
    by_model = {
        "book_visit_for",
        "move_order_visit",
        "mark_config_good",
        "record_landlord_consent",
        "promise",
        "acknowledge_alarms",
        "correct_premise_position",
        "suspend_line",
        "resume_line",
    }
    tools = {tool.__name__ for member in members.values() for audience in AUDIENCES for tool in member.tools(audience)}

    assert sorted(tools - reached - by_answer - by_model) == []


def test_no_tool_for_customers_takes_a_customer(members: dict[str, Member]) -> None:
    taking = [
        tool.__name__
        for member in members.values()
        for tool in member.tools("customer")
        if any("customer" in name for name in arguments_schema(tool)["properties"])
    ]

    assert taking == []


def test_a_tool_says_of_itself_what_its_docstring_says(members: dict[str, Member]) -> None:
    silent = [tool.__name__ for member in members.values() for audience in AUDIENCES for tool in member.tools(audience) if not tool.__doc__]

    assert silent == []


@pytest.mark.parametrize("hostile", ['{"customer_id": 7}', '{"after": 20260101}', '{"after": "2026-01-01", "limit": 1}'])
def test_arguments_a_tool_did_not_ask_for_are_refused(hostile: str) -> None:
    with pytest.raises(ValidationError):
        asked_of_model(bills.explain_bill_change).model_validate_json(hostile)


@pytest.mark.parametrize("hostile", ['{"customer_id": "7"}', '{"customer_id": true}', '{"customer_id": -1}', '{"customer_id": 1e30}'])
def test_a_number_is_a_number_within_bounds(hostile: str) -> None:
    with pytest.raises(ValidationError):
        asked_of_model(bills.balance_of).model_validate_json(hostile)


def test_a_long_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        asked_of_model(oms.quote_plan_change).model_validate_json('{"plan": "' + "x" * 501 + '"}')


def test_a_day_is_given_as_iso() -> None:
    given: Any = asked_of_model(bills.explain_bill_change).model_validate_json('{"after": "2026-01-01"}')

    assert given.after == date(2026, 1, 1)


def test_a_tools_choices_stand_in_its_schema() -> None:
    assert "whatsapp" in str(arguments_schema(crm.prefer_channel))


def _names(tools: tuple[Any, ...]) -> set[str]:
    return {tool.__name__ for tool in tools}
