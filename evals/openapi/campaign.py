"""Calls every operation of the OpenAPI document with requests that its schema allows and some that it forbids, and judges each answer."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from atlas.connection import Atlas
from evals.openapi.callers import HOST, Caller
from forge.sign_in.limits import DOOR, WHOLE, forgive

CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# The house's own limit on sign-ins would answer for the app after this many.
FORGIVE_EVERY: Final = 200
MOST_SHOWN: Final = 20


@dataclass
class Judged:
    """Calls made, by operation, caller and status; `failures` says what did not conform, each with the request that shows it."""

    calls: int = 0
    operations: set[str] = field(default_factory=set)
    statuses: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return self.calls > 0 and not self.failures


async def judged(app: FastAPI, atlas: Atlas, everybody: list[Caller], each: int, number: int) -> Judged:
    """Makes `each` requests of each operation as each caller; the same requests from the same `number`."""
    found = Judged()
    for label, cases in made(app, each, number):
        found.operations.add(label)
        for caller in everybody:
            for case in cases:
                await _call(app, caller, case, found, number)
                if found.calls % FORGIVE_EVERY == 0:
                    await _forgiven(atlas)
    return found


def made(app: FastAPI, each: int, number: int) -> Iterator[tuple[str, list[Any]]]:
    """Each operation's name, and requests of it."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    for result in schema.get_all_operations():
        # One that the document describes wrongly raises here.
        operation: Any = result.ok()  # type: ignore[union-attr]
        yield operation.label, [case for mode in GenerationMode for case in _requests(operation, mode, each, number)]


def _requests(operation: Any, mode: GenerationMode, each: int, number: int) -> list[Any]:
    """Requests that the schema allows, or (where it forbids anything) such as it forbids."""
    cases: list[Any] = []

    @seed(number)
    @settings(max_examples=each, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def keep(case: Any) -> None:
        cases.append(case)

    with contextlib.suppress(Unsatisfiable):
        keep()
    return cases


async def _call(app: FastAPI, caller: Caller, case: Any, found: Judged, number: int) -> None:
    found.calls += 1
    answer = await _answered(app, caller, case, random.Random(number + found.calls))  # noqa: S311
    if answer is None:
        return
    found.statuses[answer.status_code] = found.statuses.get(answer.status_code, 0) + 1
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        if len(found.failures) < MOST_SHOWN:
            found.failures.append(f"{caller.name}: {case.method} {case.path} answered {answer.status_code}: {_said(failure)}")


async def _answered(app: FastAPI, caller: Caller, case: Any, chance: random.Random) -> httpx.Response | None:
    """None where HTTP itself has no way to say what was made."""
    # Each call from an address of its own: the pace of one address is judged elsewhere.
    address = f"198.51.{chance.randrange(256)}.{chance.randrange(256)}"
    arguments = {
        name: value
        for name, value in case.as_transport_kwargs(base_url=HOST).items()
        if name in ("method", "url", "params", "json", "data")
    }
    headers = {name: value for name, value in (case.headers or {}).items() if name.lower() not in ("cookie", "authorization")}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 4)), base_url=HOST) as client:
        try:
            return await client.request(**arguments, headers={**headers, **await caller.headers()})
        except (httpx.InvalidURL, UnicodeEncodeError, ValueError):
            return None


def _said(failure: Failure | FailureGroup) -> str:
    parts = failure.exceptions if isinstance(failure, FailureGroup) else [failure]
    return "; ".join(str(part).replace("\n", " ")[:300] for part in parts)


async def _forgiven(atlas: Atlas) -> None:
    async with atlas.transaction(DOOR) as conn:
        await forgive(conn, WHOLE, "sign-in")
