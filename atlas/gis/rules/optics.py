"""What light is lost between an OLT and an ONT. Pure.

Figures of planning, not of measurement: G.652 fibre at 1310 nm, the worse of GPON's two directions, by ITU-T G.984.2 and the customary
3.5 dB for each halving in a splitter (3.01 dB of sharing, the rest excess loss), half a decibel for a connector and a tenth for a splice.
"""

import math
from typing import Final

FIBRE_DB_PER_KM: Final = 0.35
HALVING_DB: Final = 3.5
CONNECTOR_DB: Final = 0.5
SPLICE_DB: Final = 0.1
CONNECTORS: Final = 4
SPLICES: Final = 4
# The least that a class B+ OLT sends (ITU-T G.984.2, amendment 1), and what a class B+ ONT still reads.
LEAST_LAUNCH_DBM: Final = 1.5
SENSITIVITY_DBM: Final = -27.0
# Lines that receive this much less than planned hang from plant that is not as planned.
WORSE_THAN_PLANNED_DB: Final = 5.0


def loss_db(split: int, length_m: float) -> float:
    """Decibels lost over `length_m` of fibre and a splitter of 1:`split`."""
    return HALVING_DB * math.log2(split) + FIBRE_DB_PER_KM * length_m / 1000 + CONNECTORS * CONNECTOR_DB + SPLICES * SPLICE_DB


def expected_dbm(loss: float) -> float:
    """What an ONT receives at least, after so much loss."""
    return LEAST_LAUNCH_DBM - loss
