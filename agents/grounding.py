"""Pure: every amount, date, id and promise in a reply must come from a tool's answer."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents.slots import MONTHS

# Counting to nine is language ("two options", "in 3 steps"). Beyond that a number is a fact; so is a smaller one of money, a share, a size.
SMALL: Final = 9

ISO_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
ISO_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
CLOCK: Final = re.compile(r"(?<![\d:-])(\d{1,2})[:h](\d{2})(?![\d])(?:\s*(am|pm))?", re.IGNORECASE)
DAY_MONTH: Final = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|\.)?(?: of| de)? ([^\W\d_]{3,})\.?(?:,? (?:de )?(\d{4})\b)?")
MONTH_DAY: Final = re.compile(r"\b([^\W\d_]{3,}) (\d{1,2})(?:st|nd|rd|th)?\b(?:,? (\d{4})\b)?")
NUMBER: Final = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*(?:\.\d+)?(?![\d])|(?<=[£€$#-])\d[\d,]*(?:\.\d+)?")
UNITS: Final = r"[%£€$₹]|(?:pounds?|euros?|dollars?|pence|dBm?|[kMG]bit/s|[MG]B)\b"
MEASURED: Final = re.compile(
    rf"[£€$₹]\s?[-+]?(\d[\d,]*(?:\.\d+)?)|(?<![\w.,])(\d[\d,]*(?:\.\d+)?)\s?(?:{UNITS})|(?<![\w.,])(\d[\d,]*\.\d+)(?![\d.])"
)
DEEDS: Final = (
    r"credit\w*|refund\w*|compensat\w*|waiv\w*|book\w*|cancel\w*|restart\w*|reboot\w*|chang\w*|upgrad\w*|dispatch\w*|sent|send|schedul\w*"
)
PROMISE: Final = re.compile(
    rf"\b(?:(?:i|we)(?:'ve| have|'ll| will| shall| am going to|'m going to| are going to)(?: now| just| already)? (?:be )?(?:{DEEDS})|"
    rf"(?:will be|has been|have been|is now|was) (?:{DEEDS})|"
    r"you(?:'ll| will) (?:be credited|receive|get) (?:a|your|the)? ?(?:credit|refund|compensation))\b",
    re.IGNORECASE,
)
NEVER: Final = re.compile(r"\b(?:guarantee[ds]?|i promise|we promise|100 ?% (?:sure|certain))\b", re.IGNORECASE)
# What a proposal must have come to before anyone may speak of it as done or coming.
KEPT_STATES: Final = frozenset({"allowed", "waiting", "approved", "executing", "done"})


@dataclass(frozen=True)
class Facts:
    """What the tools of the last turns answered: numbers, days as (day, month), times of day, and whether something was set going."""

    numbers: frozenset[Decimal]
    days: frozenset[tuple[int, int]]
    times: frozenset[tuple[int, int]]
    is_under_way: bool


def facts_of(answers: Sequence[str], now: datetime, timezone: ZoneInfo) -> Facts:
    """The facts in the tools' JSON answers, moments in the operator's time zone; today is always known."""
    texts = [text for answer in answers for text in leaves(json.loads(answer))]
    moments = [now, *(moment for text in texts for moment in _moments(text))]
    local = [moment.astimezone(timezone) if moment.tzinfo else moment for moment in moments]
    days = {(moment.day, moment.month) for moment in local} | {claim for text in texts for claim in _days(text)}
    numbers = {number for text in texts for number in _numbers(_without_moments(text))}
    numbers |= {Decimal(moment.year) for moment in local} | {Decimal(day[1]) for text in texts for day in ISO_DAY.finditer(text)}
    times = {(moment.hour, moment.minute) for moment in local} | {clock for text in texts for clock in _clocks(text)}
    states = {state for answer in answers for state in _states(json.loads(answer))}
    return Facts(frozenset(numbers), frozenset(days), frozenset(times), bool(states & KEPT_STATES))


def ungrounded(reply: str, facts: Facts) -> list[str]:
    """What the reply says that no tool did, as it stands there; empty where all of it is grounded."""
    wrong = [claim[0] for claim in NEVER.finditer(reply)]
    if not facts.is_under_way:
        wrong += [claim[0] for claim in PROMISE.finditer(reply)]
    wrong += [f"{hour:02}:{minute:02}" for hour, minute in _clocks(reply) if (hour, minute) not in facts.times]
    wrong += [f"{day}/{month}" for day, month in _days(reply) if (day, month) not in facts.days]
    known = {abs(number) for number in facts.numbers}
    plain = _without_moments(reply)
    claims = [*(number for number in _numbers(plain) if abs(number) > SMALL), *_measured(plain)]
    wrong += [str(number) for number in claims if not known & _other_units(abs(number))]
    return list(dict.fromkeys(wrong))


def _other_units(number: Decimal) -> set[Decimal]:
    """The same figure as a tool may have given it: a share for a percentage, kbit/s for Mbit/s."""
    return {number, number / 100, number * 1000}


def leaves(value: Any) -> Iterator[str]:
    """What stands in a tool's answer, without the names of its fields; of a list also how long it is."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        yield str(len(value))
        for inner in value:
            yield from leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _states(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "action_id" in value and "state" in value:
            yield str(value["state"])
        for inner in value.values():
            yield from _states(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _states(inner)


def _moments(text: str) -> Iterator[datetime]:
    for found in ISO_MOMENT.findall(text):
        yield datetime.fromisoformat(found.replace("Z", "+00:00"))


def _clocks(text: str) -> Iterator[tuple[int, int]]:
    for one in CLOCK.finditer(ISO_MOMENT.sub(" ", text)):
        is_evening = (one[3] or "").casefold() == "pm" and int(one[1]) < 12
        yield int(one[1]) + (12 if is_evening else 0), int(one[2])


def _days(text: str) -> Iterator[tuple[int, int]]:
    for day, month in ((one[1], one[2]) for one in DAY_MONTH.finditer(text)):
        if month.casefold() in MONTHS:
            yield int(day), MONTHS[month.casefold()]
    for month, day in ((one[1], one[2]) for one in MONTH_DAY.finditer(text)):
        if month.casefold() in MONTHS:
            yield int(day), MONTHS[month.casefold()]
    yield from ((int(one[3]), int(one[2])) for one in ISO_DAY.finditer(text))


def _without_moments(text: str) -> str:
    """The text without the days and times that are checked as such."""
    for pattern in (ISO_MOMENT, ISO_DAY, CLOCK):
        text = pattern.sub(" ", text)
    for pattern, place in ((DAY_MONTH, 2), (MONTH_DAY, 1)):
        for one in pattern.finditer(text):
            text = text.replace(one[0], " ") if one[place].casefold() in MONTHS else text
    return text


def _measured(text: str) -> Iterable[Decimal]:
    """Sums of money, shares, sizes, and whatever has places after the point, however small: nobody counts in them."""
    return (Decimal((one[1] or one[2] or one[3]).replace(",", "")) for one in MEASURED.finditer(text))


def _numbers(text: str) -> Iterable[Decimal]:
    return (Decimal(found.replace(",", "").lstrip("+")) for found in NUMBER.findall(text))
