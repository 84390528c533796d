"""Transit or peering lost: a gateway complains of a port that leads out of our plant."""

from atlas.cmdb.records.plant import DeviceKind
from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen


def find_upstream_loss(suspicion: Suspicion) -> Hypothesis | None:
    if suspicion.kind is not DeviceKind.GATEWAY or suspicion.alarmed or not suspicion.complaints:
        return None
    evidence = [seen("gateway_lost_its_peer", 4.5, alarms=suspicion.complaints, count=len(suspicion.complaints))]
    if suspicion.has_another_way:
        evidence.append(seen("another_way_round", 1.0))
    return hypothesis(suspicion.element, CauseClass.UPSTREAM, evidence)
