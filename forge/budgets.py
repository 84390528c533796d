"""The budgets' counters in Atlas. Kept by the executor: no agent's own connection reaches them."""

from dataclasses import dataclass
from uuid import UUID

from atlas.statements import Connection, Statements

SQL = Statements(__file__)


@dataclass(frozen=True)
class Expense:
    """What a call costs; money in millionths of the operator's currency."""

    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    micro_money: int = 0
    milliseconds: int = 0


async def spend(conn: Connection, run: UUID, scope: str, subject: str, expense: Expense) -> None:
    """Books it against the run, the person's day and the operator's day. Raises ProgramLimitExceeded: then nothing is."""
    await SQL.value(conn, "spend", run=run, scope=scope, subject=subject, **vars(expense))


async def book_overrun(conn: Connection, run: UUID, scope: str, subject: str, tokens: int, micro_money: int) -> None:
    """Books what an answer cost beyond what was held ready for it, whatever is left of the budgets: it is spent."""
    await SQL.value(conn, "book_overrun", run=run, scope=scope, subject=subject, tokens=tokens, micro_money=micro_money)


async def forget_runs(conn: Connection) -> None:
    """Drops the counters of runs that were over long ago."""
    await SQL.value(conn, "forget_runs")
