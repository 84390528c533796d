"""A link lost where another way round exists: redundancy gone, service kept."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen


def find_ring_degradation(suspicion: Suspicion) -> Hypothesis | None:
    if not suspicion.has_another_way or suspicion.element.kind not in ("link", "conduit"):
        return None
    evidence = [
        seen("healthy_neighbours_complain", 2.0 * suspicion.complaining, alarms=suspicion.complaints, count=suspicion.complaining),
        seen("another_way_round", 2.0),
    ]
    return hypothesis(suspicion.element, CauseClass.DEGRADATION, evidence)
