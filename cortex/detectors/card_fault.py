"""A card: several ports of one living device dark at once, or the device says so itself."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen, what_is_behind


def find_card_fault(suspicion: Suspicion) -> Hypothesis | None:
    if not suspicion.is_card:
        return None
    evidence = what_is_behind(suspicion)
    if suspicion.parts:
        evidence.append(seen("ports_of_one_device", 2.0 * suspicion.parts, count=suspicion.parts))
    if suspicion.card_words:
        evidence.append(seen("card_said_so", 4.0, alarms=suspicion.card_words))
    return hypothesis(suspicion.element, CauseClass.CARD, evidence)
