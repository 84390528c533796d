"""One task's town: a phone and a shop that know of one another, every call made in it, and whether the end is as it must be."""

from dataclasses import dataclass, field
from typing import Any, Final

from evals.tasks.phone import Line, Phone
from evals.tasks.shop import Shop
from evals.tasks.task import Call, Criteria

USER: Final = "user"
ASSISTANT: Final = "assistant"


@dataclass
class Town:
    """`made`: what was done during the call, by the caller's hand or by the agent's tools, in order. `refused`: rules that refused more."""

    phone: Phone = field(default_factory=Phone)
    shop: Shop = field(default_factory=Shop)
    made: list[Call] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @classmethod
    def before(cls, begins: tuple[Call, ...]) -> "Town":
        """The town as the task begins: its faults are set, nothing was done yet."""
        town = cls()
        for call in begins:
            town.play(call)
        return town

    def does(self, side: str, function: str, **arguments: Any) -> Any:
        """One call of the conversation; what it answers."""
        call = Call(side, function, arguments)
        answer = self.play(call)
        self.made.append(call)
        return answer

    def play(self, call: Call) -> Any:
        """Raises AttributeError where there is no such function, AtlasError where it cannot be done."""
        answer = getattr(self.phone if call.side == USER else self.shop, call.function)(**call.arguments)
        self._settle()
        return answer

    def _settle(self) -> None:
        """What the shop knows of the line reaches the phone, and what was paid the shop."""
        if not self.phone.number:
            return
        line = self.shop.line_with(self.phone.number)
        has_room = line["data_used_gb"] < self.shop.plan_of(line)["data_limit_gb"] + line["data_refueling_gb"]
        self.phone.line = Line(line["status"] == "Active", bool(line["roaming_enabled"]), not has_room)
        if self.phone.asked_to_pay and self.phone.has_paid:
            self.shop.bill_was_paid(self.phone.asked_to_pay[0])
            self.phone.asked_to_pay, self.phone.has_paid = None, False
        waiting = self.shop.awaiting_payment(self.shop.get_customer_by_phone(self.phone.number)["customer_id"])
        if waiting and not self.phone.asked_to_pay:
            self.phone.asked_to_pay = (waiting["bill_id"], float(waiting["total_due"]))


def failures(town: Town, criteria: Criteria) -> list[str]:
    """What is not as the dataset wants it, a line each; empty where the task is passed."""
    wrong = [
        f"{one.call.function} {' '.join(map(str, one.call.arguments.values()))}"
        for one in criteria.assertions
        if town.play(one.call) is not one.holds
    ]
    return wrong + [f"not done: {missing}" for missing in not_done(town, criteria) if criteria.counts_actions]


def not_done(town: Town, criteria: Criteria) -> list[str]:
    """The expected calls that nobody made."""
    return [one.call.function for one in criteria.expected if not any(one.is_like(made) for made in town.made)]
