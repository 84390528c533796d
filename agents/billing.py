"""Who answers about money."""

from agents.module_agent import ModuleAgent
from tools import billing

AGENT = ModuleAgent(
    handles="bills and what changed on them, balances, payments, credits, disputes over charges",
    for_customers=(billing.explain_bill_change, billing.balance, billing.latest_bill, billing.my_credits, billing.request_credit),
    for_staff=(
        billing.explain_bill_change_of,
        billing.balance_of,
        billing.latest_bill_of,
        billing.request_credit_for,
        billing.aged_debt,
    ),
)
