"""Light too weak on several lines of one splitter or port: dirt, a bend, water; nobody cut off yet."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen


def find_pon_degradation(suspicion: Suspicion) -> Hypothesis | None:
    if suspicion.element.kind != "device" or not suspicion.degraded:
        return None
    evidence = [seen("lines_degraded", 2.0 * suspicion.degraded, alarms=suspicion.complaints, count=suspicion.degraded)]
    return hypothesis(suspicion.element, CauseClass.DEGRADATION, evidence)
