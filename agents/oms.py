"""Who answers about orders."""

from agents.module_agent import ModuleAgent
from tools import oms

AGENT = ModuleAgent(
    handles="orders under way, changing the plan, add-ons, new lines; for staff the repair queue and the story of an order",
    for_customers=(
        oms.my_orders,
        oms.quote_plan_change,
        oms.request_plan_change,
        oms.order_line,
        oms.quote_line,
        oms.my_quotes,
        oms.order_quote,
        oms.my_add_ons,
        oms.quote_add_on,
        oms.request_add_on,
        oms.end_add_on,
        oms.cancel_order,
        oms.my_installation_slots,
        oms.move_my_installation,
    ),
    for_staff=(
        oms.orders_of,
        oms.show_order,
        oms.fallout_queue,
        oms.orders_in_jeopardy,
        oms.resume_order,
        oms.give_up_order,
        oms.place_order_for,
        oms.quote_line_for,
        oms.order_quote_for,
        oms.end_line,
        oms.add_ons_of,
        oms.order_add_on_for,
        oms.end_add_on_for,
        oms.visit_slots_of_order,
        oms.move_order_visit,
    ),
)
