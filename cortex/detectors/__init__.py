"""Every pattern that Cortex knows. Each takes the facts of one suspicion and answers with a hypothesis, or None where it cannot be."""

from collections.abc import Callable
from typing import Final

from cortex.detectors.card_fault import find_card_fault
from cortex.detectors.device_fault import find_device_fault
from cortex.detectors.drop_fault import find_drop_fault
from cortex.detectors.fibre_cut import find_fibre_cut
from cortex.detectors.monitoring_loss import find_monitoring_loss
from cortex.detectors.pon_degradation import find_pon_degradation
from cortex.detectors.power_loss import find_power_loss
from cortex.detectors.ring_degradation import find_ring_degradation
from cortex.detectors.upstream_loss import find_upstream_loss
from cortex.findings import Hypothesis
from cortex.suspicion import Suspicion

Detector = Callable[[Suspicion], Hypothesis | None]

DETECTORS: Final[tuple[Detector, ...]] = (
    find_fibre_cut,
    find_device_fault,
    find_power_loss,
    find_card_fault,
    find_drop_fault,
    find_ring_degradation,
    find_pon_degradation,
    find_upstream_loss,
    find_monitoring_loss,
)
