"""Every route that takes words from outside over HTTP, and where it is attacked. A route in no line here is told by a test."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import api
import console
from api.inbound.voice.web import ANSWERS as CALLS

DECLARED: Final = re.compile(r"""@\w+\.(?P<method>post|put|patch|delete)\(\s*"(?P<path>[^"]*)\"""")
WEB: Final = (Path(api.__file__).parent, Path(console.__file__).parent)

# By the beginning of the path, the longest that fits counts.
ATTACKED_IN: Final[Mapping[str, str]] = {
    "/access": "a pair, self-approval by a borrowed role: tests/layers/test_gate_approvals.py; and tests/web/test_every_route.py",
    "/account": "signed-in colleagues only; every route × role: tests/web/test_every_route.py, test_passkeys.py",
    "/approvals": "self-approval, a pair, another card's digest, stale preconditions; and tests/web/test_every_route.py",
    "/articles": "leads alone write what everybody is told; and tests/web/test_every_route.py, tests/console/test_writing_articles.py",
    "/catalogue": "signed-in colleagues ask for a price or an end of sale that the matrix judges; and tests/web/test_every_route.py",
    "/chat": "a colleague's words are a message body (injection), by the way of everybody's; and tests/web/test_every_route.py",
    "/customers": "signed-in colleagues of some roles order what the matrix judges; and tests/web/test_every_route.py",
    "/doubts": "signed-in colleagues settle what is in doubt: replays; and tests/web/test_every_route.py",
    "/inbox": "signed-in colleagues only; what they press is an action: tests/web/test_inbox.py, test_every_route.py",
    "/events": "what a payment provider says: signature, replays, order, amounts, currencies: tests/doors/test_stripe.py",
    "/leaks": "signed-in colleagues ask for a correction that the matrix judges; and tests/web/test_every_route.py",
    "/matrix": "compares, saves nothing: a policy change disguised as configuration; and tests/web/test_every_route.py",
    "/orders": "signed-in colleagues ask for a step again or for an end, which the matrix judges; and tests/web/test_every_route.py",
    "/privacy": "signed-in colleagues of some roles ask for what the matrix judges; tests/web/test_privacy.py, test_every_route.py",
    "/prove": "the fresh sign-in: stale preconditions; and tests/web/test_sign_in.py, test_second_factor.py",
    "/sign-in": "before there is a principal: tests/web/test_sign_in.py, test_edge.py, test_elsewhere.py",
    "/sign-out": "tests/web/test_sessions.py",
    "/switches": "kill-switch evasion; and tests/web/test_every_route.py",
    "/messages": "message bodies, profile names, file names (injection); signature and all: tests/doors",
    "/visits": "begins nothing in Atlas; forged tokens, foreign pages and all: tests/web/test_widget.py",
    "/code": "guessing, another browser's code, replays: tests/web/test_widget.py",
    "/status": "carriers' errors (injection); signature and all: tests/doors",
    "/tickets": "signed-in colleagues stop a clock or let it run, which the matrix judges; and tests/web/test_every_route.py",
    "/unsubscribe": "forged and altered links, another's, a foreign page, replays: tests/web/test_unsubscribe.py",
    "voice": "what is said is a message body (injection); signature, socket and all: tests/doors/test_voice.py",
}


def writing_routes() -> Iterator[str]:
    """The paths of all routes that take a body, read from the source."""
    for folder in WEB:
        for path in sorted(folder.rglob("*.py")):
            yield from (found["path"] for found in DECLARED.finditer(path.read_text()))
    yield from (f"voice{path}" for path in CALLS)


def unattacked() -> list[str]:
    """Routes that no line above begins."""
    return sorted({path for path in writing_routes() if not path.startswith(tuple(ATTACKED_IN))})
