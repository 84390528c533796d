"""One customer's own line: its neighbours on the same plant are well. Never an outage of an area."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen


def find_drop_fault(suspicion: Suspicion) -> Hypothesis | None:
    if suspicion.element.kind != "subscriber" or not suspicion.lines_lost:
        return None
    evidence = [seen("line_lost", 3.0, count=1)]
    if neighbours := suspicion.lines_behind - suspicion.lines_lost:
        evidence.append(seen("neighbours_lines_quiet", min(neighbours, 5) * 0.5, count=neighbours, of=suspicion.lines_behind))
    if suspicion.lines_gasping:
        evidence.append(seen("dying_gasps", -4.0, count=suspicion.lines_gasping, of=suspicion.lines_lost))
    return hypothesis(suspicion.element, CauseClass.DROP, evidence)
