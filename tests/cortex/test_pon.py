"""The PON classes of the field: what the count and the kind of dark lines on one port say of the cause."""

import pytest

from atlas.cmdb.records.plant import DeviceKind
from atlas.nms.records import ProbableCause
from cortex.findings import CauseClass, Element
from cortex.topology import Topology
from tests.cortex.plants import Alarms, correlated, lines, network

PORT, SPLITTERS = 3, (4, 5, 6, 7)
ON = {splitter: range(1 + 8 * place, 9 + 8 * place) for place, splitter in enumerate(SPLITTERS)}


@pytest.fixture(scope="module")
def port_of_32() -> Topology:
    """Gateway 1, OLT 2, PON port 3, four splitters of eight lines each; a second port of 8 lines beside it."""
    kinds = [(1, DeviceKind.GATEWAY), (2, DeviceKind.OLT), (PORT, DeviceKind.PON_PORT), *((s, DeviceKind.SPLITTER) for s in SPLITTERS)]
    kinds += [(8, DeviceKind.PON_PORT), (9, DeviceKind.SPLITTER)]
    plant = network(kinds, [(1, 2), (2, PORT), *((PORT, splitter) for splitter in SPLITTERS), (2, 8), (8, 9)])
    hung = [(subscriber, splitter) for splitter, subscribers in ON.items() for subscriber in subscribers]
    return Topology.build(plant, lines([*hung, *((subscriber, 9) for subscriber in range(33, 41))]))


def test_light_lost_by_all_32_lines_of_a_port_is_a_feeder_cut(port_of_32: Topology) -> None:
    told = Alarms()
    for splitter, subscribers in ON.items():
        told.lines(ProbableCause.LOSS_OF_SIGNAL, splitter, subscribers)

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.FEEDER
    assert finding.is_outage
    assert len(finding.blast.subscribers) == 32


def test_light_lost_by_a_port_itself_is_a_feeder_cut_behind_which_all_32_lines_are_dark(port_of_32: Topology) -> None:
    told = Alarms().say(PORT, ProbableCause.LOSS_OF_SIGNAL)

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.FEEDER
    assert len(finding.blast.subscribers) == 32


def test_light_lost_by_the_8_lines_of_one_splitter_is_a_cut_in_distribution(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.LOSS_OF_SIGNAL, 5, ON[5])

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.DISTRIBUTION
    assert set(finding.blast.subscribers) == set(ON[5])


def test_30_of_32_lines_gasping_is_a_power_cut(port_of_32: Topology) -> None:
    told = Alarms()
    for splitter, subscribers in ON.items():
        told.lines(ProbableCause.DYING_GASP, splitter, [one for one in subscribers if one not in (3, 20)])

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.POWER
    assert finding.is_outage


def test_one_dark_line_of_32_is_that_customers_own_drop_and_no_outage(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.LOSS_OF_SIGNAL, 4, [1])

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.DROP
    assert finding.best is not None
    assert finding.best.element == Element("subscriber", 1)
    assert finding.blast.subscribers == (1,)
    assert not finding.is_outage


def test_one_gasp_of_32_is_that_customers_own_power_and_no_outage(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.DYING_GASP, 4, [1])

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.POWER
    assert not finding.is_outage


def test_two_dark_drops_on_different_splitters_stay_two(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.LOSS_OF_SIGNAL, 4, [1]).lines(ProbableCause.LOSS_OF_SIGNAL, 6, [17])

    findings = correlated(port_of_32, told)

    assert [finding.cause for finding in findings] == [CauseClass.DROP, CauseClass.DROP]


def test_a_dark_line_that_we_do_not_know_darkens_nobody_else(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.LOSS_OF_SIGNAL, 4, [999])

    assert correlated(port_of_32, told) == []


def test_weak_light_on_several_lines_of_one_splitter_is_degradation(port_of_32: Topology) -> None:
    told = Alarms().lines(ProbableCause.DEGRADED_SIGNAL, 5, list(ON[5])[:4])

    (finding,) = correlated(port_of_32, told)

    assert finding.cause is CauseClass.DEGRADATION
    assert not finding.is_outage
