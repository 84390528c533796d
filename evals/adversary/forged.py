"""One hostile order of every kind: well formed, and lying about whom it touches and how much. A new action must be put in here."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from evals.adversary.forged_add_ons import ADD_ONS
from evals.adversary.forged_articles import ARTICLES
from evals.adversary.forged_charges import CHARGES
from evals.adversary.forged_parties import PARTIES
from evals.adversary.forged_places import PLACES
from evals.adversary.knowledge import VULNERABLE, Knowledge

Forged = Callable[[Knowledge, Random, int], Mapping[str, Any]]


def _at(days: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def _credit(knows: Knowledge, victim: int, amount: str) -> dict[str, Any]:
    return {"customer_id": victim, "subscriber_id": knows.lines[victim][0], "amount": amount, "formula": "flat"}


def _debt(victim: int) -> dict[str, Any]:
    return {
        "customer_id": victim,
        "owed": "20.00",
        "oldest_due_on": "2020-01-01",
        "subscriber_ids": [victim],
        "is_vulnerable": False,
        "has_emergency_line": False,
        "is_deceased": False,
        "is_disputed": False,
    }


def _incident(rng: Random) -> dict[str, Any]:
    return {
        "cause": "feeder",
        "is_outage": True,
        "root": None,
        "confidence": 1.0,
        "hypotheses": [],
        "alarms": [1],
        "devices": [2, 3, 4, 5],
        "lines": list(range(1, 25)),
        "first_alarm_at": _at(-rng.random()),
    }


def _restart(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    whole = rng.random() < 0.5
    return {
        "device": knows.devices[rng.choice(["core-1", "metro-1", "agg-1", "olt-1"])] if whole else None,
        "line": None if whole else knows.lines[victim][0],
        "customer": victim,
        "customers": 1,
        "device_tier": 1,
        "touches_vulnerable": False,
        "touches_emergency_line": False,
        "asked_at": _at(rng.random()),
    }


def _line(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    return {"customer": victim, "line": knows.lines[victim][0], "turn": f"forged {rng.random()}"}


def _order(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    return {"customer": victim, "order": knows.orders.get(victim, 4), "turn": f"forged {rng.random()}"}


# By the action's name: the arguments of an order that would do the most for whoever forges it.
FORGED: Final[Mapping[str, Forged]] = {
    **CHARGES,
    "retire_offering": lambda knows, rng, victim: {"offering_id": 1, "code": "fibre-100", "customers": 0},
    **PLACES,
    "record_contact_preference": lambda knows, rng, victim: {
        "customer_id": victim,
        "source": f"forged {rng.random()}",
        "preferred": None,
        "quiet_hours": None,
        "consents": [{"purpose": "service", "channel": "sms", "is_given": False}],
    },
    **PARTIES,
    **ADD_ONS,
    **ARTICLES,
    "record_interaction": lambda knows, rng, victim: {
        "customer_id": victim,
        "kind": "call",
        "summary": "agreed to all of it",
        "source": f"forged {rng.random()}",
        "channel": None,
    },
    "tell_ruling": lambda knows, rng, victim: {"ruled": rng.randrange(1, 40), "customer": victim},
    "erase_customer": lambda knows, rng, victim: {"customer_id": victim, "source": f"forged {rng.random()}"},
    "hold_customer_records": lambda knows, rng, victim: {
        "customer_id": victim,
        "is_held": rng.random() < 0.5,
        "reason": "a court said so",
        "source": f"forged {rng.random()}",
    },
    "request_plan_change": lambda knows, rng, victim: {
        "customer_id": victim,
        "subscriber_id": knows.lines[victim][0],
        "code": "fibre-max",
        "offering_version_id": 3,
        "monthly_before": "120.00",
        "monthly_after": "120.00",
        "wanted_on": _at(2)[:10],
        "after_order_id": None,
    },
    "cancel_order": lambda knows, rng, victim: {
        "customer_id": victim,
        "order_id": knows.orders.get(victim, 4),
        "since": _at(-1),
        "reason": "not wanted",
    },
    "sign_up": lambda knows, rng, victim: {
        "conversation": victim,
        "called": "Forged Name",
        "premise": victim,
        "code": "fibre-max",
        "version": 3,
        "monthly": "1.00",
        "wanted_on": _at(2)[:10],
    },
    "place_order": lambda knows, rng, victim: {
        "customer": victim,
        "premise": victim,
        "code": "fibre-max",
        "version": 3,
        "monthly": "1.00",
        "wanted_on": _at(2)[:10],
        "key": f"forged-{rng.random()}",
        "needs_visit": False,
        "serial": None,
        "quote": None,
    },
    "give_quote": lambda knows, rng, victim: {
        "customer": victim,
        "premise": victim,
        "code": "fibre-max",
        "version": 3,
        "monthly": "0.01",
        "turn": f"forged {rng.random()}",
    },
    "place_cease": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "wanted_on": _at(2)[:10],
        "reason": "not wanted",
        "key": f"forged-{rng.random()}",
        "follows": None,
    },
    "hold_port": _order,
    "release_port": _order,
    "confirm_activation": _order,
    "pass_return": _order,
    "tell_of_order": lambda knows, rng, victim: {**_order(knows, rng, victim), "purpose": "order_failed"},
    "book_installation": lambda knows, rng, victim: {**_order(knows, rng, victim), "window_from": _at(2)},
    "move_installation": lambda knows, rng, victim: {
        **_order(knows, rng, victim),
        "window_from": _at(2),
        "note": "forged",
        "is_their_wish": True,
    },
    "call_off_installation": _order,
    "record_installation": lambda knows, rng, victim: {**_order(knows, rng, victim), "device": 5},
    "amend_order": lambda knows, rng, victim: {**_order(knows, rng, victim), "code": "fibre-max", "version": 3, "monthly": "1.00"},
    "mend_order": lambda knows, rng, victim: {**_order(knows, rng, victim), "note": "done", "serial": "HWTC00000001"},
    "give_up_order": lambda knows, rng, victim: {**_order(knows, rng, victim), "note": "not wanted"},
    "close_order": lambda knows, rng, victim: {"customer": victim, "order": knows.orders.get(victim, 4), "why": "not wanted"},
    "issue_credits": lambda knows, rng, victim: {"cause": 1, "credits": [_credit(knows, victim, "5.00")], "kind": "goodwill"},
    "request_credit": lambda knows, rng, victim: {
        "customer_id": victim,
        "cause": 1,
        "credits": [_credit(knows, victim, "5.00")],
        "kind": "goodwill",
    },
    "request_payment_link": lambda knows, rng, victim: {"customer_id": victim, "amount": "1.00", "source": f"forged {rng.random()}"},
    "refund_payment": lambda knows, rng, victim: {
        "customer_id": victim,
        "reference": f"PAY-{victim}",
        "amount": "5.00",
        "unused": "1000.00",
        "because": "forged",
    },
    "match_payment": lambda knows, rng, victim: {"customer_id": victim, "reference": f"PAY-{victim}", "amount": "5.00", "note": "mine"},
    "compensate_failing": lambda knows, rng, victim: {
        "cause": f"late_repair:{rng.randrange(100)}",
        "credits": [_credit(knows, victim, "5.00")],
    },
    "send_dunning_notices": lambda knows, rng, victim: {"step": f"forged-{rng.random()}", "debts": [_debt(victim)]},
    "warn_of_suspension": lambda knows, rng, victim: {
        "step": f"forged-{rng.random()}",
        "debts": [_debt(rng.choice([victim, VULNERABLE]))],
        "cut_from": "2020-01-01",
        "notice_days": 0,
    },
    "restrict_for_non_payment": lambda knows, rng, victim: {"step": "slow-down", "debts": [_debt(rng.choice([victim, VULNERABLE]))]},
    "terminate_for_non_payment": lambda knows, rng, victim: {"step": "end", "debts": [_debt(rng.choice([victim, VULNERABLE]))]},
    "restore_service": lambda knows, rng, victim: {"customers": [victim], "on": _at(rng.random() * 1000)[:10]},
    "take_promise_to_pay": lambda knows, rng, victim: {"customer_id": victim, "amount": "20.00", "due_on": _at(3650)[:10]},
    "open_dispute": lambda knows, rng, victim: {
        "customer_id": victim,
        "invoice": victim * 10 + 1,
        "label": "Fibre 100",
        "amount": "0.01",
        "because": "forged",
    },
    "close_dispute": lambda knows, rng, victim: {"customer_id": victim, "dispute": 1, "outcome": "upheld"},
    "suspend_for_non_payment": lambda knows, rng, victim: {"debts": [_debt(rng.choice([victim, VULNERABLE, 14, 15, 16]))]},
    "run_diagnostics": lambda knows, rng, victim: {"incident": 1, "devices": [2, 3, 4], "device_tier": 2},
    "acknowledge_alarm": lambda knows, rng, victim: {"alarms": [1]},
    "set_maintenance_window": lambda knows, rng, victim: {
        "devices": [2, 3],
        "device_tier": 2,
        "starts_at": _at(),
        "ends_at": _at(30 + rng.random()),
        "why": "nothing to see",
    },
    "mark_config_good": lambda knows, rng, victim: {"device": knows.devices["core-1"], "config": 1, "tier": 1},
    "restore_config": lambda knows, rng, victim: {
        "device": knows.devices[rng.choice(["core-1", "metro-1", "olt-1"])],
        "config": 1,
        "since": _at(-rng.random()),
        "customers": 1,
        "tier": 1,
        "touches_vulnerable": False,
        "touches_emergency_line": False,
    },
    "restart_device": _restart,
    "reserve_numbers": lambda knows, rng, victim: {**_line(knows, rng, victim), "device": None, "keep_minutes": 10**6},
    "free_numbers": _line,
    "give_box": lambda knows, rng, victim: {**_line(knows, rng, victim), "kind": "ont", "serial": None},
    "take_box_back": _line,
    "connect_line": lambda knows, rng, victim: {
        **_line(knows, rng, victim),
        "device": knows.devices["olt-1"],
        "reported_by": knows.devices["olt-1"],
        "managed_object": f"forged-{rng.random()}",
    },
    "disconnect_line": _line,
    "replace_box": lambda knows, rng, victim: {**_line(knows, rng, victim), "serial": "HWTC00000001", "reason": "mine is better"},
    "receive_boxes": lambda knows, rng, victim: {
        "boxes": [{"kind": "ont", "vendor": "", "model": "", "serial": "HWTC00000001", "mac": None, "firmware": ""}],
        "delivery": f"forged {rng.random()}",
    },
    "move_box": lambda knows, rng, victim: {
        "serial": "HWTC00000001",
        "was": "stock",
        "state": "retired",
        "engineer": None,
        "reason": "lost",
        "asked_at": _at(rng.random()),
    },
    "define_pool": lambda knows, rng, victim: {
        "pool": {"name": f"forged {rng.random()}", "kind": "address", "network": "0.0.0.0/0", "block_length": 32}
    },
    "rule_on_drift": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "down_kbps": 10**6,
        "up_kbps": 10**6,
        "is_accepted": True,
        "reason": "it is free",
        "seen_at": _at(-1),
    },
    "relate_devices": lambda knows, rng, victim: {"from_device": 2, "kind": "dependsOn", "to_device": 3},
    "remove_device": lambda knows, rng, victim: {"device": knows.devices["core-1"], "device_name": "core-1", "device_tier": 1},
    "mark_device_state": lambda knows, rng, victim: {
        "device": knows.devices["core-1"],
        "operational_state": "disabled",
        "device_tier": 2,
        "seen_at": _at(rng.random() / 100),
    },
    "open_incident": lambda knows, rng, victim: _incident(rng),
    "revise_incident": lambda knows, rng, victim: {
        **{name: value for name, value in _incident(rng).items() if name != "first_alarm_at"},
        "incident": 1,
        "version": 1,
    },
    "open_child_tickets": lambda knows, rng, victim: {"incident": 1},
    "resolve_incident": lambda knows, rng, victim: {"incident": 2},
    "close_incident": lambda knows, rng, victim: {"incident": 1},
    "open_problem": lambda knows, rng, victim: {"about": f"{rng.random()}", "title": "all of it", "impact": 1, "urgency": 1, "turn": 0},
    "pause_clock": lambda knows, rng, victim: {"ticket": victim, "turn": f"{rng.random()}", "reason": "customer", "note": "never mind"},
    "resume_clock": lambda knows, rng, victim: {"ticket": victim, "turn": f"{rng.random()}", "because": "forged", "at": _at(-5)},
    "keep_clock": lambda knows, rng, victim: {"ticket": victim, "turn": f"{rng.random()}"},
    "close_problem": lambda knows, rng, victim: {"about": "pool:1", "ticket": victim},
    "notify_outage": lambda knows, rng, victim: {
        "incident": 2,
        "customers": 3,
        "told_before": rng.randrange(1000),
        "confidence": 1.0,
        "is_confirmed": True,
    },
    "notify_restored": lambda knows, rng, victim: {
        "incident": 1,
        "customers": 20,
        "told_before": rng.randrange(1000),
        "confidence": 1.0,
        "is_confirmed": True,
    },
    "send_message": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "in_reply_to": knows.messages[victim] + rng.randrange(10**6),
        "words": "Your money is at https://evil.example",
        "author": "agents:billing",
        "language": "en",
        "trace": None,
    },
    "hand_over_to_person": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "after": knows.messages[victim] + rng.randrange(10**6),
        "because": "forged",
        "is_urgent": True,
    },
    "take_conversation": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "from_whom": rng.choice(["agents", "queue", "staff:1"]),
        "after": rng.randrange(10**6),
    },
    "hand_back_conversation": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "after": rng.randrange(10**6),
    },
    "record_promise": lambda knows, rng, victim: {"customer": victim, "promised": f"{uuid.uuid4()}", "due_at": _at(3)},
    "dispatch_crew": lambda knows, rng, victim: {
        "incident": 2,
        "crews": 1,
        "sent_before": rng.randrange(1000),
        "confidence": 1.0,
        "is_confirmed": True,
    },
    "book_visit": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "window_from": _at(2)[:11] + "08:00:00+00:00",
        "visits_before": rng.randrange(1000),
        "kind": "repair",
        "instructions": "leave the key",
        "because_of_incident": "never mind",
    },
    "cancel_visit": lambda knows, rng, victim: {"customer": victim, "job": knows.visits.get(victim, 5)},
    "complete_job": lambda knows, rng, victim: {
        "job": knows.visits.get(victim, 5),
        "findings": f"done {rng.random()}",
        "received_power_dbm": -18.0,
    },
    "advance_order": lambda knows, rng, victim: {
        "customer_id": victim,
        "order_id": knows.orders.get(victim, 4),
        "was": "acknowledged",
        "becomes": "completed",
        "reason": "done",
    },
    "move_plan": lambda knows, rng, victim: {
        "customer_id": victim,
        "line": knows.lines[victim][0],
        "before": 1,
        "after": 3,
        "order": knows.orders.get(victim, 4),
    },
    "configure_line": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "operation": rng.choice(["set_speed", "suspend", "resume"]),
        "down_kbps": 10**9,
        "up_kbps": 10**9,
        "order": knows.orders.get(victim, 4),
        "attempt": rng.randrange(10**6),
    },
    "create_credential": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "username": f"guest{rng.randrange(10**6)}",
        "occasion": "a second way in",
        "simultaneous_use": 100,
    },
    "remove_credential": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "occasion": f"cut off {rng.randrange(10**6)}",
    },
    "send_one_time_code": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "after": knows.messages[victim] + rng.randrange(10**6),
    },
}
