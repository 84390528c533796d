"""A cut fibre: a feeder or trunk, a whole conduit, a ring cut twice, or what lies behind one splitter."""

from atlas.cmdb.records.plant import PASSIVE_KINDS, DeviceKind
from cortex.findings import CauseClass, Element, Hypothesis
from cortex.suspicion import Suspicion, hypothesis, seen, what_is_behind

FIBRES = ("link", "conduit")


def find_fibre_cut(suspicion: Suspicion) -> Hypothesis | None:
    """Dark behind it and no last word from it; the likeliest where several links go at once."""
    fibre = _fibre(suspicion)
    if fibre is None or suspicion.is_card or suspicion.has_another_way or suspicion.is_all_unreachable:
        return None
    evidence = what_is_behind(suspicion)
    if suspicion.last_words:
        evidence.append(seen("last_words", -3.0, alarms=suspicion.last_words, count=len(suspicion.last_words)))
    if suspicion.far_end_words:
        evidence.append(seen("far_end_lives", 4.0, alarms=suspicion.far_end_words, count=len(suspicion.far_end_words)))
    if suspicion.lines_gasping:
        evidence.append(seen("dying_gasps", -1.5 * suspicion.lines_gasping, count=suspicion.lines_gasping, of=suspicion.lines_lost))
    if fibre.kind == "conduit":
        evidence.append(seen("one_conduit", 2.0))
    return hypothesis(fibre, part_of_path(suspicion), evidence, suspicion.elements[1:] if fibre == suspicion.element else ())


def _fibre(suspicion: Suspicion) -> Element | None:
    if suspicion.element.kind in FIBRES:
        return suspicion.element
    # Plant has nothing in it but fibre: a dark port or splitter is a cut at it.
    if suspicion.element.kind == "device" and suspicion.kind in PASSIVE_KINDS:
        return suspicion.element
    return suspicion.feed


def part_of_path(suspicion: Suspicion) -> CauseClass:
    """Behind one splitter of several on the port is distribution; anything above that is feeder."""
    if suspicion.kind is DeviceKind.SPLITTER and suspicion.lines_on_port > suspicion.lines_behind:
        return CauseClass.DISTRIBUTION
    return CauseClass.FEEDER
