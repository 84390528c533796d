"""What somebody who acts for a customer may ask: each tool's scope. What is in no list is for whoever holds the account alone."""

from collections.abc import Mapping
from typing import Final

# By scope, as a customer gives it (`let_somebody_act`): to hear, to have something done, and what is about paying.
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "be_told": frozenset(
        {
            "area_of_my_line",
            "balance",
            "explain_bill_change",
            "explain_invoice_line",
            "free_visit_slots",
            "latest_bill",
            "my_add_ons",
            "my_credits",
            "my_installation_slots",
            "my_orders",
            "my_payment_links",
            "my_quotes",
            "my_visits",
            "quote_add_on",
            "quote_plan_change",
            "send_code",
            "show_line",
            "what_did_we_tell",
            "what_is_wrong_with_my_line",
            "why_suspended",
        }
    ),
    "order": frozenset(
        {
            "book_visit",
            "cancel_order",
            "cancel_visit",
            "end_add_on",
            "move_my_installation",
            "order_line",
            "order_quote",
            "quote_line",
            "request_add_on",
            "request_plan_change",
            "restart_my_box",
        }
    ),
    "pay": frozenset({"promise_to_pay", "request_payment_link"}),
}
# Money that goes back, how and by whom the customer is reached, and who else acts for them.
HOLDERS_OWN: Final = frozenset(
    {
        "dispute_charge",
        "keep_quiet",
        "let_somebody_act",
        "my_details",
        "no_longer_acts",
        "prefer_channel",
        "request_credit",
        "send_my_bill",
        "start_messages",
        "stop_messages",
        "who_acts_for_me",
    }
)


def scope_of(tool: str) -> str:
    """The scope that a tool needs; empty for what nobody else is let do."""
    return next((scope for scope, tools in ALLOWED.items() if tool in tools), "")
