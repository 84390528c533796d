"""Who answers about places."""

from agents.module_agent import ModuleAgent
from tools import gis

AGENT = ModuleAgent(
    handles="what can be had at an address, areas, which area a line belongs to; for staff: premises, their plant and their positions",
    for_customers=(gis.what_can_i_get, gis.sign_up, gis.area_of_my_line, gis.list_areas),
    for_staff=(
        gis.find_premise,
        gis.check_premise,
        gis.trace_premise,
        gis.list_areas,
        gis.correct_premise_position,
        gis.record_landlord_consent,
    ),
)
