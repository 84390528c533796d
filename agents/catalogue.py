"""Who answers about what is sold."""

from agents.module_agent import ModuleAgent
from tools import catalogue

AGENT = ModuleAgent(
    handles="plans, prices, speeds and contract terms",
    for_customers=(catalogue.show_plans, catalogue.plans_on_sale),
    for_staff=(catalogue.plans_on_sale, catalogue.show_offering, catalogue.retire_offering),
)
