"""A matrix that is malformed, leaves a gap or contradicts itself does not load, and the message names the line."""

from pathlib import Path

import pytest

from forge.register import Register
from governance.decide import Answer, Spent, decide
from governance.facts import Facts
from governance.matrix import MatrixRefused, differences, load
from tests.governance.given import MATRIX, SMALL, line_of, pounds

SMALL_ROW = "  - rule: credit-small\n"
ALWAYS = "  - rule: {}\n    action: give_credit\n    verdict: {}\n    because: always\n"


def refusal_of(text: str) -> MatrixRefused:
    with pytest.raises(MatrixRefused) as refused:
        load(text)
    return refused.value


def edited(was: str, becomes: str, text: str = SMALL) -> str:
    assert was in text
    return text.replace(was, becomes, 1)


def test_the_small_matrix_is_sound() -> None:
    assert load(SMALL).actions == {"give_credit", "cut_off"}


def test_the_shipped_matrix_lists_the_actions_of_all_ten_modules() -> None:
    assert MATRIX.actions == Register.of_modules().actions.keys()


MALFORMED = {
    "an unknown field": ("money_up_to: 20.00", "mony_up_to: 20.00", "mony_up_to", "did you mean money_up_to?"),
    "a field twice": ("verdict: auto", "verdict: auto\n    verdict: auto", "verdict: auto\n    because", "keep one"),
    "a field missing": ("    because: a small credit\n", "", "rule: credit-small", "add because"),
    "an amount in floats": ("20.00", "2e1", "2e1", "such as 250.00"),
    "an amount with separators": ("20.00", "'1,000.00'", "1,000.00", "such as 250.00"),
    "an amount below zero": ("20.00", "-20.00", "-20.00", "such as 250.00"),
    "an amount that is no number": ("20.00", ".nan", ".nan", "such as 250.00"),
    "an amount in other digits": ("20.00", "٢٠.٠٠", "٢٠", "such as 250.00"),
    "an empty value": ("money_up_to: 20.00", "money_up_to:", "money_up_to:\n", "single word"),
    "a list for a number": ("20.00", "[20.00]", "[20.00]", "single word"),
    "an unknown verdict": ("verdict: auto", "verdict: automatic", "automatic", "did you mean auto?"),
    "an unknown role": ("approvers: billing_lead", "approvers: biling_lead", "biling_lead", "did you mean billing_lead?"),
    "the same role twice": ("[billing_lead, operations_director]", "[billing_lead, billing_lead]", "[billing_lead, b", "once"),
    "no role": ("[billing_lead, operations_director]", "[]", "[]", "at least one"),
    "a switch that is neither": ("vulnerable: yes", "vulnerable: maybe", "maybe", "use one of yes, no"),
    "a time without a unit": ("within: 1h", "within: 60", "within: 60", "such as 30m"),
    "a time of nothing": ("within: 1h", "within: 0h", "within: 0h", "such as 30m"),
    "odd quiet hours": ("21:00-08:00", "21:00-25:00", "25:00", "21:00-08:00"),
    "a rule in capitals": ("rule: credit-small", "rule: Credit", "rule: Credit", "credits-small"),
    "an anchor": ("verdict: auto", "verdict: &v auto", "&v", "write the value out"),
    "an alias": ("verdict: auto", "verdict: *v", "*v", "write the value out"),
    "a tag": ("20.00", "!!python/object/apply:os.system [ls]", "!!python", "write the value out"),
    "a merge": ("verdict: auto", "<<: {verdict: auto}", "<<", "use one of"),
    "a second matrix": ("hard_limits:", "---\nhard_limits:", "---", "one file"),
    "an unclosed list": ("[billing_lead, operations_director]", "[billing_lead", "because: a person", "correct the line"),
    "a tabulator": ("    verdict: auto", "\tverdict: auto", "\tverdict", "correct the line"),
    "a control character": ("a small credit", "a small \x00 credit", "\x00", "take it out"),
    "a sentence of two lines": ("a small credit", '"a small\\n credit"', '"a small', "one line"),
    "brackets without end": ("20.00", "[" * 3000, "[[[", "as in the matrix that ships"),
    "a number for a name": ("because: a small credit", "[1]: a small credit", "[1]", "single word"),
    "a word for the defaults": ("{expires_in: 4h, execute_within: 30m}", "long", "defaults: long", "'name: value'"),
    "a word for a row": (SMALL_ROW, "  - none\n" + SMALL_ROW, "  - none", "'name: value'"),
    "a word for the limits": ("{money: 50.00, money_each: 50.00, customers: 10}", "all", "alone: all", "'name: value'"),
    "an unknown tier": ("customers: 10}, ever", "device_tier: moon}, ever", "moon", "use one of none, customer"),
}


@pytest.mark.parametrize(("was", "becomes", "where", "remedy"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_matrix_is_refused_with_its_line_and_a_remedy(was: str, becomes: str, where: str, remedy: str) -> None:
    text = edited(was, becomes)

    refused = refusal_of(text)

    assert refused.line == line_of(text, where)
    assert remedy in refused.remedy


SENSELESS = {
    "the same rule name twice": (
        "rule: credit-large",
        "rule: credit-small",
        "rule: credit-small\n    action: give_credit\n    verdict",
        "stands on",
    ),
    "an action with no hard limit": (
        SMALL_ROW,
        ALWAYS.format("x-new", "forbid").replace("give_credit", "fly") + SMALL_ROW,
        "rule: x-new",
        "fly",
    ),
    "a hard limit with no rows": ("  cut_off: {d", "  fly: {ever: {}}\n  cut_off: {d", "  fly:", "no row decides fly"),
    "an allowance for an unknown action": ("action: give_credit\n    per", "action: fly\n    per", "rule: credit-hour", "fly"),
    "an approval by nobody": ("    approvers: billing_lead\n", "", "rule: credit-large", "nobody in particular"),
    "an approval by an auditor": ("approvers: billing_lead", "approvers: auditor", "rule: credit-large", "auditor"),
    "more roles than approvals": (
        "approvers: [billing_lead, operations_director]",
        "approvers: [billing_lead, operations_director]\n    how_many: 1",
        "rule: cut\n",
        "cannot fill",
    ),
    "three approvals": ("approvers: billing_lead", "approvers: billing_lead\n    how_many: 3", "rule: credit-large", "cannot fill"),
    "approvers of what goes alone": ("verdict: auto", "verdict: auto\n    approvers: noc_lead", "rule: credit-small", "asks nobody"),
    "an expiry where nothing waits": ("verdict: auto", "verdict: auto\n    expires_in: 1h", "rule: credit-small", "nothing expires"),
    "carrying out what is forbidden": ("verdict: forbid", "verdict: forbid\n    execute_within: 1h", "rule: cut-vul", "never carried out"),
    "a request that waits for weeks": (
        "approvers: billing_lead",
        "approvers: billing_lead\n    expires_in: 8d",
        "rule: credit-large",
        "too long",
    ),
    "an approval that never lapses": (
        "approvers: billing_lead",
        "approvers: billing_lead\n    execute_within: 2d",
        "rule: credit-large",
        "too long",
    ),
    "telling nobody": ("verdict: auto", "verdict: auto_and_tell", "rule: credit-small", "go together"),
    "telling of a forbidden thing": ("verdict: forbid", "verdict: forbid\n    tell: noc_lead", "rule: cut-vul", "go together"),
    "a row above the hard limit": ("money_up_to: 20.00", "money_up_to: 50.01", "rule: credit-small", "above the hard limit of 50.00"),
    "a disconnection that goes alone": (
        "verdict: approve\n    approvers: [billing_lead, operations_director]",
        "verdict: auto",
        "rule: cut\n",
        "never permits",
    ),
    "a disconnection alone by hard limit": ("disconnects: yes,", "disconnects: yes, alone: {},", "  cut_off: {d", "never goes alone"),
    "more alone than ever": ("alone: {money: 50.00", "alone: {money: 950.00", "  give_credit: {", "alone than ever"),
    "two hard limits": ("  cut_off: {d", "  give_credit: {ever: {}}\n  cut_off: {d", "  give_credit: {ever", "two hard limits"),
    "an allowance of nothing in particular": ("    money_up_to: 60.00\n", "", "rule: credit-hour", "limits nothing"),
    "an allowance of no action": ("money_up_to: 60.00", "actions_up_to: 0", "rule: credit-hour", "even one"),
    "an allowance that says nothing": ("per: proposer", "per: device", "rule: credit-hour", "says nothing per device"),
    "an allowance below one row": ("money_up_to: 60.00", "money_up_to: 19.99", "rule: credit-hour", "contradicts line 4"),
    "a gap": (
        "    verdict: approve\n    approvers: billing_lead\n    because: a large",
        "    money_up_to: 40.00\n    verdict: approve\n    approvers: billing_lead\n    because: a large",
        "rule: credit-large",
        "no row decides give_credit (money 40.01",
    ),
    "a gap by proposer": (
        "action: cut_off\n    verdict",
        "action: cut_off\n    by: staff\n    verdict",
        "rule: cut\n",
        "no row decides cut_off",
    ),
    "an unreachable row": (SMALL_ROW, ALWAYS.format("all", "forbid") + SMALL_ROW, SMALL_ROW, "never decides"),
    "a row that only impossible cases reach": (
        "    money_up_to: 20.00\n    verdict: auto\n    because: a small credit\n",
        "    money_each_up_to: 20.00\n    verdict: auto\n    because: a small credit\n"
        "  - rule: odd\n    action: give_credit\n    money_up_to: 20.00\n    verdict: forbid\n    because: odd\n",
        "rule: odd",
        "never decides",
    ),
    "the same conditions twice": (
        "allowances:\n",
        ALWAYS.format("again", "forbid") + "allowances:\n",
        "rule: again",
        "contradicts credit-large on line 9",
    ),
    "a laxer answer to a larger sum": (
        "    verdict: auto\n    because: a small credit\n",
        "    verdict: forbid\n    because: a small credit\n",
        "rule: credit-large",
        "contradicts credit-small on line 4",
    ),
    "fewer approvers for a larger sum": (
        "    verdict: auto\n    because: a small credit\n",
        "    verdict: approve\n    approvers: billing_lead\n    how_many: 2\n    because: a small credit\n",
        "rule: credit-large",
        "laxer for give_credit (money 20.01",
    ),
    "a laxer answer to the protected": ("vulnerable: yes", "vulnerable: no", "rule: cut\n", "contradicts cut-vulnerable"),
}


@pytest.mark.parametrize(("was", "becomes", "where", "wrong"), SENSELESS.values(), ids=SENSELESS.keys())
def test_a_senseless_matrix_is_refused_with_its_line_and_the_reason(was: str, becomes: str, where: str, wrong: str) -> None:
    text = edited(was, becomes)

    refused = refusal_of(text)

    assert refused.line == line_of(text, where)
    assert wrong in refused.wrong


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "rows", "[]", "null", "\x00", "\ufeff\ufeff", "a: b: c", "'", "rows: [\n" * 500, "? ? ? ?"]
)
def test_what_is_no_matrix_at_all_is_refused(text: str) -> None:
    assert refusal_of(text).line >= 1


def test_a_word_where_the_rows_should_stand_is_refused() -> None:
    text = "quiet_hours: 21:00-08:00\ndefaults: {expires_in: 4h, execute_within: 30m}\nrows: none\n"

    assert refusal_of(text).line == 3


def test_a_file_too_large_to_be_a_matrix_is_refused() -> None:
    assert "keep it under" in refusal_of(SMALL + "#" * 300_000).remedy


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "matrix.yaml"
    path.write_bytes(b"quiet_hours: 21:00-08:00\n# \xff\n")

    with pytest.raises(MatrixRefused) as refused:
        load(path)

    assert refused.value.line == 2


def test_more_limits_than_can_be_checked_are_refused() -> None:
    row = "  - {{rule: r-{0}, action: give_credit, money_up_to: {0}.00, customers_up_to: {0}, verdict: forbid, because: some}}\n"
    rows = "".join(row.format(number) for number in range(1, 100))

    assert "cases to check" in refusal_of(edited(SMALL_ROW, rows + SMALL_ROW)).wrong


def test_comments_and_spacing_leave_the_digest_as_it_is() -> None:
    assert load("# mine\n" + SMALL.replace("verdict: auto", "verdict:   auto  # yes")).digest == load(SMALL).digest


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("20.00", "20.01"), ("21:00", "22:00"), ("within: 1h", "within: 2h"), ("vulnerable: yes", "disputed: yes"), ("900.00", "901.00")],
)
def test_any_changed_limit_changes_the_digest(was: str, becomes: str) -> None:
    assert load(edited(was, becomes)).digest != load(SMALL).digest


def test_a_matrix_does_not_differ_from_itself() -> None:
    assert differences(load(SMALL), load("# mine\n" + SMALL)) == []


def test_a_raised_limit_shows_which_decisions_change() -> None:
    changed = differences(load(SMALL), load(edited("20.00", "30.00")))

    assert [(change.subject, change.was.split(",")[0], change.becomes.split(",")[0]) for change in changed] == [
        ("give_credit", "needs approval", "allowed")
    ]
    assert "money 20.01" in changed[0].example


def test_a_renamed_rule_changes_no_decision() -> None:
    assert differences(load(SMALL), load(edited("rule: credit-small", "rule: credit-tiny"))) == []


def test_a_changed_approver_a_new_action_an_allowance_and_the_quiet_hours_are_shown() -> None:
    edits = (
        ("approvers: billing_lead", "approvers: care_lead"),
        ("60.00", "70.00"),
        ("21:00", "22:00"),
        ("  cut_off: {d", "  note: {ever: {}}\n  cut_off: {d"),
        (SMALL_ROW, ALWAYS.format("note-it", "forbid").replace("give_credit", "note") + SMALL_ROW),
    )
    text = SMALL
    for was, becomes in edits:
        text = edited(was, becomes, text)

    assert [change.subject for change in differences(load(SMALL), load(text))] == ["give_credit", "credit-hour", "note", "quiet_hours"]


def test_what_is_not_listed_is_refused_even_in_a_small_matrix() -> None:
    matrix = load(SMALL)

    verdict = decide(Facts("fly", money=pounds("1.00"), proposed_by="staff:3"), matrix, spent=Spent.nothing(matrix))

    assert verdict.answer is Answer.REFUSED
