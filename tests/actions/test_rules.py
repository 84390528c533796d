"""How actions are named, and when they are over."""

import pytest

from atlas.actions.records import ActionState
from atlas.actions.rules import action_named, is_in_doubt, is_over, reference
from atlas.errors import InvalidField
from atlas.identity import ActionId


@pytest.mark.parametrize("text", ["A-123", " a-123 "])
def test_a_reference_names_its_action(text: str) -> None:
    assert action_named(text) == 123
    assert reference(ActionId(123)) == "A-123"


@pytest.mark.parametrize("text", ["123", "A-0", "A--1", "A-1; DROP TABLE", "", "A-" + "9" * 40, "A-١"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        action_named(text)


def test_an_action_that_waits_is_not_over_and_one_that_was_done_is() -> None:
    over = {state for state in ActionState if is_over(state)}

    assert over == {
        ActionState.REFUSED,
        ActionState.REJECTED,
        ActionState.EXPIRED,
        ActionState.DONE,
        ActionState.FAILED,
        ActionState.SUPERSEDED,
    }


def test_the_third_silence_leaves_it_to_a_person() -> None:
    assert [is_in_doubt(attempts) for attempts in (1, 2, 3)] == [False, False, True]
