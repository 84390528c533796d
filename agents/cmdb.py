"""Who answers about equipment."""

from agents.module_agent import ModuleAgent
from tools import cmdb

AGENT = ModuleAgent(
    handles="the equipment at home and restarting it; for staff any device, boxes, addresses, RADIUS sessions and drift",
    for_customers=(cmdb.show_line, cmdb.restart_my_box),
    for_staff=(
        cmdb.show_line_of,
        cmdb.show_device,
        cmdb.history_of_device,
        cmdb.impact_of_device,
        cmdb.configs_of_device,
        cmdb.compare_configs,
        cmdb.mark_config_good,
        cmdb.restore_config,
        cmdb.restart_device,
        cmdb.mark_device_state,
        cmdb.pool_forecasts,
        cmdb.numbers_of_line,
        cmdb.reserve_numbers,
        cmdb.drifts,
        cmdb.rule_on_drift,
        cmdb.sessions_of,
        cmdb.sessions_of_nas,
        cmdb.show_session,
        cmdb.disconnect_session,
        cmdb.find_box,
        cmdb.history_of_place,
        cmdb.replace_box,
        cmdb.where_box_was_seen,
        cmdb.fibre_of_line,
        cmdb.strands_of_cable,
        cmdb.cut_of_cable,
        cmdb.record_splice,
        cmdb.remove_splice,
    ),
)
