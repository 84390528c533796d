"""One hostile order of every kind about who somebody is: `forged.py` takes them in."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from evals.adversary.knowledge import Knowledge

PARTIES: Final[Mapping[str, Callable[[Knowledge, Random, int], Mapping[str, Any]]]] = {
    "register_customer": lambda knows, rng, victim: {
        "new": {
            "kind": "individual",
            "name": f"Mallory {rng.random()}",
            "given_name": "Mallory",
            "language": "en",
            "timezone": "Europe/London",
            "contacts": [["sms", "+447700900666"]],
            "birth_date": None,
            "premise_id": None,
            "customer_since": None,
        },
        "source": f"forged {rng.random()}",
        "unlike": [],
    },
    "amend_customer": lambda knows, rng, victim: {
        "customer_id": victim,
        "version": 1,
        "amendment": {
            "name": "Mallory Moss",
            "given_name": None,
            "language": None,
            "state": "deceased",
            "is_vulnerable": False,
            "vulnerability": None,
            "birth_date": None,
            "is_sanctioned": None,
        },
    },
    "record_reading": lambda knows, rng, victim: {
        "job": rng.randrange(1, 20),
        "kind": "received_power_dbm",
        "value": -19.5,
        "taken_at": f"2026-01-01T00:00:{rng.randrange(60):02}Z",
    },
    "give_hands_free": lambda knows, rng, victim: {
        "engineer": rng.randrange(1, 20),
        "phone": f"+4477009{rng.randrange(10**5):05}",
        "pin_mark": f"{rng.randrange(16**32):064x}",
    },
    "send_sign_in_code": lambda knows, rng, victim: {
        "conversation": knows.conversations[victim],
        "customer": victim,
        "contact": rng.randrange(1, 60),
        "after": knows.messages[victim] + rng.randrange(10**6),
    },
    "let_somebody_act": lambda knows, rng, victim: {
        "customer_id": victim,
        "called": "Mallory Moss",
        "address": f"+4477009{rng.randrange(10**5):05}",
        "may": ["be_told", "order", "pay"],
        "until": "2027-01-01T00:00:00Z",
    },
    "end_authority": lambda knows, rng, victim: {"customer_id": victim, "role_id": rng.randrange(1, 40)},
    "note_moved_number": lambda knows, rng, victim: {
        "address": f"+4477009{rng.randrange(10**5):05}",
        "kind": "other_holder",
        "noticed_at": "2026-01-01T00:00:00Z",
    },
    "give_role": lambda knows, rng, victim: {
        "customer_id": victim,
        "role": {
            "id": 0,
            "role": "delegate",
            "name": "Mallory Moss",
            "channel": "sms",
            "address": "+447700900666",
            "may": ["everything"],
            "valid_from": (datetime.now(UTC) + timedelta(days=rng.random())).isoformat(),
            "valid_until": None,
        },
    },
    "suspend_line": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "because": "agreed to it",
        "version": rng.randrange(1, 3),
        "why": "voluntary",
        "touches_vulnerable": False,
        "touches_emergency_line": False,
    },
    "resume_line": lambda knows, rng, victim: {
        "customer": victim,
        "line": knows.lines[victim][0],
        "because": "it is well",
        "version": rng.randrange(1, 3),
    },
    "merge_customers": lambda knows, rng, victim: {
        "customer_id": victim,
        "absorbed": rng.choice([one for one in (11, 12, 14, 15) if one != victim]),
        "owed": "0.00",
        "absorbed_owed": "0.00",
    },
    "undo_merge": lambda knows, rng, victim: {"customer_id": victim, "merge": 1, "moved": "0.00"},
}
