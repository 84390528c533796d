from random import Random

from atlas.cmdb.records.plant import DeviceKind
from atlas.money import Money
from cortex.blast_radius import blast_counts, blast_radius
from cortex.findings import AreaImpact, Element
from cortex.topology import Topology
from evals.benchmarks.blast import Search, check
from evals.benchmarks.storm_plant import storm_plant
from tests.cortex.plants import lines, network


def _two_streets() -> Topology:
    """Gateway 1 feeds switches 2 and 3; eight lines behind 2, four behind 3; customer 7 has a line behind each."""
    plant = network(
        [(1, DeviceKind.GATEWAY), (2, DeviceKind.BUSINESS_SWITCH), (3, DeviceKind.BUSINESS_SWITCH)], [(1, 2), (1, 3)], areas={2: 1, 3: 2}
    )
    hung = [(subscriber, 2) for subscriber in range(1, 9)] + [(subscriber, 3) for subscriber in range(9, 13)]
    return Topology.build(plant, lines(hung, [*range(1, 9), 7, 10, 11, 12]))


def test_a_blast_radius_counts_people_money_and_areas() -> None:
    blast = blast_radius(_two_streets(), [Element("device", 2)])

    assert blast.devices == (2,)
    assert set(blast.subscribers) == set(range(1, 9))
    assert (blast.customers, blast.vulnerable, blast.businesses) == (8, 1, 1)
    assert blast.revenue_at_risk == Money("80.00")
    assert blast.areas == (AreaImpact(1, 1, 2), AreaImpact(2, 0, 3), AreaImpact(3, 0, 3))


def test_a_customer_with_lines_behind_both_failures_is_counted_once() -> None:
    counts = blast_counts(_two_streets(), [Element("device", 2), Element("link", 2)])

    assert (counts.subscribers, counts.customers) == (12, 11)


def test_one_customers_line_alone_takes_no_device_with_it() -> None:
    blast = blast_radius(_two_streets(), [Element("subscriber", 3)])

    assert (blast.devices, blast.subscribers) == ((), (3,))


def test_an_element_that_nobody_knows_cuts_off_nobody() -> None:
    blast = blast_radius(_two_streets(), [Element("device", 99), Element("conduit", 5)])

    assert (blast.devices, blast.subscribers) == ((), ())


def test_a_plant_of_5000_devices_with_rings_gives_what_a_search_finds() -> None:
    chance = Random(3)
    plant = storm_plant(chance)
    topology = Topology.build(plant.network(), plant.lines())
    failures = [
        tuple(Element(chance.choice(["device", "link"]), chance.randint(1, 5000)) for _ in range(chance.randint(1, 4))) for _ in range(150)
    ]

    assert check(topology, Search(topology.network, topology.lines), failures) == 150
