"""Registered mutants of the gate: each takes one defence out of the database, and the comparison with governance must notice."""

from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection

from atlas.errors import AtlasError
from atlas.statements import Connection
from evals.governance.verdicts import compare


class MutantWithoutPlace(AtlasError):
    """A mutant whose text is no longer in the gate: what it took out has moved."""


@dataclass(frozen=True)
class Mutant:
    """In this function of the gate, `was` becomes `becomes`."""

    function: str
    was: str
    becomes: str

    @property
    def name(self) -> str:
        return f"{self.function}: {self.was} → {self.becomes}"


@dataclass(frozen=True)
class Noticed:
    mutant: str
    differ: int


COVERING: Final = (
    ("split_part(p_facts ->> 'proposed_by', ':', 1) = ANY (line.by)", "true"),
    ("m.money <= line.money_up_to", "true"),
    ("m.money_each <= line.money_each_up_to", "true"),
    ("m.customers <= line.customers_up_to", "m.customers <= line.customers_up_to + 1"),
    ("m.devices <= line.devices_up_to", "m.devices <= line.devices_up_to + 1"),
    ("m.crews <= line.crews_up_to", "true"),
    ("m.device_tier <= line.device_tier_up_to", "true"),
    (">= coalesce(line.least_confidence, 0)", ">= 0"),
    ("line.hours = 'any' OR", "true OR"),
    ("line.incident_confirmed IS NULL OR", "true OR"),
    ("line.vulnerable IS NULL OR", "true OR"),
    ("line.emergency_line IS NULL OR", "true OR"),
    ("line.disputed IS NULL OR", "true OR"),
    ("ORDER BY line.place LIMIT 1", "ORDER BY line.place DESC LIMIT 1"),
)
BARRED: Final = (
    ("AND p_facts ->> 'proposed_by' LIKE 'staff:%'", "AND false"),
    ("IF actions.beyond(m, most.ever) IS NOT NULL", "IF false"),
    ("IF is_disconnection AND NOT most.disconnects", "IF false"),
    ("(p_facts ->> 'touches_vulnerable')::boolean OR", ""),
    ("(p_facts ->> 'touches_emergency_line')::boolean OR", ""),
    ("OR (p_facts ->> 'is_disputed')::boolean", ""),
    ("IF most.alone IS NULL OR most.disconnects", "IF false"),
    ("IF actions.beyond(m, most.alone) IS NOT NULL", "IF false"),
)
BEYOND: Final = (
    ("m.money BETWEEN 0 AND most.money)", "m.money BETWEEN 0 AND most.money + 1)"),
    ("m.money_each BETWEEN 0 AND most.money_each)", "true)"),
    ("m.customers BETWEEN 0 AND most.customers)", "m.customers BETWEEN 0 AND most.customers + 1)"),
    ("m.devices BETWEEN 0 AND most.devices)", "true)"),
    ("m.crews BETWEEN 0 AND most.crews)", "true)"),
    ("m.device_tier BETWEEN 0 AND most.device_tier)", "true)"),
)
DECIDED: Final = (
    ("IF odd IS NOT NULL THEN", "IF false THEN"),
    ("v := actions.barred(p_name, p_facts, m, line.answer, most);", ""),
    ("(tally ->> 'actions')::numeric >= 0) IS NOT TRUE", "false)"),
    ("CASE WHEN lent.per = 'customer' THEN m.money_each ELSE m.money END > lent.money_up_to", "0 > lent.money_up_to"),
    ("(tally ->> 'customers')::numeric + m.customers > lent.customers_up_to", "false"),
    ("(tally ->> 'devices')::numeric + m.devices > lent.devices_up_to", "false"),
    ("(tally ->> 'actions')::numeric + 1 > lent.actions_up_to", "(tally ->> 'actions')::numeric > lent.actions_up_to"),
    ("actions.strictness(lent.answer) > actions.strictness(v.answer)", "false"),
    ("line.how_many", "0"),
    ("line.expires_in, line.execute_within", "line.expires_in * 2, line.execute_within"),
)
ODDITY: Final = (
    ("IF m.customers NOT BETWEEN 0 AND 1000000000", "IF false"),
    ("IF m.money NOT BETWEEN 0 AND 100000000000000", "IF false"),
    ("IF (p_facts ->> 'confidence')::double precision NOT BETWEEN 0 AND 1", "IF false"),
    ("[A-Za-z0-9_.-]{1,64}", ".*"),
    ("IF m.money_each NOT BETWEEN 0 AND m.money OR", "IF"),
    ("IF m.devices > 0 AND m.device_tier = 0", "IF false"),
)
MUTANTS: Final = tuple(
    Mutant(function, was, becomes)
    for function, changes in {"covering": COVERING, "barred": BARRED, "beyond": BEYOND, "decided": DECIDED, "oddity": ODDITY}.items()
    for was, becomes in changes
)


async def noticed(url: str, mutants: tuple[Mutant, ...] = MUTANTS, requests: int = 20_000, seed: int = 1) -> list[Noticed]:
    """How many verdicts differ under each mutant, one at a time; the gate is whole again afterwards."""
    found = []
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        for mutant in mutants:
            whole = await _definition(conn, mutant.function)
            if mutant.was not in whole:
                raise MutantWithoutPlace(f"{mutant.function} no longer says {mutant.was}")
            await conn.execute(whole.replace(mutant.was, mutant.becomes, 1).encode())
            try:
                found.append(Noticed(mutant.name, (await compare(url, requests, seed, batch=1000, enough=1)).differ))
            finally:
                await conn.execute(whole.encode())
    return found


async def _definition(conn: Connection, function: str) -> str:
    cursor = await conn.execute(
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'actions' AND p.proname = %s",
        (function,),
    )
    (row,) = await cursor.fetchall()
    return str(row[0])
