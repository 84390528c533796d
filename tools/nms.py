"""What an agent may ask of the network: what is wrong with a line, and which alarms stand."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from atlas.cmdb.reads import line_checks
from atlas.cmdb.records.plant import LineVerdict
from atlas.cmdb.rules import first_cause
from atlas.errors import NotFound
from atlas.identity import AlarmId, CustomerId, IncidentId
from atlas.nms import reads
from atlas.nms.records import PortDoubt, StandingAlarm
from atlas.principal import Assurance
from forge.actions.nms import AcknowledgeAlarm, RunDiagnostics
from forge.propose import Proposed
from tools.turn import NotSureEnough, Turn, needs

# What anybody at this line may hear: a fault of ours that holds it. The rest is of the household, and told to whoever is verified.
FAULTS: Final = ("area_fault", "own_line_fault")


@needs(Assurance.ADDRESS_ON_FILE)
async def what_is_wrong_with_my_line(turn: Turn) -> list[LineVerdict]:
    """Checks each of the customer's lines in the field's order and names the first cause found, with the next step.

    Suspended? An open fault that holds the line? The light at the fibre box? The session? Only then the Wi-Fi at home: `home_network` means
    that all of ours is well. What comes after the first cause was not looked at. Whoever is not verified hears only of a fault that holds a
    line of theirs, and is otherwise asked to verify first.
    """
    found = await _verdicts(turn, turn.customer_id)
    if turn.is_verified:
        return found
    faults = [replace(verdict, offering="", received_power_dbm=None) for verdict in found if verdict.cause in FAULTS]
    if not faults:
        raise NotSureEnough(Assurance.VERIFIED)
    return faults


async def what_is_wrong_with_line_of(turn: Turn, customer_id: CustomerId) -> list[LineVerdict]:
    """Checks each of this customer's lines in the field's order and names the first cause found, with the next step. For staff."""
    turn.for_staff_only()
    return await _verdicts(turn, customer_id)


async def open_alarms(turn: Turn, device: str | None = None) -> list[StandingAlarm]:
    """Alarms that stand, on the device of this exact name or anywhere: the gravest first, then the latest; at most 50. For staff."""
    turn.for_staff_only()
    return await reads.standing_alarms(turn.conn, device)


async def alarms_of_incident(turn: Turn, incident_id: IncidentId) -> list[StandingAlarm]:
    """The alarms an incident holds or held, those that stand first; at most 50. For staff."""
    turn.for_staff_only()
    return await reads.alarms_of_incident(turn.conn, incident_id, most=50)


async def acknowledge_alarms(turn: Turn, alarm_ids: tuple[AlarmId, ...], reason: str) -> Proposed:
    """Writes down that somebody has seen these alarms; they stand until their cause is gone. For staff."""
    turn.for_staff_only()
    return await turn.propose(AcknowledgeAlarm(alarm_ids), reason)


async def run_diagnostics(turn: Turn, incident_id: IncidentId) -> Proposed:
    """Looks at every device behind the incident that can answer and was not asked yet; changes nothing on them. For staff."""
    turn.for_staff_only()
    action = await RunDiagnostics.due_for(turn.conn, incident_id, turn.now)
    if not action.devices:
        raise NotFound("device to look at in incident", incident_id)
    return await turn.propose(action, f"a member of staff asked for diagnostics in incident {incident_id}")


async def port_doubts(turn: Turn) -> list[PortDoubt]:
    """Ports at which boxes asked for an address within a week and that do not fit: for want of a line or a number, or another's box.

    By BNG, what was asked last first; at most 100. For staff.
    """
    turn.for_staff_only()
    return await reads.port_doubts(turn.conn, timedelta(days=7), most=100)


async def _verdicts(turn: Turn, customer_id: CustomerId) -> list[LineVerdict]:
    return [first_cause(check, turn.now) for check in await line_checks(turn.conn, customer_id)]
