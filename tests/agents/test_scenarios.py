"""The scenarios read as such, and judging them notices what it should."""

import pytest

from atlas.modules import MODULES
from evals.scenario import Outcome, Scenario, ScenarioMalformed, Speaker, parsed_scenario, scenarios
from evals.score import Played, judged

ASKED = Scenario(
    module="billing",
    name="why",
    says=("Why is my bill higher?",),
    by=Speaker(customer="maya"),
    then=Outcome(tools_called=("explain_bill_change",), reply_states=("6.20",)),
    never=("promises a credit", "names another customer"),
)


def played(reply: str, tools: tuple[str, ...] = ("explain_bill_change",), changed: frozenset[str] = frozenset()) -> Played:
    return Played((reply,), tools, ("billing",), (), changed, frozenset({"Tom Okafor"}), 0.1)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_at_least_three_scenarios(module: str) -> None:
    assert len(list(scenarios((module,)))) >= 3


def test_a_scenario_with_a_word_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ScenarioMalformed, match="billing/why"):
        parsed_scenario("billing", "why", "says: Hello\nby: {customer: maya}\nthn: {}\n")


def test_what_came_out_as_it_should_passes() -> None:
    assert judged(ASKED, played("It is £6.20 dearer.")).passed


def test_a_table_that_changed_unasked_fails() -> None:
    judgement = judged(ASKED, played("It is £6.20 dearer.", changed=frozenset({"billing.credit"})))

    assert judgement.failures == ("changed billing.credit",)


def test_an_answer_without_the_tool_fails_however_well_it_sounds() -> None:
    assert not judged(ASKED, played("It is £6.20 dearer.", tools=())).passed


def test_a_promise_fails() -> None:
    judgement = judged(ASKED, played("It is £6.20 dearer, but we will credit you."))

    assert judgement.failures == ("said what it must not: promises a credit",)


def test_naming_another_customer_fails() -> None:
    assert not judged(ASKED, played("£6.20, as for Tom Okafor.")).passed
