"""Pure: what an agent wants done in the shop, measured there as facts, and judged by governance under the rows of `matrix.yaml`.

The measuring is what Forge does for a real action; `governance.decide.decide` and `governance.matrix.load` are the real ones.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from atlas.errors import AtlasError
from atlas.money import Money
from evals.tasks.shop import OVERDUE, TODAY, Shop
from governance import matrix
from governance.decide import Spent, Verdict, decide
from governance.facts import Facts

MATRIX: Final = Path(__file__).with_name("matrix.yaml")
MOST_REFUELLED_GB: Final = 2.0


class NotAllowed(AtlasError):
    """Governance refused it, so nothing was done."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"this may not be done: {verdict.reason}")
        self.rule = verdict.rule


@cache
def matrix_of_tasks() -> matrix.Matrix:
    return matrix.load(MATRIX)


def allowed(facts: Facts) -> Verdict:
    """Governance's verdict where it lets the operation go ahead. Raises NotAllowed for every other answer."""
    rows = matrix_of_tasks()
    verdict = decide(facts, rows, spent=Spent.nothing(rows))
    if not verdict.answer.is_alone:
        raise NotAllowed(verdict)
    return verdict


def roaming(proposer: str) -> Facts:
    return Facts("enable_roaming", customers=1, proposed_by=proposer)


def refuel(shop: Shop, customer: str, line: str, gigabytes: float, proposer: str) -> Facts:
    """What it costs; beyond what may be refuelled in all it is another operation. Raises NotInTheShop."""
    usage, plan = shop.get_data_usage(customer, line), shop.plan_of(shop.line_of(customer, line))
    price = Money.rounded(Decimal(str(gigabytes)) * Decimal(str(plan["data_refueling_price_per_gb"])))
    is_too_much = not 0 < gigabytes + usage["data_refueling_gb"] <= MOST_REFUELLED_GB
    return Facts("refuel_data" + "_beyond_limit" * is_too_much, money=price, customers=1, proposed_by=proposer)


def payment(shop: Shop, customer: str, bill: str, proposer: str) -> Facts:
    """Nothing is paid by asking for it, so no money moves. Raises NotInTheShop."""
    action = "send_payment_request"
    if shop.bill_of(customer, bill)["status"] != OVERDUE:
        action += "_not_overdue"
    elif shop.awaiting_payment(customer):
        action += "_while_another_waits"
    return Facts(action, customers=1, proposed_by=proposer)


def resumption(shop: Shop, customer: str, line: str, proposer: str) -> Facts:
    """Raises NotInTheShop."""
    row = shop.line_of(customer, line)
    action = "resume_line"
    if row["status"] != "Suspended":
        action += "_not_suspended"
    elif has_ended(row["contract_end_date"]):
        action += "_out_of_contract"
    elif any(bill["status"] in (OVERDUE, "Awaiting Payment") for bill in shop.get_bills_for_customer(customer)):
        action += "_in_debt"
    return Facts(action, customers=1, proposed_by=proposer)


def has_ended(contract: str) -> bool:
    return date.fromisoformat(contract) < TODAY
