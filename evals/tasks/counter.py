"""The visiting module: tools of Bedrock's own kind over a task's shop, for whoever the door says is calling.

A tool takes no customer and no line from the model: both are the caller's own, by the number they call from. What changes something is
measured and judged first (`gate.py`); what governance refuses raises NotAllowed, which an agent sees as any tool's refusal.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from agents.module_agent import ModuleAgent
from atlas.errors import AtlasError
from atlas.principal import Assurance
from evals.tasks import gate
from evals.tasks.shop import OVERDUE
from evals.tasks.town import ASSISTANT, Town
from governance.facts import Facts
from tools.turn import Turn, needs

HANDLES: Final = "mobile phones that have no service, no or slow mobile data, or cannot send picture messages; suspended mobile lines"


class NobodyCalls(AtlasError):
    """Somebody asks who is not on a call of this evaluation."""


@dataclass(frozen=True)
class Bill:
    """A bill that is overdue or waits to be paid. `amount` is in US dollars."""

    bill_id: str
    status: str
    amount: float


@dataclass(frozen=True)
class MyLine:
    """The line somebody calls from. Amounts of data are GB of this month; prices are US dollars.

    `bills`: those that are overdue or wait to be paid, oldest first.
    """

    status: str
    contract_has_ended: bool
    is_roaming_enabled: bool
    plan: str
    data_used_gb: float
    data_limit_gb: float
    data_refuelled_gb: float
    is_data_used_up: bool
    refuel_price_per_gb: float
    bills: tuple[Bill, ...]


@dataclass(frozen=True)
class Done:
    """What governance allowed and was done; `rule` allowed it."""

    action_id: int
    operation: str
    state: str
    rule: str


@dataclass
class Counter:
    """Who is on a call, by the customer whom the door knows, and the town each calls from."""

    towns: dict[int, Town] = field(default_factory=dict)

    def agent(self) -> ModuleAgent:
        sure = needs(Assurance.ADDRESS_ON_FILE)
        ours = (sure(self.my_line), sure(self.enable_roaming), sure(self.refuel_data), sure(self.request_payment), sure(self.resume_line))
        return ModuleAgent(HANDLES, ours, ())

    def _call(self, turn: Turn) -> tuple[Town, str, str]:
        """The town, the customer and the line of whoever calls. Raises NobodyCalls."""
        town = self.towns.get(turn.customer_id)
        if town is None:
            raise NobodyCalls("nobody with this number is on a call")
        line = town.shop.line_with(town.phone.number)
        return town, town.shop.get_customer_by_phone(town.phone.number)["customer_id"], line["line_id"]

    async def my_line(self, turn: Turn) -> MyLine:
        """The mobile line that the caller calls from: status, contract, roaming, data used and allowed, bills that are overdue.

        A line whose data is used up has no mobile data until it is refuelled; one that is suspended has no service at all.
        """
        town, customer, line_id = self._call(turn)
        line, usage = town.shop.line_of(customer, line_id), town.shop.get_data_usage(customer, line_id)
        plan = town.shop.plan_of(line)
        return MyLine(
            status=line["status"],
            contract_has_ended=gate.has_ended(line["contract_end_date"]),
            is_roaming_enabled=line["roaming_enabled"],
            plan=plan["name"],
            **usage_of(usage),
            refuel_price_per_gb=plan["data_refueling_price_per_gb"],
            bills=open_bills(town, customer),
        )

    async def enable_roaming(self, turn: Turn) -> Done:
        """Lets the caller's line use networks abroad, at no cost. The phone's own Data Roaming must be on as well."""
        town, customer, line = self._call(turn)
        rule = allowed(town, gate.roaming(turn.principal.reference))
        return _done(town, rule, "enable_roaming", customer_id=customer, line_id=line)

    async def refuel_data(self, turn: Turn, gigabytes: float) -> Done:
        """Adds so many GB to the caller's line for this month, at the price per GB of its plan, charged on the next bill; at most 2 GB.

        Call it once the caller has said how much and agreed to the price.
        """
        town, customer, line = self._call(turn)
        rule = allowed(town, gate.refuel(town.shop, customer, line, gigabytes, turn.principal.reference))
        return _done(town, rule, "refuel_data", customer_id=customer, line_id=line, gb_amount=gigabytes)

    async def request_payment(self, turn: Turn, bill_id: str) -> Done:
        """Sends the caller a request to pay this bill, as my_line names it, on their phone. Only an overdue bill, one at a time."""
        town, customer, _ = self._call(turn)
        rule = allowed(town, gate.payment(town.shop, customer, bill_id, turn.principal.reference))
        return _done(town, rule, "send_payment_request", customer_id=customer, bill_id=bill_id)

    async def resume_line(self, turn: Turn) -> Done:
        """Lifts the suspension of the caller's line, once every overdue bill is paid. Afterwards the phone must be restarted."""
        town, customer, line = self._call(turn)
        rule = allowed(town, gate.resumption(town.shop, customer, line, turn.principal.reference))
        return _done(town, rule, "resume_line", customer_id=customer, line_id=line)


def usage_of(usage: dict[str, float]) -> dict[str, Any]:
    allowed = usage["data_limit_gb"] + usage["data_refueling_gb"]
    return {
        "data_used_gb": usage["data_used_gb"],
        "data_limit_gb": usage["data_limit_gb"],
        "data_refuelled_gb": usage["data_refueling_gb"],
        "is_data_used_up": usage["data_used_gb"] >= allowed,
    }


def open_bills(town: Town, customer: str) -> tuple[Bill, ...]:
    bills = reversed(town.shop.get_bills_for_customer(customer))
    waiting = (bill for bill in bills if bill["status"] in (OVERDUE, "Awaiting Payment"))
    return tuple(Bill(bill["bill_id"], bill["status"], bill["total_due"]) for bill in waiting)


def allowed(town: Town, facts: Facts) -> str:
    """The rule by which governance lets it go ahead. Raises NotAllowed, and the town remembers by which rule."""
    try:
        return gate.allowed(facts).rule
    except gate.NotAllowed as refused:
        town.refused.append(refused.rule)
        raise


def _done(town: Town, rule: str, function: str, **arguments: Any) -> Done:
    town.does(ASSISTANT, function, **arguments)
    return Done(len(town.made), function, "done", rule)
