"""Every kind of sequence there is, by name."""

from typing import Final

from forge.sequences.add_ons import ADD_ON_END, ADD_ON_START
from forge.sequences.lines import LINE_END, LINE_START
from forge.sequences.plan_move import PLAN_MOVE

KINDS: Final = {kind.name: kind for kind in (PLAN_MOVE, LINE_START, LINE_END, ADD_ON_START, ADD_ON_END)}
