"""Who answers about places."""

from agents.module_agent import ModuleAgent
from tools import gis

AGENT = ModuleAgent(
    handles="addresses, areas, which area a line belongs to; for staff: premises and their positions",
    for_customers=(gis.area_of_my_line, gis.list_areas),
    for_staff=(gis.find_premise, gis.list_areas, gis.correct_premise_position),
)
