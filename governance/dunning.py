"""Reads the dunning ladder that the operator edits, and refuses one that skips, goes back, or is harsher than the house allows."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from yaml.nodes import Node

from atlas.billing.records.dunning import Does, Ladder, LateFee, Rung
from atlas.billing.rules.debts import LEAST_DEBT_TO_SUSPEND, SUSPEND_AFTER
from atlas.money import ZERO
from governance import columns
from governance.columns import MatrixRefused, document, elements, fields_of, line_of, several, word

SHIPPED: Final = Path(__file__).with_name("dunning.yaml")
DAYS: Final = {name: place for place, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))}
TAX_CATEGORIES: Final = ("standard", "reduced", "zero", "exempt")
NO_DAYS: Final[tuple[int, ...]] = ()
DOES: Final = {one.value: one for one in Does}
# The order of harm; a ladder goes up and never down, but a letter may follow anything.
HARM: Final = {Does.MESSAGE: 0, Does.WARN: 0, Does.RESTRICT: 1, Does.SUSPEND: 2, Does.TERMINATE: 3}
WORDS: Final = frozenset({Does.MESSAGE, Does.WARN})
# No operator cuts anybody off whom they told the day before.
LEAST_NOTICE: Final = timedelta(days=2)
KNOWN: Final = ("apart", "blackout", "notice", "warn_again", "promise_up_to", "broken_promises", "late_fee", "steps")
FEE: Final = ("amount", "overdue_for", "owed_at_least", "tax_category")
STEP: Final = ("step", "does", "overdue_for", "owed_at_least", "unpaid_bills")


class LadderRefused(MatrixRefused):
    """The dunning ladder cannot be used: which line, what is wrong there, and what to do."""

    def __init__(self, line: int, wrong: str, remedy: str) -> None:
        super().__init__(line, wrong, remedy)
        self.args = (f"dunning ladder line {line}: {wrong}; {remedy}",)


def load(source: str | Path) -> Ladder:
    """The ladder in a text or a file, checked whole. Raises LadderRefused with the first thing wrong, and its line."""
    try:
        return _checked(_read(source.read_text(encoding="utf-8") if isinstance(source, Path) else source))
    except LadderRefused:
        raise
    except MatrixRefused as error:
        raise LadderRefused(error.line, error.wrong, error.remedy) from error


@cache
def operators_ladder() -> Ladder:
    """The one that the operator edits, read once."""
    return load(SHIPPED)


def _read(text: str) -> Ladder:
    fields = fields_of(document(text), "dunning ladder", KNOWN)
    return Ladder(
        rungs=tuple(_rung(node) for node in fields.need("steps", lambda node: elements(node, "steps"))),
        apart=fields.need("apart", columns.duration),
        blackout=frozenset(fields.read("blackout", several(word(DAYS)), NO_DAYS)),
        notice=fields.need("notice", columns.duration),
        warn_again=fields.need("warn_again", columns.duration),
        promise_up_to=fields.need("promise_up_to", columns.duration),
        broken_promises=fields.need("broken_promises", columns.whole),
        late_fee=fields.read("late_fee", _late_fee, None),
    )


def _late_fee(node: Node) -> LateFee | None:
    fields = fields_of(node, "late fee", FEE)
    fee = LateFee(
        amount=fields.need("amount", columns.money),
        overdue_for=fields.need("overdue_for", columns.duration),
        owed_at_least=fields.need("owed_at_least", columns.money),
        tax_category=fields.read("tax_category", word({name: name for name in TAX_CATEGORIES}), "exempt"),
    )
    if fee.amount <= ZERO or fee.amount > fee.owed_at_least:
        raise LadderRefused(line_of(node), f"a late fee of {fee.amount}", f"write more than nothing and no more than {fee.owed_at_least}")
    return fee


def _rung(node: Node) -> Rung:
    fields = fields_of(node, "step", STEP)
    return Rung(
        step=fields.need("step", columns.rule_name),
        does=fields.need("does", word(DOES)),
        overdue_for=fields.need("overdue_for", columns.duration),
        owed_at_least=fields.need("owed_at_least", columns.money),
        unpaid_bills=fields.read("unpaid_bills", columns.whole, 1),
        line=line_of(node),
    )


def _checked(ladder: Ladder) -> Ladder:
    if not ladder.rungs:
        raise LadderRefused(1, "the ladder has no step", "write at least one")
    if len(ladder.blackout) == len(DAYS):
        raise LadderRefused(1, "every day is a blackout day", "leave one on which somebody may be cut off")
    harm, before = 0, ladder.rungs[0]
    for place, rung in enumerate(ladder.rungs):
        if any(rung.step == other.step for other in ladder.rungs[:place]):
            raise LadderRefused(rung.line, f"the step {rung.step} stands twice", "name each once: a step is taken once for a debt")
        if rung.overdue_for < before.overdue_for:
            raise LadderRefused(rung.line, f"{rung.step} comes before {before.step}", "write the steps in the order of their time")
        if rung.does not in WORDS and HARM[rung.does] <= harm:
            raise LadderRefused(rung.line, f"{rung.step} does no more than a step before it", "take it out, or let it do more")
        _check_floor(rung, place)
        _check_warning(ladder, rung, place)
        harm, before = max(harm, HARM[rung.does]), rung
    _check_fee(ladder)
    return ladder


def _check_warning(ladder: Ladder, rung: Rung, place: int) -> None:
    if rung.does is not Does.SUSPEND:
        return
    if ladder.notice < LEAST_NOTICE:
        raise LadderRefused(
            1, f"a notice of {ladder.notice.days} days is harsher than this house ever is", f"write at least {LEAST_NOTICE.days}d"
        )
    warned = [other for other in ladder.rungs[:place] if other.does is Does.WARN]
    if not warned or rung.overdue_for - warned[0].overdue_for < ladder.notice:
        remedy = f"let a step that does warn come {ladder.notice.days} days before it"
        raise LadderRefused(rung.line, f"{rung.step} cuts somebody off who was not told in time", remedy)


def _check_fee(ladder: Ladder) -> None:
    first = ladder.rungs[0]
    if ladder.late_fee is not None and ladder.late_fee.overdue_for <= first.overdue_for:
        raise LadderRefused(1, "the late fee comes before anybody was written to", f"write more than {first.overdue_for.days}d")


def _check_floor(rung: Rung, place: int) -> None:
    if rung.does in WORDS:
        return
    if place == 0:
        raise LadderRefused(rung.line, f"{rung.step} cuts somebody off who was never written to", "let a message come first")
    if rung.does is not Does.RESTRICT and (rung.overdue_for < SUSPEND_AFTER or rung.owed_at_least < LEAST_DEBT_TO_SUSPEND):
        floor = f"{SUSPEND_AFTER.days}d and {LEAST_DEBT_TO_SUSPEND}"
        raise LadderRefused(rung.line, f"{rung.step} is harsher than this house ever is", f"write at least {floor}")
