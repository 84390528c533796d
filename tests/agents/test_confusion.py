"""Who was asked for what: a matrix whose every figure can be counted by hand, and the router's own decisions in it."""

import pytest

from agents.router import Router
from atlas.modules import MODULES
from evals.benchmarks.intent import Sentence
from evals.confusion import ANSWERS, ASKS, PERSON, Confusion, Decision, as_json, confusion_table, most_confused, sentence
from evals.page import as_page
from evals.reports import as_json as results
from evals.routing import confusion

BILL, LINE, VISIT = ("billing",), ("nms",), ("field_service",)
SIX = Confusion(
    "six",
    (
        Decision(BILL, BILL),
        Decision(BILL, LINE),
        Decision(BILL, (ASKS,), ("billing", "nms")),
        Decision(LINE, LINE),
        Decision(LINE, (ASKS,), ("billing", "crm")),
        Decision(VISIT, (PERSON,)),
    ),
)


def test_each_row_counts_who_was_asked_what_is_an_agents_and_nothing_is_lost() -> None:
    row = dict(zip(ANSWERS, SIX.of("billing"), strict=True))

    assert (row["billing"], row["nms"], row[ASKS], row[PERSON]) == (1, 1, 1, 0)
    assert sum(sum(SIX.of(module)) for module in MODULES) == len(SIX.decisions)


def test_recall_is_of_its_own_sentences_and_precision_of_what_it_was_asked() -> None:
    assert SIX.recall("billing") == pytest.approx(1 / 3)
    assert SIX.precision("billing") == 1
    assert SIX.precision("nms") == 1 / 2
    assert (SIX.recall("field_service"), SIX.precision("field_service"), SIX.recall("gis")) == (0, None, None)


def test_right_wrong_and_abstained_are_all_there_is() -> None:
    assert (SIX.top_1, SIX.wrong, SIX.abstained) == (2 / 6, 1 / 6, 3 / 6)


def test_a_question_back_is_good_where_it_names_one_who_may_answer() -> None:
    assert SIX.asked_well == 1 / 2
    assert Confusion("none", (Decision(BILL, BILL),)).asked_well is None


def test_where_several_may_answer_any_of_them_is_right_and_counts_as_theirs() -> None:
    either = Decision(("billing", "catalogue"), ("catalogue",))
    neither = Decision(("billing", "catalogue"), LINE)

    assert (either.is_right, either.cell) == (True, ("catalogue", "catalogue"))
    assert (neither.is_right, neither.cell) == (False, ("billing", "nms"))


def test_of_a_message_that_was_split_one_right_part_is_right() -> None:
    assert Decision(LINE, ("billing", "nms")).cell == ("nms", "nms")
    assert Decision(VISIT, ("billing", "nms")).cell == ("field_service", "billing")


def test_whoever_is_taken_for_another_is_named_oftenest_first() -> None:
    assert list(most_confused(SIX)) == [("billing", "nms", 1)]


def test_no_sentence_at_all_has_no_shares_and_still_a_table() -> None:
    empty = Confusion("empty", ())

    assert (empty.top_1, empty.labels, as_json(empty)["agents"]) == (None, (), {})
    assert sentence(empty).startswith("empty (0): – ")
    assert confusion_table(empty).row_count == 0


def test_the_matrix_stands_in_the_json_and_on_the_page() -> None:
    shown = results([], "rules", [SIX])["router"][0]

    assert shown["agents"]["billing"]["asked"]["nms"] == 1
    assert "33.3% to an agent who may answer" in as_page([], "rules", [SIX])
    assert "router" not in results([], "rules")


async def test_the_router_decides_as_it_does_for_a_customer(router: Router) -> None:
    found = await confusion("two", router, [Sentence("Why is my bill higher this month?", BILL), Sentence("zzz qqq xxx", ("helpdesk",))])

    assert [one.did for one in found.decisions] == [BILL, (PERSON,)]
