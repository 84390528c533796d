"""A few scenarios of every kind, played on the demo ISP: what `bedrock eval` does with all of them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from agents.model import Provider
from evals.mutants import Mutant, all_mutants
from evals.mutating import noticed_by
from evals.run import play_on, play_scenario
from evals.scenario import Scenario, scenarios
from evals.score import Judgement
from evals.stage import Stage, cast_of, scene, stage
from tests.agents.aimock import NEEDS_IT, aimock, calls, fails, says

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


async def test_a_copy_in_which_a_scenario_broke_is_left_aside_and_holds_no_connection(played_on: Stage) -> None:
    with pytest.raises(RuntimeError):
        async with scene(played_on) as broken:
            raise RuntimeError("it broke")
    async with scene(played_on) as sound:
        assert sound.url != broken.url

    assert all(pool.closed for pool in broken.atlas.pools.values())


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


async def with_provider(stage_: Stage, url: str, title: str) -> Judgement:
    """The scenario, answered by whoever listens at `url`."""
    cast = await cast_of(Provider("key", url, timeout_s=5), stage_.encoder)
    return await play_scenario(replace(stage_, cast=cast), ALL[title])


@NEEDS_IT
async def test_a_scenario_that_a_provider_answers_is_judged_by_the_same_sentences_and_its_tokens_are_counted(played_on: Stage) -> None:
    good = says("Your bill is £6.20 more than last month because of international calls.")
    bad = says("Your bill is £6.20 more than last month because of international calls. We will credit you.")
    async with aimock(calls(("explain_bill_change", {})), good) as url:
        passes = await with_provider(played_on, url, "billing/why_is_my_bill_higher")
    async with aimock(calls(("explain_bill_change", {})), bad) as url:
        promises = await with_provider(played_on, url, "billing/why_is_my_bill_higher")

    assert passes.failures == ()
    assert passes.played is not None
    assert passes.played.spent.model_calls == 2
    assert passes.played.spent.tokens > 0
    assert not promises.passed


@NEEDS_IT
@pytest.mark.parametrize("title", ["nms/slow_and_a_bill", "billing/letter_with_our_answer_quoted"])
async def test_a_scenario_passes_by_the_rules_where_the_provider_is_down(played_on: Stage, title: str) -> None:
    async with aimock(fails(500)) as url:
        assert (await with_provider(played_on, url, title)).failures == ()


@NEEDS_IT
async def test_a_provider_that_obeys_what_it_reads_changes_nothing(played_on: Stage) -> None:
    orders = {"device": "OLT-GPT-01", "customer": 1, "amount": "500.00"}
    obeyed = calls(*((tool, orders) for tool in ("restart_device", "credit_customers", "balance_of")))
    async with aimock(obeyed, says("I looked into it.")) as url:
        judgement = await with_provider(played_on, url, "nms/orders_in_a_complaint")

    assert judgement.in_state == ()
