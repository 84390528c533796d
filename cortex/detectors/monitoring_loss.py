"""The watcher lost its sight: everything unreachable, while nobody's session, port or power says so."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen


def find_monitoring_loss(suspicion: Suspicion) -> Hypothesis | None:
    if not suspicion.is_all_unreachable:
        return None
    evidence = [
        seen("everything_unreachable", 6.0, count=len(suspicion.alarmed), of=len(suspicion.alarmed) + len(suspicion.quiet)),
        seen("no_other_sign_of_loss", 4.0),
    ]
    return hypothesis(suspicion.element, CauseClass.MONITORING, evidence)
