"""Power lost: gear of one cabinet dark together, or most of what is dark behind a port gasping first."""

from cortex.findings import CauseClass, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen, what_is_behind


def find_power_loss(suspicion: Suspicion) -> Hypothesis | None:
    if suspicion.element.kind == "site":
        return _of_a_site(suspicion)
    if suspicion.element.kind == "subscriber" and suspicion.lines_gasping:
        evidence = [seen("line_lost", 3.0, count=1), seen("dying_gasps", 2.0, count=1, of=1)]
        return hypothesis(suspicion.element, CauseClass.POWER, evidence)
    if suspicion.lines_gasping and suspicion.element.kind in ("device", "link"):
        evidence = what_is_behind(suspicion)
        evidence.append(seen("dying_gasps", 1.5 * suspicion.lines_gasping, count=suspicion.lines_gasping, of=suspicion.lines_lost))
        without = suspicion.lines_lost - suspicion.lines_gasping
        if without:
            evidence.append(seen("dark_without_a_gasp", -1.5 * without, count=without, of=suspicion.lines_lost))
        return hypothesis(suspicion.element, CauseClass.POWER, evidence)
    return None


def _of_a_site(suspicion: Suspicion) -> Hypothesis:
    evidence = what_is_behind(suspicion)
    evidence.append(seen("one_site", 2.0, count=suspicion.parts, of=suspicion.site_devices))
    if suspicion.power_devices:
        weight = 2.0 * suspicion.power_devices
        evidence.append(
            seen("power_trouble", weight, alarms=suspicion.power_words, count=suspicion.power_devices, of=suspicion.site_devices)
        )
    else:
        evidence.append(seen("no_power_trouble", -1.0))
    return hypothesis(suspicion.element, CauseClass.POWER, evidence)
