"""The scenarios read as such, judging them notices what it should, and what is reported of them is true."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from agents.language import LANGUAGES
from agents.replies import phrases
from atlas.modules import MODULES
from evals.accepted import accept, drops
from evals.difference import Change, customers_in, net
from evals.page import as_page
from evals.reports import as_json, as_junit, pass_hat, summary
from evals.scenario import Outcome, Ruling, Scenario, ScenarioMalformed, Shown, Speaker, Turn, parsed_scenario, scenarios
from evals.score import Judgement, Played, TurnPlayed, judged

SCHEMA = (Path(__file__).parents[2] / "atlas" / "schema.sql").read_text()
ASKED = Scenario(
    module="billing",
    name="why",
    says=(Turn(words="Why is my bill higher?"),),
    by=Speaker(customer="maya"),
    then=Outcome(tools_called=("explain_bill_change",), reply_states=("6.20",)),
    never=("promises a credit", "names another customer"),
)
CREDIT = Change("billing.credit", "[1]", None, {"id": 1, "customer_id": 7, "amount": "5.00"})


def played(reply: str, tools: tuple[str, ...] = ("explain_bill_change",), **more: object) -> Played:
    turn = TurnPlayed("Why is my bill higher?", reply, tools, ("billing",), {"route": {}}, 0.1)
    return replace(Played((turn,), other_names=frozenset({"Tom Okafor"}), customer=7), **more)  # type: ignore[arg-type]


GOOD = judged(ASKED, played("It is £6.20 dearer."))
BAD = judged(ASKED, played("It is £6.20 dearer, <b>but</b> we will credit you."))


def test_there_are_ten_scenarios_a_module_and_a_third_of_all_is_trouble() -> None:
    found = {module: list(scenarios((module,))) for module in MODULES}
    everything = [one for own in found.values() for one in own]

    assert min(len(own) for own in found.values()) >= 10
    assert len(everything) >= 150
    assert sum(one.kind != "request" for one in everything) * 3 >= len(everything)


@pytest.mark.parametrize("doors", [{"mailbox"}, {"widget"}, {"relay", "gather"}], ids=["letters", "the chat of our site", "calls"])
def test_every_way_in_has_four_scenarios_or_more_and_a_third_of_them_is_trouble(doors: set[str]) -> None:
    found = [one for one in scenarios() if one.doors & doors]

    assert len(found) >= 4
    assert sum(one.kind != "request" for one in found) * 3 >= len(found)


def test_every_table_that_a_scenario_names_is_one_of_atlas() -> None:
    known = set(re.findall(r"^CREATE TABLE (\S+) \(", SCHEMA, re.MULTILINE))
    named = {
        table
        for one in scenarios()
        for table in (*one.never_changes, *one.then.atlas_changes_only, *(shown.table for shown in one.then.atlas_shows))
    }

    assert named <= known


def test_a_scenario_with_a_word_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(ScenarioMalformed, match="billing/why"):
        parsed_scenario("billing", "why", "says: Hello\nby: {customer: maya}\nthn: {}\n")


def test_a_turn_may_be_somebody_elses() -> None:
    read = parsed_scenario("billing", "why", "says: [Hello, {words: Hi, by: {staff: helen}}]\nby: {customer: maya}\nthen: {}\n")

    assert [read.speaker(turn).audience for turn in read.says] == ["customer", "staff"]


def test_what_came_out_as_it_should_passes() -> None:
    assert GOOD.passed


def test_a_table_that_changed_unasked_fails() -> None:
    assert judged(ASKED, played("It is £6.20 dearer.", difference=(CREDIT,))).in_state == ("changed billing.credit",)


def test_a_row_that_came_and_went_again_is_no_difference_but_may_be_forbidden() -> None:
    gone = Change("billing.credit", "[1]", CREDIT.after, None)
    strict = ASKED.model_copy(update={"never_changes": ("billing.credit",)})

    assert net([CREDIT, gone]) == ()
    assert not judged(strict, played("£6.20", ever_written=frozenset({"billing.credit"}))).passed


def test_a_deleted_row_is_a_difference() -> None:
    (change,) = net([Change("crm.contact", "[3]", {"id": 3}, None)])

    assert change.kind == "gone"


def test_an_action_beyond_those_wanted_fails() -> None:
    wanted = ASKED.model_copy(update={"then": Outcome(proposes=("request_credit",))})

    assert judged(wanted, played("£6.20", actions=("request_credit", "restart_device"))).in_state
    assert judged(ASKED, played("£6.20", actions=("hand_over_to_person",))).in_state


def test_rows_of_another_customer_fail_and_are_found_by_their_line_too() -> None:
    touched = customers_in([Change("nms.errand", "[1]", None, {"subscriber_id": 40})], {40: 9})

    assert touched == {9}
    assert judged(ASKED, played("£6.20", customers_touched=touched)).in_state == ("touched rows of customers 9",)


def test_what_atlas_must_show_is_counted() -> None:
    credited = Outcome(atlas_shows=(Shown(table="billing.credit", having={"customer_id": 7}),))
    wanted = ASKED.model_copy(update={"then": credited})

    assert judged(wanted, played("Done.", difference=(CREDIT,))).passed
    assert not judged(wanted, played("Done.")).passed


def test_a_ruling_that_should_have_been_refused_fails() -> None:
    wanted = ASKED.model_copy(update={"approvals": (Ruling(action="issue_credits", by="marcus", ruling="refused"),)})

    assert judged(wanted, played("£6.20", ruled=("approve",))).in_state


def test_an_answer_without_the_tool_fails_however_well_it_sounds() -> None:
    assert judged(ASKED, played("It is £6.20 dearer.", tools=())).in_state


def test_a_promise_fails_by_its_words_alone() -> None:
    assert BAD.in_words == ("said what it must not: promises a credit",)
    assert not BAD.in_state


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_excuse_instead_of_an_answer_fails_in_every_language(language: str) -> None:
    excused = judged(ASKED, played(f"It is £6.20 dearer. {phrases(language)['out_of_order']['customer']}"))

    assert excused.in_words == ("could not look something up",)


def test_an_answer_to_a_program_fails_and_silence_towards_a_person() -> None:
    turn = TurnPlayed("I am out of the office", "Thank you.", (), (), {}, 0.1, is_answered=False)
    silent = ASKED.model_copy(update={"then": Outcome()})

    assert judged(silent, Played((turn,))).in_words == ("answered what nobody may answer",)
    assert judged(silent, Played((replace(turn, reply="", is_answered=True),))).in_words == ("left somebody without an answer",)
    assert judged(silent, Played((replace(turn, reply=""),))).passed


def test_what_an_answer_by_a_door_writes_is_of_the_door_and_nothing_else() -> None:
    by_mail = ASKED.model_copy(update={"by": Speaker(customer="maya", door="mailbox")})
    kept = Change("helpdesk.inbox", "[1]", None, {"id": 1})

    assert judged(by_mail, played("£6.20", difference=(kept,))).passed
    assert judged(ASKED, played("£6.20", difference=(kept,))).in_state == ("changed helpdesk.inbox",)
    assert judged(by_mail, played("£6.20", difference=(CREDIT,))).in_state == ("changed billing.credit",)


def test_naming_another_customer_fails() -> None:
    assert not judged(ASKED, played("£6.20, as for Tom Okafor.")).passed


def test_four_in_a_row_are_likelier_to_fail_than_one() -> None:
    trials = [GOOD, GOOD, GOOD, GOOD, GOOD, BAD]

    assert pass_hat(trials, 1) == pytest.approx(5 / 6)
    assert pass_hat(trials, 4) == pytest.approx(1 / 3)
    assert pass_hat([GOOD], 4) is None


def test_the_summary_tells_modules_latency_and_cost() -> None:
    found = summary([[GOOD] * 4, [GOOD, GOOD, GOOD, BAD]], "rules")

    assert (found["scenarios"], found["pass_1"], found["pass_4"]) == (2, 0.875, 0.5)
    assert found["modules"]["billing"]["turn_p50_ms"] == 100
    assert as_json([[GOOD]], "rules")["results"][0]["passed"] is True


def test_junit_counts_what_failed() -> None:
    suite = Xml.fromstring(as_junit([[GOOD], [BAD]]))[0]  # noqa: S314 - our own text

    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")


def test_the_page_holds_the_transcript_and_nothing_said_in_it_is_markup() -> None:
    page = as_page([[BAD]], "rules")

    assert "but&lt;/b&gt; we will credit you" in page
    assert "<b>but" not in page
    assert "src=" not in page


def test_an_error_is_a_failure_of_its_scenario_only() -> None:
    stopped = Judgement(ASKED, None, ("stopped by ValueError",))

    assert summary([[stopped], [GOOD]], "rules")["pass_1"] == 0.5


def test_a_scenario_that_passed_and_fails_is_a_drop(tmp_path: Path) -> None:
    known = tmp_path / "accepted.json"
    accept([[GOOD]], "rules", known)

    assert drops([[GOOD]], "rules", is_whole=True, path=known) == []
    assert drops([[BAD]], "rules", is_whole=True, path=known) == ["billing/why fails"]


def test_a_scenario_taken_away_is_a_drop_and_one_known_to_fail_is_not(tmp_path: Path) -> None:
    known = tmp_path / "accepted.json"
    accept([[BAD], [GOOD]], "rules", known)

    assert drops([[BAD]], "rules", is_whole=False, path=known) == []
    assert drops([[BAD]], "rules", is_whole=True, path=known) == ["billing has 1 scenarios, and had 2"]
    assert json.loads(known.read_text())["rules"]["billing"]["failing"] == ["why"]
