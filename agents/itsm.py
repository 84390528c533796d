"""Who answers about incidents and approvals."""

from agents.module_agent import ModuleAgent
from tools import itsm

AGENT = ModuleAgent(
    handles="outages at a line or in an area; for staff incidents, their effects and causes, tickets and clocks, what waits for approval",
    for_customers=(itsm.is_there_an_outage,),
    for_staff=(
        itsm.is_there_an_outage,
        itsm.show_incident,
        itsm.what_is_affected,
        itsm.why_do_you_think_so,
        itsm.what_waits_for_approval,
        itsm.solved_before,
        itsm.show_ticket,
        itsm.pause_ticket,
        itsm.resume_ticket,
    ),
)
