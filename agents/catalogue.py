"""Who answers about what is sold."""

from agents.module_agent import ModuleAgent
from tools import catalogue

AGENT = ModuleAgent(
    handles="plans, prices, speeds and contract terms",
    for_customers=(catalogue.show_plans, catalogue.plans_on_sale, catalogue.what_plan_includes),
    for_staff=(
        catalogue.plans_on_sale,
        catalogue.what_plan_includes,
        catalogue.show_offering,
        catalogue.simulate_price,
        catalogue.change_price,
        catalogue.move_to_current_price,
        catalogue.lint_catalogue,
        catalogue.retire_offering,
    ),
)
