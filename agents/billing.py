"""Who answers about money."""

from agents.module_agent import ModuleAgent
from tools.billing import bills, compensation, debts, leavers, money

AGENT = ModuleAgent(
    handles="bills and what changed on them, balances, payments, credits, disputes over charges, why a line was cut off; for staff: leaks",
    for_customers=(
        bills.explain_bill_change,
        bills.balance,
        bills.latest_bill,
        bills.explain_invoice_line,
        compensation.my_credits,
        compensation.request_credit,
        money.why_suspended,
        money.promise_to_pay,
        money.request_payment_link,
        money.my_payment_links,
        money.dispute_charge,
    ),
    for_staff=(
        bills.explain_bill_change_of,
        bills.balance_of,
        bills.latest_bill_of,
        bills.explain_invoice_line_of,
        compensation.request_credit_for,
        debts.aged_debt,
        debts.owing_and_unreachable,
        money.why_suspended_of,
        money.promise_to_pay_for,
        money.dispute_charge_of,
        money.disputes_of,
        money.close_dispute,
        money.payments_of,
        money.refund_payment,
        money.record_payment,
        money.waive_late_fee,
        leavers.owed_to_leavers,
        leavers.issue_final_statement,
        leavers.pay_back_leaver,
        leavers.record_payout,
        money.money_parked,
        money.match_payment,
        money.leak_totals,
        money.show_leaks,
        money.fix_leak,
    ),
)
