"""Hostile orders about places: premises, coverage, ports, leads and splices, well formed and lying."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from evals.adversary.knowledge import Knowledge

PLACES: Final[Mapping[str, Callable[[Knowledge, Random, int], Mapping[str, Any]]]] = {
    "correct_premise_position": lambda knows, rng, victim: {
        "premise_id": victim,
        "was": {"latitude": 50.7, "longitude": -3.5},
        "found": {"latitude": 50.7002, "longitude": -3.5},
        "customers": 1,
    },
    "import_premises": lambda knows, rng, victim: {
        "source": f"forged {rng.random()}",
        "premises": [
            {
                "number": "1",
                "unit": "",
                "street": "Forged Street",
                "town": "Harbour",
                "postcode": "HB1 1AA",
                "area": "Harbour",
                "building": "",
                "kind": "residential",
                "external_id": "",
                "is_provisional": False,
                "latitude": 50.7,
                "longitude": -3.5,
            }
        ],
        "customers": 0,
    },
    "import_coverage": lambda knows, rng, victim: {
        "source": f"forged {rng.random()}",
        "drawn": [
            {
                "name": "forged",
                "technology": "fibre",
                "down_kbps": 1_000_000,
                "up_kbps": 1_000_000,
                "ready_on": None,
                "geometry": {"type": "Polygon", "coordinates": [[[-3.6, 50.6], [-3.4, 50.6], [-3.4, 50.8], [-3.6, 50.6]]]},
            }
        ],
    },
    "record_landlord_consent": lambda knows, rng, victim: {
        "building": 1,
        "was": "missing",
        "consent": "given",
        "note": f"forged {rng.random()}",
    },
    "reserve_port": lambda knows, rng, victim: {"premise_id": victim, "device_id": 5, "key": f"order:{victim}", "hours": 1_000_000},
    "let_port_go": lambda knows, rng, victim: {"key": f"order:{victim}"},
    "record_lead": lambda knows, rng, victim: {
        "written": f"forged {rng.random()}",
        "postcode": "",
        "premise_id": victim,
        "customer_id": victim,
        "wanted_kbps": 1,
        "reason": "forged",
        "asked_on": "2026-01-01",
    },
    "record_splice": lambda knows, rng, victim: {
        "one": {"cable": "F-1", "strand": rng.randrange(2, 12), "cable_end": "from", "device": None, "port": None},
        "other": {"cable": None, "strand": None, "cable_end": None, "device": "olt-1", "port": f"pon {rng.random()}"},
        "made_at": "2026-01-01T00:00:00Z",
    },
    "remove_splice": lambda knows, rng, victim: {
        "splice": 1,
        "one": "olt-1#pon 1",
        "other": "F-1/1@from",
        "customers": 0,
        "reason": "unused",
    },
    "import_fibre": lambda knows, rng, victim: {
        "source": f"forged {rng.random()}",
        "cables": [],
        "splices": [[{"cable": "F-1", "strand": 12, "cable_end": "to"}, {"device": "spl-1", "port": f"leg {rng.randrange(1, 128)}"}]],
    },
    "import_topology": lambda knows, rng, victim: {
        "source": f"forged {rng.random()}",
        "plant": {"devices": [{"name": f"forged-{rng.random()}", "kind": "core", "area": "Harbour"}], "links": []},
    },
}
