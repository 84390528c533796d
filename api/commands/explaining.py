"""`bedrock audit explain`: one action whole, for whoever has to answer for it."""

import json
from dataclasses import asdict
from typing import Any

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.cli import Json, Reference, audit, console, numbered, opened, printed_json, run
from api.settings import Settings
from atlas.actions.rules import reference as named
from atlas.identity import ActionId
from atlas.principal import Zone, executor
from forge.explained import MOST_ROWS, Explanation, Sent, explained


def add_explaining(app: typer.Typer) -> None:
    """The command stands among those of the trail, wherever these are."""
    del app
    audit.command("explain")(explain)


def explain(reference: Reference, as_json: Json = False) -> None:
    """Who, why, by which rule, on what evidence, with whose approval, by which model, and everything that came of it."""
    action_id = ActionId(numbered(reference, "A"))

    async def work() -> Explanation:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await explained(conn, action_id)

    found = run(work)
    if as_json:
        printed_json(asdict(found))
        return
    console.print(Panel(grid(asked(found)), title=f"{named(action_id)} {found.action.name.replace('_', ' ')}", title_align="left"))
    for title, rows in came_of(found).items():
        if rows:
            console.print(Panel(grid(rows), title=title, title_align="left"))


def asked(found: Explanation) -> list[tuple[str, str]]:
    one = found.action
    rows = [
        ("state", one.state.value),
        ("asked by", f"{one.proposer} at {one.proposed_at:%d %b %Y %H:%M:%S}"),
        ("why", one.reason),
        ("judged", f"{one.verdict_reason or ''} (row {one.rule})" if one.rule else ""),
        ("evidence", json.dumps(list(one.evidence), default=str) if one.evidence else ""),
        ("failed", one.failure or ""),
    ]
    ruled = [
        ("approved" if ruling.is_approval else "rejected", f"staff:{ruling.staff_id} at {ruling.ruled_at:%d %b %H:%M:%S} {ruling.note}")
        for ruling in found.rulings
    ]
    return [row for row in (*rows, *ruled) if row[1]]


def came_of(found: Explanation) -> dict[str, list[tuple[str, str]]]:
    """What came of it, by what it is."""
    return {
        "Said by": [(one.module, f"{one.model}, brief {one.prompt_version or 'none'}, {', '.join(one.tools)}") for one in found.spoken_by],
        "Rows written": [(place, f"{rows} or more" if rows == MOST_ROWS else str(rows)) for place, rows in found.written.items()],
        "Messages": [(f"N-{one.notice_id}", f"{one.purpose} by {one.channel}: {became(one)}") for one in found.messages],
        "Outside": [(f"E-{one.errand_id}", f"{one.port} {one.operation}: {one.state} after {one.attempts} tries") for one in found.outside],
        "Trail": [(f"{one.at:%d %b %H:%M:%S}", f"{one.event} by {one.actor} {_short(one.detail)}") for one in found.trail],
    }


def became(one: Sent) -> str:
    return f"{one.delivery or one.state} {one.failure or ''}".strip()


def _short(detail: dict[str, Any]) -> str:
    return json.dumps(detail, default=str, ensure_ascii=False)[:160]


def grid(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, said in rows:
        table.add_row(Text(name, style="dim"), Text(said))
    return table
