"""A question of ours is not open for ever: a yes that comes two days later acts on nothing, and is asked for once more."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from agents.conversation import Asked
from agents.open_questions import OPEN_FOR, asked_at, is_too_old
from agents.replies import phrases
from agents.supervisor import Reply, Supervisor, answer
from atlas.principal import Principal
from tests import given
from tests.agents.conftest import NOW
from tests.agents.test_supervisor import somebody

Owner = AsyncConnection[tuple[Any, ...]]
ASKED = Asked(module="nms", tool="restart_my_box", arguments={}, missing="", options=[{"label": "", "arguments": {}}], words="")
BROKEN = {
    "en": ("What is wrong with my line?", "yes"),
    "es": ("¿Qué le pasa a mi línea?", "sí"),
    "de": ("Was ist mit meiner Leitung los?", "ja"),
    "fr": ("Qu'est-ce qu'elle a, ma ligne ?", "oui"),
    "hi": ("मेरी लाइन में क्या खराबी है?", "हाँ"),
}


async def after(supervisor: Supervisor, principal: Principal, turns: list[str], pause: timedelta) -> list[Reply]:
    """Each turn said this long after the one before."""
    thread = uuid.uuid4()
    return [await answer(supervisor, principal, thread, words, NOW + at * pause) for at, words in enumerate(turns)]


@pytest.fixture
async def cut_off(owner: Owner, maya: int) -> Principal:
    """Maya, whose line is well and whose box logged out this morning: she is asked whether we shall restart it."""
    session = {"subscriber_id": 1, "username": "maya", "nas_device_id": 1, "end_cause": "User-Request"}
    await given.row(owner, "cmdb.session", **session, started_at=NOW - timedelta(days=1), ended_at=NOW - timedelta(hours=1))
    return somebody(maya)


@pytest.mark.parametrize("language", BROKEN)
async def test_a_yes_two_days_later_restarts_nothing_and_only_a_second_one_does(
    supervisor: Supervisor, cut_off: Principal, language: str
) -> None:
    question, yes = BROKEN[language]
    thread, late = uuid.uuid4(), NOW + timedelta(days=2)

    offered = await answer(supervisor, cut_off, thread, question, NOW)
    again = await answer(supervisor, cut_off, thread, yes, late)
    done = await answer(supervisor, cut_off, thread, yes, late + timedelta(minutes=1))

    assert again.tools == ()
    assert again.words == phrases(language)["asked_again"].format(question=offered.words)
    assert done.tools == ("restart_my_box",)


async def test_a_yes_within_the_hour_acts_at_once(supervisor: Supervisor, cut_off: Principal) -> None:
    _, soon = await after(supervisor, cut_off, list(BROKEN["en"]), timedelta(minutes=50))

    assert soon.tools == ("restart_my_box",)


async def test_what_is_asked_anew_days_later_is_answered_and_not_taken_for_an_answer(supervisor: Supervisor, cut_off: Principal) -> None:
    _, later = await after(supervisor, cut_off, ["What is wrong with my line?", "Why is my bill higher this month?"], timedelta(days=2))

    assert later.tools == ("explain_bill_change",)


async def test_a_no_days_later_is_a_no(supervisor: Supervisor, cut_off: Principal) -> None:
    _, later = await after(supervisor, cut_off, ["What is wrong with my line?", "no"], timedelta(days=2))

    assert later.words == phrases("en")["left_it"]


def test_what_a_release_asked_that_noted_no_time_is_asked_again() -> None:
    assert is_too_old(ASKED, NOW)
    assert not is_too_old(asked_at(ASKED, NOW), NOW + OPEN_FOR)
    assert not is_too_old(None, NOW)
