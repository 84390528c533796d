"""The shop behind the agent: plans, customers, lines and bills of `db.toml`. Pure, in memory, the same every time.

Its functions have the names of the dataset's. They do what they are told: whether it may be done is judged before, in `gate.py`.
"""

import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from atlas.errors import AtlasError
from evals.tasks.task import table_of

# The policy's "current time": bills and contracts of the file lie around it.
TODAY: Final = date(2025, 2, 25)
OVERDUE: Final = "Overdue"
AWAITING_PAYMENT: Final = "Awaiting Payment"

Row = dict[str, Any]


class NotInTheShop(AtlasError):
    """A customer, line, plan or bill that is not there, or is somebody else's."""

    def __init__(self, kind: str, wanted: str) -> None:
        super().__init__(f"there is no {kind} {wanted}")


@dataclass
class Shop:
    """One shop as it leaves `db.toml`. `transfers`: why calls were given to a person."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: copy.deepcopy(table_of("db.toml")))
    transfers: list[str] = field(default_factory=list)

    def _row(self, table: str, key: str, wanted: str) -> Row:
        found = next((row for row in self.tables[table] if row[key] == wanted), None)
        if found is None:
            raise NotInTheShop(table.removesuffix("s"), wanted)
        return found

    # Who and what.

    def get_customer_by_phone(self, phone_number: str) -> Row:
        """By the number of the contact or of any line of theirs. Raises NotInTheShop."""
        line = next((row for row in self.tables["lines"] if row["phone_number"] == phone_number), None)
        for customer in self.tables["customers"]:
            if customer["phone_number"] == phone_number or (line and line["line_id"] in customer["line_ids"]):
                return customer
        raise NotInTheShop("customer with the number", phone_number)

    def get_customer_by_id(self, customer_id: str) -> Row:
        return self._row("customers", "customer_id", customer_id)

    def get_customer_by_name(self, full_name: str, dob: str) -> list[Row]:
        return [row for row in self.tables["customers"] if (row["full_name"], row["date_of_birth"]) == (full_name, dob)]

    def line_of(self, customer_id: str, line_id: str) -> Row:
        """Raises NotInTheShop, also for a line that is somebody else's."""
        if line_id not in self.get_customer_by_id(customer_id)["line_ids"]:
            raise NotInTheShop("line", line_id)
        return self._row("lines", "line_id", line_id)

    def line_with(self, phone_number: str) -> Row:
        return self._row("lines", "phone_number", phone_number)

    def plan_of(self, line: Row) -> Row:
        return self._row("plans", "plan_id", line["plan_id"])

    def get_details_by_id(self, id: str) -> Row:  # noqa: A002  the dataset's own word
        table, key = {
            "C": ("customers", "customer_id"),
            "L": ("lines", "line_id"),
            "D": ("devices", "device_id"),
            "B": ("bills", "bill_id"),
            "P": ("plans", "plan_id"),
        }.get(id[:1], ("bills", "bill_id"))
        return self._row(table, key, id)

    def get_bills_for_customer(self, customer_id: str) -> list[Row]:
        """Latest first."""
        own = [self._row("bills", "bill_id", bill_id) for bill_id in self.get_customer_by_id(customer_id)["bill_ids"]]
        return sorted(own, key=lambda bill: bill["issue_date"], reverse=True)

    def bill_of(self, customer_id: str, bill_id: str) -> Row:
        """Raises NotInTheShop, also for a bill that is somebody else's."""
        found = next((bill for bill in self.get_bills_for_customer(customer_id) if bill["bill_id"] == bill_id), None)
        if found is None:
            raise NotInTheShop("bill", bill_id)
        return found

    def get_data_usage(self, customer_id: str, line_id: str) -> Row:
        line = self.line_of(customer_id, line_id)
        return {
            "data_used_gb": line["data_used_gb"],
            "data_limit_gb": self.plan_of(line)["data_limit_gb"],
            "data_refueling_gb": line["data_refueling_gb"],
        }

    # What is done to a line.

    def set_data_usage(self, customer_id: str, line_id: str, data_used_gb: float) -> None:
        self.line_of(customer_id, line_id)["data_used_gb"] = data_used_gb

    def enable_roaming(self, customer_id: str, line_id: str) -> None:
        self.line_of(customer_id, line_id)["roaming_enabled"] = True

    def disable_roaming(self, customer_id: str, line_id: str) -> None:
        self.line_of(customer_id, line_id)["roaming_enabled"] = False

    def suspend_line(self, customer_id: str, line_id: str, reason: str) -> None:
        line = self.line_of(customer_id, line_id)
        line.update(status="Suspended", suspension_start_date=TODAY.isoformat(), suspension_reason=reason)

    def resume_line(self, customer_id: str, line_id: str) -> None:
        line = self.line_of(customer_id, line_id)
        line["status"] = "Active"
        line.pop("suspension_start_date", None)

    def refuel_data(self, customer_id: str, line_id: str, gb_amount: float) -> float:
        """What it costs, in dollars; it goes on the next bill."""
        line = self.line_of(customer_id, line_id)
        line["data_refueling_gb"] += gb_amount
        price = float(gb_amount * self.plan_of(line)["data_refueling_price_per_gb"])
        draft = next((bill for bill in self.get_bills_for_customer(customer_id) if bill["status"] == "Draft"), None)
        if draft is not None:
            draft["total_due"] += price
        return price

    # Money.

    def send_payment_request(self, customer_id: str, bill_id: str) -> None:
        self.bill_of(customer_id, bill_id)["status"] = AWAITING_PAYMENT

    def awaiting_payment(self, customer_id: str) -> Row | None:
        return next((bill for bill in self.get_bills_for_customer(customer_id) if bill["status"] == AWAITING_PAYMENT), None)

    def bill_was_paid(self, bill_id: str) -> None:
        self._row("bills", "bill_id", bill_id)["status"] = "Paid"

    def suspend_line_for_overdue_bill(self, customer_id: str, line_id: str, new_bill_id: str, contract_ended: bool) -> None:
        """A month that nobody paid, and the line cut off for it; `contract_ended`: its contract ended with that month too."""
        line, customer = self.line_of(customer_id, line_id), self.get_customer_by_id(customer_id)
        last = TODAY.replace(day=1) - timedelta(days=1)
        bill = {
            "bill_id": new_bill_id,
            "customer_id": customer_id,
            "issue_date": last.replace(day=1).isoformat(),
            "due_date": (last.replace(day=1) + timedelta(days=14)).isoformat(),
            "total_due": self.plan_of(line)["price_per_month"],
            "status": OVERDUE,
        }
        self.tables["bills"].append(bill)
        customer["bill_ids"].append(new_bill_id)
        self.suspend_line(customer_id, line_id, "overdue bill")
        if contract_ended:
            line["contract_end_date"] = last.isoformat()

    def transfer_to_human_agents(self, summary: str) -> None:
        self.transfers.append(summary)

    # What must hold in the end.

    def assert_data_refueling_amount(self, customer_id: str, line_id: str, expected_amount: float) -> bool:
        return bool(abs(self.line_of(customer_id, line_id)["data_refueling_gb"] - expected_amount) < 1e-6)

    def assert_no_overdue_bill(self, overdue_bill_id: str) -> bool:
        """It is paid, or was never written."""
        found = next((bill for bill in self.tables["bills"] if bill["bill_id"] == overdue_bill_id), None)
        return found is None or found["status"] == "Paid"
