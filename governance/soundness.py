"""Whether each line of a matrix makes sense by itself and beside the hard limits: names, approvers, times, and sizes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from atlas.principal import Role
from governance.columns import MatrixRefused
from governance.rows import Allowance, Answer, HardLimit, Limits, Matrix, Per, Row

MOST_APPROVERS: Final = 2  # with more, who stands for which role is no longer plain to read
LONGEST_WAIT: Final = timedelta(days=7)
LONGEST_EXECUTION: Final = timedelta(days=1)
MEASURES: Final = ("money", "money_each", "customers", "devices", "crews", "device_tier")
ALLOWED_MEASURES: Final = ("money_up_to", "customers_up_to", "devices_up_to", "actions_up_to")

MEANINGLESS: Final = {
    Per.CUSTOMER: ("customers_up_to", "devices_up_to"),
    Per.DEVICE: ("money_up_to", "customers_up_to", "devices_up_to"),
}


def check_soundness(matrix: Matrix) -> None:
    """Raises MatrixRefused for the first line that is wrong."""
    _check_names(matrix)
    for line in _lines(matrix):
        _check_approvers(line)
        _check_times(line)
    for row in matrix.rows:
        _check_telling(row)
    for limit in matrix.hard_limits:
        _check_hard_limit(limit)
        for row in matrix.rows_for(limit.action):
            _check_beneath(row, limit)
    for allowance in matrix.allowances:
        _check_allowance(allowance, matrix)


def _lines(matrix: Matrix) -> tuple[Row | Allowance, ...]:
    return (*matrix.rows, *matrix.allowances)


def _check_names(matrix: Matrix) -> None:
    seen: dict[str, int] = {}
    for line in _lines(matrix):
        if line.rule in seen:
            raise MatrixRefused(line.line, f"the rule {line.rule} stands on line {seen[line.rule]} already", "give it another name")
        seen[line.rule] = line.line
        for action in line.actions:
            if matrix.hard_limit_for(action) is None:
                raise MatrixRefused(line.line, f"{action} has no hard limit", f"add {action} under hard_limits, or correct the name")
            if action not in matrix.actions:
                raise MatrixRefused(line.line, f"no row decides {action}", f"add a row for {action}, or take it out here")
    for limit in matrix.hard_limits:
        if limit.action not in matrix.actions:
            raise MatrixRefused(limit.line, f"no row decides {limit.action}", f"add a row for {limit.action}, or take the limit out")


def _check_approvers(line: Row | Allowance) -> None:
    if line.answer is not Answer.NEEDS_APPROVAL:
        if line.approvers or line.how_many:
            raise MatrixRefused(line.line, f"{line.rule} names approvers, but asks nobody", "take them out, or say approve")
        return
    if not line.approvers:
        raise MatrixRefused(line.line, f"{line.rule} waits for nobody in particular", "add approvers, such as [noc_lead]")
    if Role.AUDITOR in line.approvers:
        raise MatrixRefused(line.line, "an auditor approves nothing", "name another role")
    if not len(line.approvers) <= line.how_many <= MOST_APPROVERS:
        raise MatrixRefused(
            line.line,
            f"{line.how_many} approvals cannot fill the roles {', '.join(line.approvers)}",
            f"each role named must give one, and {MOST_APPROVERS} is the most",
        )


def _check_times(line: Row | Allowance) -> None:
    if line.answer is not Answer.NEEDS_APPROVAL and line.expires_in:
        raise MatrixRefused(line.line, f"{line.rule} waits for nobody, so nothing expires", "take expires_in out")
    if line.answer is Answer.REFUSED and line.execute_within:
        raise MatrixRefused(line.line, f"{line.rule} is never carried out", "take execute_within out")
    if line.expires_in > LONGEST_WAIT or line.execute_within > LONGEST_EXECUTION:
        raise MatrixRefused(line.line, f"{line.rule} stays open for too long", "7d to approve and 1d to carry out are the most")


def _check_telling(row: Row) -> None:
    if (row.answer is Answer.ALLOWED_AND_TOLD) is not bool(row.tell):
        raise MatrixRefused(row.line, f"{row.rule}: tell and auto_and_tell go together", "say both or neither")


def _check_hard_limit(limit: HardLimit) -> None:
    if limit.alone is None:
        return
    if limit.disconnects:
        raise MatrixRefused(limit.line, f"{limit.action} disconnects, so it never goes alone", "take alone out")
    for name in _measures_above(limit.alone, limit.ever):
        raise MatrixRefused(limit.line, f"{limit.action} may reach more {name} alone than ever", f"lower {name} under alone")


def _measures_above(lower: Limits, upper: Limits) -> Iterable[str]:
    return (name for name in MEASURES if getattr(lower, name) > getattr(upper, name))


def _check_beneath(row: Row, limit: HardLimit) -> None:
    bound = limit.alone if row.answer.is_alone else limit.ever
    if bound is None:
        raise MatrixRefused(
            row.line,
            f"{row.rule} lets {limit.action} go alone, which the hard limit on line {limit.line} never permits",
            "say approve",
        )
    for name in MEASURES:
        most, given = getattr(bound, name), getattr(row, f"{name}_up_to")
        if given is not None and given > most:
            wrong = f"{row.rule}: {name}_up_to {_said(given)} is above the hard limit of {_said(most)} on line {limit.line}"
            raise MatrixRefused(row.line, wrong, "lower it")


def _check_allowance(allowance: Allowance, matrix: Matrix) -> None:
    if all(getattr(allowance, name) is None for name in ALLOWED_MEASURES):
        raise MatrixRefused(allowance.line, f"{allowance.rule} limits nothing", f"add one of {', '.join(ALLOWED_MEASURES)}")
    for name in MEANINGLESS.get(allowance.per, ()):
        if getattr(allowance, name) is not None:
            raise MatrixRefused(allowance.line, f"{name} says nothing per {allowance.per}", f"take {name} out")
    if allowance.actions_up_to == 0:
        raise MatrixRefused(allowance.line, f"{allowance.rule} never lets even one through", "write a row that says so instead")
    for action in allowance.actions:
        for row in matrix.rows_for(action):
            if row.answer.is_alone:
                _check_leaves_room(allowance, row)


def _check_leaves_room(allowance: Allowance, row: Row) -> None:
    """A row whose every largest case the allowance stops says one thing and means another."""
    share = row.money_each_up_to if allowance.per is Per.CUSTOMER else row.money_up_to
    asked = {"money_up_to": share, "customers_up_to": row.customers_up_to, "devices_up_to": row.devices_up_to}
    for name, wanted in asked.items():
        most = getattr(allowance, name)
        if most is not None and wanted is not None and most < wanted:
            contradiction = f"{row.rule} lets {_said(wanted)} go alone at once, this only {_said(most)} in all"
            raise MatrixRefused(
                allowance.line, f"{allowance.rule} contradicts line {row.line}: {contradiction}", f"raise {name} here, or lower it there"
            )


def _said(measure: object) -> str:
    name = getattr(measure, "name", None)
    return name.lower() if isinstance(name, str) else str(measure).replace(",", "")
