"""One hostile order of every kind about what is charged and billed: `forged.py` takes them in."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from evals.adversary.knowledge import Knowledge


def _at(days: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def _charging(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    return {
        "customer_id": victim,
        "subscriber_id": knows.lines[victim][0],
        "offering_version_id": 1,
        "at": _at(-rng.random()),
        "order_id": None,
    }


def _bill(victim: int) -> dict[str, Any]:
    money = {"total": "9999.00", "to_pay": "9999.00"}
    return {"invoice_id": victim * 10 + 1, "number": 1, "customer_id": victim, "due_on": "2020-01-01", **money}


CHARGES: Final[Mapping[str, Callable[[Knowledge, Random, int], Mapping[str, Any]]]] = {
    "prepare_bill_run": lambda knows, rng, victim: {"since": "2020-01-01", "billed_on": "2030-01-01", "customers": [victim]},
    "issue_bill_run": lambda knows, rng, victim: {"run_id": 1, "bills": 1, "total": "1.00", "largest": "1.00"},
    "issue_bill_batch": lambda knows, rng, victim: {"run_id": 1, "number": 1, "bills": 1, "total": "1.00", "largest": "1.00"},
    "send_bills": lambda knows, rng, victim: {"bills": [_bill(victim)], "on": f"2026-01-{rng.randrange(1, 29):02}"},
    "send_bill_copy": lambda knows, rng, victim: {"customer_id": victim, "invoice": victim * 10 + 1, "source": f"forged {rng.random()}"},
    "release_held_bills": lambda knows, rng, victim: {
        "bills": [
            {"invoice_id": victim * 10, "customer_id": victim, "name": "forged", "anomalies": [], "total": "1.00", "last": None},
        ]
    },
    "issue_final_statements": lambda knows, rng, victim: {
        "statements": [
            {"invoice_id": victim * 10, "customer_id": victim, "name": "forged", "anomalies": ["negative"], "net": "-1.00", "tax": "0.00"},
        ]
    },
    "pay_back_leaver": lambda knows, rng, victim: {
        "customer_id": victim,
        "parts": [{"reference": f"PAY-{victim}", "amount": "5.00", "left": "1000.00"}],
    },
    "record_payout": lambda knows, rng, victim: {
        "customer_id": victim,
        "amount": "5.00",
        "reference": f"forged {rng.random()}",
        "paid_on": "2026-01-01",
    },
    "record_refund_by_hand": lambda knows, rng, victim: {
        "customer_id": victim,
        "refund_id": rng.randrange(1, 100),
        "amount": "5.00",
        "reference": f"forged {rng.random()}",
        "paid_on": "2026-01-01",
    },
    "issue_credit_note": lambda knows, rng, victim: {
        "customer_id": victim,
        "invoice_id": victim * 10,
        "lines": [{"line_id": victim * 10, "label": "forged", "net_left": "1.00", "gross_left": "1.00"}],
        "reason": "forged",
    },
    "define_offering": lambda knows, rng, victim: {
        "new": {
            "code": f"forged-{rng.randrange(10**6)}",
            "name": "Everything for nothing",
            "technology": "fibre",
            "segment": "residential",
            "category": "base",
            "valid_from": _at()[:10],
            "down_kbps": 1_000_000,
            "up_kbps": 1_000_000,
            "contract_months": 0,
            "services": ["internet_access"],
            "prices": [
                {
                    "id": 0,
                    "kind": "recurring",
                    "label": "Everything",
                    "amount": "0.01",
                    "tax_category": "standard",
                    "is_tax_inclusive": False,
                    "charged": "in_advance",
                    "meter": "",
                    "unit": "",
                    "per_units": 1,
                    "allowance_units": 0,
                    "is_rolled_over": False,
                    "tiering": "graduated",
                    "phases": [],
                    "tiers": [],
                }
            ],
            "address_pool": "residential",
            "line_profile": "",
            "service_profile": "",
            "dhcp_class": "",
            "areas": [],
        }
    },
    "change_price": lambda knows, rng, victim: {
        "code": "fibre-100",
        "version": 1,
        "label": "fibre-100",
        "before": "30.00",
        "after": "0.01",
        "day": _at()[:10],
        "lines": 0,
        "delta": "0.00",
        "bound": 0,
    },
    "move_to_current_price": lambda knows, rng, victim: {
        "code": "fibre-100",
        "version": 1,
        "day": _at()[:10],
        "lines": 1,
        "customers": 0,
        "before": "30.00",
        "after": "30.00",
        "bound": 0,
        "other_service": 0,
    },
    "charge_late_fees": lambda knows, rng, victim: {
        "fee": {"amount": "9.00", "overdue_for": "PT0S", "owed_at_least": "0.00", "tax_category": "exempt"},
        "due": [
            {
                "customer_id": victim,
                "subscriber_id": knows.lines[victim][0],
                "invoice_id": victim * 10 + 1,
                "number": 1,
                "due_on": "2020-01-01",
                "open": "9.00",
            }
        ],
    },
    "waive_late_fee": lambda knows, rng, victim: {
        "customer_id": victim,
        "invoice_id": victim * 10 + 1,
        "amount": "0.00",
        "reason": "forged",
    },
    "record_payment": lambda knows, rng, victim: {
        "customer_id": victim,
        "amount": "999.00",
        "method": "cash",
        "reference": f"forged {rng.random()}",
        "received_on": "2026-01-01",
    },
    "disconnect_session": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "session": victim,
        "touches_vulnerable": False,
        "touches_emergency_line": False,
        "reason": "forged",
        "asked_at": _at(),
    },
    "charge_once": lambda knows, rng, victim: {
        "customer_id": victim,
        "subscriber_id": knows.lines[victim][0],
        "label": "forged",
        "amount": "1.00",
        "cause": f"forged {rng.random()}",
        "tax_category": "standard",
    },
    "recycle_usage": lambda knows, rng, victim: {"records": [1, 2, 3], "asked_at": _at()},
    "start_charging": lambda knows, rng, victim: {**_charging(knows, rng, victim), "evidence": "forged", "is_add_on": False},
    "change_charge": lambda knows, rng, victim: {**_charging(knows, rng, victim), "evidence": "forged"},
    "stop_charging": lambda knows, rng, victim: {
        "customer_id": victim,
        "subscriber_id": knows.lines[victim][0],
        "at": _at(-rng.random()),
        "because": "forged",
        "order_id": None,
        "add_on": None,
    },
}
