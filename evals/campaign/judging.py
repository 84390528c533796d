"""What must be true when everything is quiet again, and what is not: asked as the owner, and of the provider, who believe nobody."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from atlas.actions.reads import broken_links
from atlas.connection import Atlas
from atlas.principal import Zone, executor
from atlas.statements import Statements
from evals.campaign.books import Books
from evals.campaign.invariants import broken_in_atlas
from evals.campaign.provider import Provider
from evals.campaign.stage import Stage, owner_rows

SQL: Final = Statements(__file__)
# Enough to see what it is about.
SHOWN: Final = 12


@dataclass(frozen=True)
class Verdict:
    """Each sentence that does not hold, with what breaks it. `in_doubt` is what waits for a person, who alone can know."""

    broken: Mapping[str, list[str]] = field(default_factory=dict)
    in_doubt: int = 0

    @property
    def holds(self) -> bool:
        return not self.broken

    def as_rows(self) -> dict[str, Any]:
        return {name: [*found[:SHOWN], f"{len(found)} in all"] for name, found in self.broken.items()}


async def judged(stage: Stage, books: Books) -> Verdict:
    """Every invariant, asked once."""
    found = await asyncio.to_thread(broken_in_atlas, stage.url)
    found["every alarm that was accepted is kept"] = await asyncio.to_thread(alarms_lost, stage.url, books)
    found["every message that was accepted is kept once"] = await asyncio.to_thread(messages_lost, stage.url, books)
    found["every approved request was carried out"] = await asyncio.to_thread(approved_undone, stage.url, books)
    found["nobody is told twice and nobody is told by nobody"] = await asyncio.to_thread(told_wrongly, stage.url, stage.provider)
    found["the audit chains verify"] = await audit_breaks(stage)
    doubts = await asyncio.to_thread(owner_rows, stage.url, SQL.text("in_doubt"))
    return Verdict({name: rows for name, rows in found.items() if rows}, int(str(doubts[0][0])))


def alarms_lost(url: str, books: Books) -> list[str]:
    kept = {(str(row[0]), str(row[1])): bool(row[2]) for row in owner_rows(url, SQL.text("alarms"))}
    lost = [f"{device} {what} is not there" for device, what in books.alarms.keys() - kept.keys()]
    wrong = [
        f"{key[0]} {key[1]} is {'open' if kept[key] else 'closed'}"
        for key, is_open in books.alarms.items()
        if kept.get(key, is_open) != is_open
    ]
    return sorted(lost + wrong)


def messages_lost(url: str, books: Books) -> list[str]:
    kept = [str(row[0]) for row in owner_rows(url, SQL.text("messages"))]
    lost = [f"{sid} is not there" for sid in books.messages - set(kept)]
    return lost + [f"{sid} is there twice" for sid in books.messages if kept.count(sid) > 1]


def approved_undone(url: str, books: Books) -> list[str]:
    return [str(row[0]) for row in owner_rows(url, SQL.text("approved"), {"approved": sorted(books.approved)})]


def told_wrongly(url: str, provider: Provider) -> list[str]:
    """More often at the provider than Atlas has notices; said to be sent, and the provider never had it; or by nobody's order."""
    told = dict(provider.told)
    wrong = []
    for there, words, notices, sent, in_doubt in owner_rows(url, SQL.text("notices")):
        times = told.pop((str(there), str(words)), 0)
        if times > int(str(notices)):
            wrong.append(f"{there} was told {times} times for {notices} notices: {str(words)[:60]}")
        if times == 0 and int(str(sent)) > 0:
            wrong.append(f"{there} was never told: {str(words)[:60]}")
        if times > int(str(sent)) + int(str(in_doubt)):
            wrong.append(f"{there} was told {times} times, and Atlas knows of {sent}: {str(words)[:60]}")
    return wrong + [f"{there} was told what nobody ordered: {words[:60]}" for there, words in told]


async def audit_breaks(stage: Stage) -> list[str]:
    try:
        async with (
            Atlas.open(stage.url, stage.settings.secret, (Zone.EXECUTOR,), most=1) as atlas,
            atlas.transaction(executor("campaign")) as conn,
        ):
            return [f"{one.stream} {one.seq}: {one.why}" for one in await broken_links(conn)]
    except psycopg.Error as error:
        return [f"not verified: {type(error).__name__}"]


def not_whole(url: str, alarms: int, lines: int) -> str:
    """What the outage that stands lacks, as in "people untold: 3"; empty where it has all alarms, lines and tickets, and all are told."""
    names = ("outages", "alarms", "lines", "tickets", "people untold")
    stands = {name: int(str(value)) for name, value in zip(names, owner_rows(url, SQL.text("whole"))[0], strict=True)}
    should = {"outages": 1, "alarms": alarms, "lines": lines, "people untold": 0, "tickets": max(1, stands["tickets"])}
    return ", ".join(f"{name}: {stands[name]}" for name in names if stands[name] != should[name])


def sizes(url: str) -> dict[str, Any]:
    names = ("incidents", "notices", "credits", "actions")
    return dict(zip(names, owner_rows(url, SQL.text("sizes"))[0], strict=True))
