"""Words put wherever something of a person can stand, and looked for afterwards in every table there is."""

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.migrate import PERSONAL_MAP
from atlas.principal import Role, in_session, staff
from atlas.privacy.reads import columns
from atlas.privacy.records import Column, Place
from atlas.privacy.rules import parsed_map
from forge.actions.crm.customers import EraseCustomer
from forge.approvals import approve, card
from forge.carry_out import carry_out
from forge.matrix_in_force import write_in_force
from forge.propose import EXECUTOR, Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from governance.matrix import load
from tests import given
from tests.given import NOW, Owner
from tests.layers.sown import sow

MAP: Final = parsed_map(PERSONAL_MAP.read_text())
SHIPPED: Final = Path(__file__).parents[2] / "governance" / "matrix.yaml"
# The trail is hashed: words laid into it by hand are a broken chain, which is what other tests are about.
# A merge says of two numbers that they are one person: its row is of both.
UNTOUCHED: Final = frozenset({"actions.audit", "actions.audit_words", "privacy.erasure", "crm.merge"})
WORDS: Final = {"text": "{}", "text[]": "ARRAY[{}]", "jsonb": "jsonb_build_object('said', {})", "bytea": "convert_to({}, 'UTF8')"}


async def forge_of(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def two_households(owner: Owner) -> tuple[int, int]:
    """The numbers of two customers who have a row in every table there is; the map is as it was."""
    sown = await sow(owner)
    for table in ("place", "treatment", "retention_rule"):
        await owner.execute(f"DELETE FROM privacy.{table} WHERE place LIKE 'household%'".encode())  # noqa: S608
    return sown.one.keys["crm.customer"][0], sown.other.keys["crm.customer"][0]


def canary(customer_id: int, place: str, name: str) -> str:
    return f"canary-{customer_id}-{place}.{name}"


def links() -> frozenset[tuple[str, str]]:
    """Columns by which a row is known to be somebody's: with other words in them it is nobody's."""
    pairs = [(one.place, *rule.split(" = ")) for one in MAP.personal for rule in one.whose]
    ends = [(target[0].rpartition(".")[0], target[0].rpartition(".")[2]) for _, _, *target in pairs if target]
    return frozenset({(place, column) for place, column, *_ in pairs} | set(ends))


async def canaries_laid(owner: Owner, customer_id: int) -> list[tuple[str, str]]:
    """One in every column of words of every row that is this customer's; which columns took one."""
    wordy = [one for one in await columns(owner) if one.type in WORDS and (one.place, one.name) not in links()]
    await owner.execute("SET session_replication_role = replica")
    laid = []
    for place in (one for one in MAP.personal if one.place not in UNTOUCHED):
        condition = await _condition(owner, place)
        taken = [one for one in wordy if one.place == place.place and await _laid(owner, one, condition, customer_id)]
        laid.extend((one.place, one.name) for one in taken)
    await owner.execute("SET session_replication_role = origin")
    return laid


async def _condition(owner: Owner, place: Place) -> str:
    row = await (await owner.execute("SELECT privacy.condition(%s)", (place.place,))).fetchone()
    return str(row[0]).replace("$1", "{customer}") if row else "false"


async def _laid(owner: Owner, column: Column, condition: str, customer_id: int) -> bool:
    """False where a list or a key of the schema does not take free words."""
    value = WORDS[column.type].format(f"'{canary(customer_id, column.place, column.name)}'")
    where = condition.replace("{customer}", str(customer_id))
    statement = f"UPDATE {column.place} SET {column.name} = {value} WHERE {where}"  # noqa: S608
    try:
        async with owner.transaction():
            changed = await owner.execute(statement.encode())
    except psycopg.Error:
        return False
    return changed.rowcount > 0


async def found_anywhere(owner: Owner, words: Iterable[str]) -> dict[str, list[str]]:
    """Each of the words that any row of any table of ours holds, octets and checkpoints included, and where."""
    listed = await owner.execute(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
    )
    wanted = list(words)
    found: dict[str, list[str]] = {}
    for schema, table in await listed.fetchall():
        statement = sql.SQL("SELECT one::text FROM {} AS one").format(sql.Identifier(schema, table))
        text = "\n".join(row[0] for row in await (await owner.execute(statement)).fetchall())
        # Octets are shown in hexadecimal.
        for word in wanted:
            if word in text or word.encode().hex() in text:
                found.setdefault(word, []).append(f"{schema}.{table}")
    return found


async def asked_to_erase(forge: Forge, owner: Owner, customer_id: int, source: str = "letter of today") -> Proposed:
    """Somebody who works here takes the request."""
    member = StaffId(await given.member(owner, f"Cara Clark {source}", "customer_care"))
    cara = staff(member, "Cara Clark", frozenset({Role.CUSTOMER_CARE}))
    action = EraseCustomer(CustomerId(customer_id), source)
    return await propose(forge, cara, action, reason="they wrote", correlation_id=CorrelationId(uuid.uuid4()))


async def erased(forge: Forge, owner: Owner, customer_id: int, source: str = "letter of today") -> dict[str, Any]:
    """Asked for by one, approved by another, carried out; what became of it."""
    proposed = await asked_to_erase(forge, owner, customer_id, source)
    member = await given.member(owner, f"Carl Lead {source}", "care_lead")
    carl = in_session(staff(StaffId(member), "Carl Lead", frozenset({Role.CARE_LEAD})), await given.session(owner, member))
    async with forge.atlas.transaction(EXECUTOR) as conn:
        seen = await card(forge, conn, proposed.action_id)
    await approve(forge, carl, proposed.action_id, digest_seen=seen.digest)
    done = await carry_out(forge, proposed.action_id)
    assert done.outcome is not None, (done.state, done.failure)
    return done.outcome
