"""Who answers about orders."""

from agents.module_agent import ModuleAgent
from tools import oms

AGENT = ModuleAgent(
    handles="orders under way, changing the plan, new lines",
    for_customers=(oms.my_orders, oms.quote_plan_change, oms.request_plan_change, oms.cancel_order),
    for_staff=(oms.orders_of,),
)
