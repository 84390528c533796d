"""Who answers about money."""

from agents.module_agent import ModuleAgent
from tools.billing import bills, compensation, debts

AGENT = ModuleAgent(
    handles="bills and what changed on them, balances, payments, credits, disputes over charges",
    for_customers=(bills.explain_bill_change, bills.balance, bills.latest_bill, compensation.my_credits, compensation.request_credit),
    for_staff=(
        bills.explain_bill_change_of,
        bills.balance_of,
        bills.latest_bill_of,
        compensation.request_credit_for,
        debts.aged_debt,
    ),
)
