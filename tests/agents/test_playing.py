"""A few scenarios of every kind, played on the demo ISP: what `bedrock eval` does with all of them."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from evals.mutants import Mutant, all_mutants
from evals.mutating import noticed_by
from evals.run import play_on, play_scenario
from evals.scenario import Scenario, scenarios
from evals.stage import Stage, scene, stage

SHORT = (
    "billing/why_is_my_bill_higher",
    "billing/verify_before_a_bill_is_explained",
    "billing/a_promise_to_pay",
    "billing/call_with_a_wrong_code",
    "billing/chat_in_two_tabs",
    "billing/letter_with_our_answer_quoted",
    "catalogue/a_price_is_not_set_by_words",
    "cmdb/a_customer_may_not_restart_an_olt",
    "crm/stop",
    "field_service/book_me_a_visit",
    "helpdesk/a_stranger_wants_a_code",
    "helpdesk/call_put_through",
    "helpdesk/letter_out_of_office",
    "nms/auf_deutsch",
    "nms/slow_and_a_bill",
    "oms/a_plan_is_ordered_after_a_yes",
)
ALL = {one.title: one for one in scenarios()}


@pytest.fixture(scope="module")
async def played_on() -> AsyncIterator[Stage]:
    async with stage() as one:
        yield one


def mutant(name: str) -> Mutant:
    return next(one for one in all_mutants(ALL.values()) if one.name == name)


@pytest.mark.parametrize("scenario", [ALL[title] for title in SHORT], ids=SHORT)
async def test_the_scenario_passes(played_on: Stage, scenario: Scenario) -> None:
    assert (await play_scenario(played_on, scenario)).failures == ()


async def test_what_was_played_is_taken_back_row_by_row(played_on: Stage) -> None:
    async with scene(played_on) as here:
        url = here.url
        with psycopg.connect(url, autocommit=True) as owner:
            before = owner.execute("SELECT md5(string_agg(one::text, '' ORDER BY id)) FROM crm.contact AS one").fetchone()
    (trials,) = await play_on(played_on, [ALL["crm/stop"]])
    with psycopg.connect(url, autocommit=True) as owner:
        after = owner.execute("SELECT md5(string_agg(one::text, '' ORDER BY id)) FROM crm.contact AS one").fetchone()
        said = owner.execute("SELECT count(*) FROM helpdesk.message WHERE words = 'STOP'").fetchone()

    assert trials[0].played is not None
    assert trials[0].played.difference
    assert (after, said) == (before, (0,))


async def test_two_trials_of_one_scenario_come_to_the_same(played_on: Stage) -> None:
    (trials,) = await play_on(played_on, [ALL["field_service/book_me_a_visit"]], trials=2, at_once=1)

    assert [one.played.actions for one in trials if one.played] == [("book_visit",), ("book_visit",)]


@pytest.mark.parametrize("name", ["explain_bill_change is a pound off", "a rise is a fall", "no example of promise_to_pay"])
async def test_a_mutant_is_noticed(played_on: Stage, name: str) -> None:
    short = [ALL[title] for title in SHORT]

    assert (await noticed_by(played_on, mutant(name), short)).by


async def test_nothing_stays_broken(played_on: Stage) -> None:
    await noticed_by(played_on, mutant("a rise is a fall"), [ALL["billing/why_is_my_bill_higher"]])

    assert (await play_scenario(played_on, ALL["billing/why_is_my_bill_higher"])).passed
