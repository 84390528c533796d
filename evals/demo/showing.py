"""What Atlas recorded, as whoever watches the demo reads it. Only words; every figure comes in."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from evals.demo.watching import Happening
from forge.approvals import Card

# Details that matter to a reader, in the order in which they are said; identifiers stay in Atlas.
SAID: Final = (
    "cause", "confidence", "alarms", "devices", "subscribers", "customers", "areas", "parent", "children", "tickets",
    "alarms_joined", "alarms_left", "devices_joined", "devices_left", "subscribers_joined", "subscribers_left",
    "credits", "money", "notices", "told", "reachable", "errands", "engineer", "why", "because", "by", "note",
)  # fmt: skip
TONES: Final = {
    "waits": "yellow",
    "ruled": "yellow",
    "failed": "red",
    "refused": "red",
    "rejected": "red",
    "expired": "red",
    "sent": "green",
}
SENTENCES: Final = {
    ("event", "opened"): "one incident opened",
    ("event", "grew"): "more joined the incident",
    ("event", "shrank"): "part of it is back",
    ("event", "tickets_opened"): "parent ticket with child tickets",
    ("event", "resolved"): "everybody is back",
    ("event", "closed"): "incident closed",
}
MOST_LINES: Final = 24


def timeline(happened: Iterable[Happening], first_at: datetime | None, heading: str, status: str) -> RenderableType:
    """The latest lines of what happened, with seconds since the first alarm."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in list(happened)[-MOST_LINES:]:
        table.add_row(since(one.at, first_at), Text(sentence(one), style=TONES.get(one.source, "bold")), Text(detail(one), style="dim"))
    return Panel(Group(table, Text(status, style="cyan")), title=heading, border_style="blue")


def since(at: datetime, first_at: datetime | None) -> str:
    return "" if first_at is None else f"+{(at - first_at).total_seconds():7.2f} s"


def sentence(one: Happening) -> str:
    words = one.subject.replace("_", " ")
    if one.source == "waits":
        return f"{words} waits for {roles(one.detail.get('roles', ()))}"
    if one.source == "ruled":
        return f"{words} {'approved' if one.detail.get('approved') else 'rejected'}"
    if one.source == "sent":
        return f"{words} notices sent"
    if one.source == "diagnosed":
        return f"diagnostics: {words}"
    if one.source == "event" and one.detail.get("alarms_left") and not one.detail.get("alarms_joined") and one.subject != "shrank":
        return "alarms clear"
    return SENTENCES.get((one.source, one.subject), words if one.source in ("event", "done") else f"{words} {one.source}")


def detail(one: Happening) -> str:
    """The figures of a happening, worth reading; zeros left out."""
    if one.source == "sent":
        return ", ".join(f"{count} by {channel}" for channel, count in sorted(one.detail.items(), key=lambda each: -each[1]))
    if one.source == "waits":
        facts = one.detail.get("facts", {})
        return f"{facts.get('customers', 0)} customers, {facts.get('money', '0.00')}: {one.detail.get('because')}"
    return ", ".join(f"{key.replace('_', ' ')} {_plain(one.detail[key])}" for key in SAID if one.detail.get(key))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def roles(names: Sequence[str]) -> str:
    return " and ".join(name.replace("_", " ") for name in names)


def waiting(cards: Sequence[Card]) -> RenderableType:
    """What waits for a person: who, how many, how much, why, on what evidence, for whom, until when."""
    return Group(*(_card(card) for card in cards))


def _card(card: Card) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column(overflow="fold")
    rows = {
        "what": card.name.replace("_", " "),
        "asked by": card.proposer,
        "how many": f"{card.facts.customers} customers",
        "how much": f"{card.facts.money} together, at most {card.facts.largest_share} each",
        "why": card.reason,
        "waits because": f"{card.rule}: {card.rule_reason}",
        "for": roles(card.approver_roles),
        "until": f"{card.lapses_at:%d %b %H:%M:%S} UTC",
        "evidence": "; ".join(_evidence(one) for one in card.evidence[:2]),
        "they would read": card.customers_would_see[0] if card.customers_would_see else "",
    }
    for label, words in rows.items():
        if words:
            table.add_row(label, Text(words))
    return Panel(table, title=f"waiting for a person · {card.reference}", border_style="yellow")


def _evidence(one: Any) -> str:
    if not isinstance(one, Mapping):
        return str(one)
    return ", ".join(f"{key} {_plain(value)}" for key, value in one.items() if not isinstance(value, Mapping))
