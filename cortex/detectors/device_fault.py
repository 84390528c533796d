"""A device that failed: it says a last word, or all its neighbours miss it at once."""

from atlas.cmdb.records.plant import PASSIVE_KINDS
from cortex.findings import CauseClass, Element, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen, what_is_behind


def find_device_fault(suspicion: Suspicion) -> Hypothesis | None:
    device = _device(suspicion)
    if device is None or suspicion.is_card or suspicion.is_all_unreachable or suspicion.degraded:
        return None
    evidence = what_is_behind(suspicion)
    if suspicion.last_words:
        evidence.append(seen("last_words", 3.0, alarms=suspicion.last_words, count=len(suspicion.last_words)))
    else:
        evidence.append(seen("no_last_word", -0.7))
    if suspicion.far_end_words:
        evidence.append(seen("far_end_lives", -4.0, alarms=suspicion.far_end_words, count=len(suspicion.far_end_words)))
    return hypothesis(device, CauseClass.DEVICE, evidence)


def _device(suspicion: Suspicion) -> Element | None:
    if suspicion.kind in PASSIVE_KINDS or len(suspicion.elements) > 1:
        return None
    return suspicion.element if suspicion.element.kind == "device" else suspicion.fed
