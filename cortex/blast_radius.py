"""From a suspected cause to the devices, subscribers, areas, money and vulnerable people behind it."""

from collections.abc import Sequence

import numpy as np

from atlas.identity import AreaId
from atlas.money import Money
from cortex.findings import AreaImpact, BlastRadius, Element
from cortex.topology import Counts, CutOff, Topology


def blast_counts(topology: Topology, elements: Sequence[Element]) -> Counts:
    """How much fails with `elements`, without listing anybody."""
    return topology.counts(topology.cut_off(elements))


def blast_radius(topology: Topology, elements: Sequence[Element]) -> BlastRadius:
    """Everything that loses service if all of `elements` fail at once; devices and subscribers in the plant's order."""
    return blast_of(topology, topology.cut_off(elements))


def blast_of(topology: Topology, cut: CutOff) -> BlastRadius:
    counts = topology.counts(cut)
    return BlastRadius(
        devices=topology.device_ids(cut),
        subscribers=topology.subscriber_ids(cut),
        customers=counts.customers,
        vulnerable=counts.vulnerable,
        businesses=counts.businesses,
        revenue_at_risk=Money.of_minor(counts.monthly_minor),
        areas=_areas(topology, cut),
        plant=topology.plant_ids(cut),
    )


def _areas(topology: Topology, cut: CutOff) -> tuple[AreaImpact, ...]:
    """By area, in order of its id: a subscriber counts where the premise is, a device where it stands."""
    area_ids, of_device, of_line = topology.areas
    devices = np.bincount(of_device[topology.counted_rows(cut)], minlength=area_ids.size)
    subscribers = np.bincount(of_line[topology.line_rows(cut)], minlength=area_ids.size)
    touched = np.flatnonzero(devices + subscribers)
    return tuple(
        AreaImpact(AreaId(area), there, lines)
        for area, there, lines in zip(area_ids[touched].tolist(), devices[touched].tolist(), subscribers[touched].tolist(), strict=True)
    )
