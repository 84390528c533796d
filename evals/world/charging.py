"""What the evaluations do to charges as a world does: written as history, by nobody's order. Nothing else of theirs writes the books."""

from atlas.billing.writes.charges import change_charge, start_charge, stop_charges

__all__ = ["change_charge", "start_charge", "stop_charges"]
