"""Who answers about the network's health."""

from agents.module_agent import ModuleAgent
from tools import nms

AGENT = ModuleAgent(
    handles="what is wrong with a line: dead, slow, dropping; for staff also open alarms and diagnostics",
    for_customers=(nms.what_is_wrong_with_my_line,),
    for_staff=(
        nms.what_is_wrong_with_line_of,
        nms.open_alarms,
        nms.alarms_of_incident,
        nms.acknowledge_alarms,
        nms.run_diagnostics,
        nms.port_doubts,
    ),
)
