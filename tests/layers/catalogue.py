"""What PostgreSQL's own catalogue says of the database: who may read, write and call what."""

from dataclasses import dataclass
from typing import Final

from atlas.modules import MODULES, SHARED_FOLDERS
from atlas.statements import Statements
from tests import given

SQL = Statements(__file__)

LOGINS: Final = ("bedrock_customer", "bedrock_executor", "bedrock_governance", "bedrock_intake", "bedrock_radius", "bedrock_staff")
# Every schema whose rows say something of somebody; a new one belongs in here or beside it.
OURS: Final = frozenset({*MODULES, *SHARED_FOLDERS, "atlas", "radius"})
# The job queue's and LangGraph's own tables: no row of theirs has a customer, so that only one login comes near them.
MACHINERY: Final = frozenset({"jobs", "checkpoints", "public"})


@dataclass(frozen=True)
class Table:
    """A table, view or sequence. `grants`, as in "bedrock_staff SELECT", are to whoever does not own it, columns included."""

    name: str
    kind: str
    is_protected: bool
    is_forced: bool
    is_partition: bool
    is_invoker: bool
    policies: tuple[str, ...]
    grants: tuple[str, ...]

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_table(self) -> bool:
        return self.kind in ("r", "p")

    def granted(self, privilege: str) -> set[str]:
        """Who holds the privilege on it or on one of its columns."""
        return {who for who, _, what in (grant.partition(" ") for grant in self.grants) if what == privilege}


@dataclass(frozen=True)
class Function:
    name: str
    is_definer: bool
    is_leakproof: bool
    language: str
    search_path: str
    may_call: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Login:
    name: str
    is_mighty: bool
    inherits: bool
    member_of: tuple[str, ...]
    members: tuple[str, ...]
    owns: int
    creates_in: tuple[str, ...]


async def tables(owner: given.Owner) -> list[Table]:
    return await SQL.all(owner, Table, "tables")


async def sequences(owner: given.Owner) -> list[Table]:
    return await SQL.all(owner, Table, "sequences")


async def functions(owner: given.Owner) -> list[Function]:
    return await SQL.all(owner, Function, "functions")


async def logins(owner: given.Owner) -> list[Login]:
    return await SQL.all(owner, Login, "logins")
