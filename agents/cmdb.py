"""Who answers about equipment."""

from agents.module_agent import ModuleAgent
from tools import cmdb

AGENT = ModuleAgent(
    handles="the equipment at home and restarting it; for staff any device, its state and what hangs from it",
    for_customers=(cmdb.show_line, cmdb.restart_my_box),
    for_staff=(cmdb.show_line_of, cmdb.show_device, cmdb.restart_device, cmdb.mark_device_state),
)
