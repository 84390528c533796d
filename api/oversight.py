"""Heads of the audit trail as a file keeps them, and `bedrock matrix`: what an edited escalation matrix would decide otherwise."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from atlas.actions.reads import audit_heads
from atlas.actions.records import AuditHead
from atlas.connection import Atlas
from atlas.principal import executor
from forge.register import Register
from governance.matrix import SHIPPED, MatrixRefused, differences, load

matrix = typer.Typer(no_args_is_help=True, help="The escalation matrix: is it sound, and what would an edit decide otherwise?")
File = Annotated[Path, typer.Argument(help="The edited matrix.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")]


def add_matrix(app: typer.Typer) -> None:
    app.add_typer(matrix, name="matrix")


@matrix.command("check")
def check(file: File, as_json: Json = False) -> None:
    """Every action, tier and proposer at every boundary; exit 1, naming the line, where it is not sound."""
    try:
        Register.of_modules().agree_with(load(file))
    except MatrixRefused as refused:
        typer.echo(json.dumps({"sound": False, "line": refused.line, "wrong": refused.wrong}) if as_json else str(refused))
        raise typer.Exit(1) from refused
    typer.echo(json.dumps({"sound": True}) if as_json else f"{file} is sound.")


@matrix.command("diff")
def diff(file: File, before: Annotated[Path, typer.Option(help="The matrix it would replace.")] = SHIPPED, as_json: Json = False) -> None:
    """Which decisions change, with an example of each and how many cases share it."""
    changed = differences(load(before), load(file))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in changed], indent=2))
        return
    for one in changed:
        typer.echo(f"{one.subject}: {one.was} -> {one.becomes}" + (f" ({one.cases} cases, as {one.example})" if one.cases else ""))
    typer.echo(f"{len(changed)} decisions change.")


def written_heads(file: Path, heads: Sequence[AuditHead]) -> int:
    """Appends the heads, one a line; how many."""
    with file.open("a") as kept:
        kept.writelines(json.dumps(asdict(head)) + "\n" for head in heads)
    return len(heads)


class Witness:
    """Carries the heads of the audit trail out of the database as they grow: what it saw can no longer be cut off unseen."""

    def __init__(self, atlas: Atlas, file: Path) -> None:
        self.atlas, self.file = atlas, file
        self.seen: frozenset[AuditHead] = frozenset()

    async def look(self) -> int:
        """Appends the heads that moved since the last look; how many. Raises OSError where the file cannot be written."""
        async with self.atlas.transaction(executor("witness")) as conn:
            heads = await audit_heads(conn)
        moved = [head for head in heads if head not in self.seen]
        if moved:
            await asyncio.to_thread(written_heads, self.file, moved)
        self.seen = frozenset(heads)
        return len(moved)


def heads_in(file: Path) -> list[AuditHead]:
    """Every head that was ever exported to the file."""
    return [AuditHead(**json.loads(line)) for line in file.read_text().splitlines() if line.strip()]
