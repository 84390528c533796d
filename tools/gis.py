"""What an agent may ask about places."""

from atlas.gis import reads
from atlas.gis.records import Area, Candidate, LineArea, Position, Premise
from atlas.gis.rules.positions import checked_position
from atlas.identity import PremiseId
from atlas.principal import Assurance
from forge.actions.gis import CorrectPremisePosition
from forge.propose import Proposed
from tools.turn import Turn, needs


@needs(Assurance.VERIFIED)
async def area_of_my_line(turn: Turn) -> list[LineArea]:
    """The area, street and town of each line the customer has."""
    return await reads.areas_of_lines(turn.conn, turn.customer_id)


@needs(Assurance.UNKNOWN)
async def list_areas(turn: Turn) -> list[Area]:
    """Every area we serve, by name."""
    return await reads.areas(turn.conn)


async def find_premise(turn: Turn, address: str) -> list[Candidate[Premise]]:
    """The premises that an address may mean, the likeliest first, at most ten. For staff.

    Only one that `is_exact` may be taken as meant; of several, or none exact, ask which. An empty answer: we know no such address.
    """
    turn.for_staff_only()
    return await reads.premises_meant(turn.conn, address)


async def correct_premise_position(turn: Turn, premise_id: PremiseId, latitude: float, longitude: float) -> Proposed:
    """Asks to put a premise at the position where it was found to be, in degrees. For staff.

    Swapped, empty and far-off positions are refused with the reason.
    """
    turn.for_staff_only()
    known = await reads.premise(turn.conn, premise_id)
    found = checked_position(Position(latitude, longitude), near=known.position)
    action = CorrectPremisePosition(premise_id, known.position, found, known.customers)
    return await turn.propose(action, "a member of staff found the premise elsewhere")
