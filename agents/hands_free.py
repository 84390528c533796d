"""Pure: what an engineer with both hands at a splice tells us aloud, as the one tool that does it. No model hears it.

Numbers come as words or as digits, as the telephone's hearing happens to write them: "minus twenty one point five dBm", "-21.5 dbm".
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from agents.commands import Certain
from agents.conversation import Asked
from agents.slots import is_no, is_yes

_ONES: Final = {
    "nought": 0,
    "zero": 0,
    "oh": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
}
_TEENS: Final = {
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS: Final = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SCALES: Final = {"hundred": 100, "thousand": 1000}
_BELOW: Final = frozenset({"minus", "negative"})
_POINT: Final = frozenset({"point", "dot", "decimal"})

# By which words each kind of reading is known, with its unit. The field's words first: the name wins over the unit.
KINDS: Final = (
    ("splice_loss_db", re.compile(r"\bsplice(?: loss)?\b")),
    ("otdr_distance_m", re.compile(r"\b(?:otdr|distance|met(?:er|re)s?)\b")),
    ("speed_down_mbps", re.compile(r"\b(?:speed|download|megabits?|meg|mbps|mbit)\b")),
    ("received_power_dbm", re.compile(r"\b(?:received|power|optical|light|level|db ?m|d\.? ?b\.? ?m)\b")),
)
NEXT: Final = re.compile(r"\b(?:next|what(?:'s| is) (?:next|my job|to do)|my job|where (?:am i|do i) go|repeat)\b", re.IGNORECASE)
PORT: Final = re.compile(r"\b(?:port|splitter|which leg)\b", re.IGNORECASE)
CLOSE: Final = re.compile(
    r"^(?:please )?(?:close|finish|complete|end)(?: (?:the|my|this))? job\b[\s,.:]*(?P<findings>.*)$", re.IGNORECASE | re.DOTALL
)
READING: Final = re.compile(r"\b(?:reading|record|measured|measure|log)\b|\bdb ?m\b|\bdecibels?\b", re.IGNORECASE)


def order(words: str, asked: Asked | None) -> Certain:
    """The one tool that these words want; a phrase where they want none that a caller with full hands may have."""
    if asked is not None and asked["tool"] == "close_my_job" and asked["missing"] == "findings":
        return Certain(phrase="left_it") if is_no(words) else _closing(words)
    closing = CLOSE.match(words.strip())
    if closing:
        found = closing["findings"].strip(" .")
        return _closing(found) if found else _ask_for_findings(words)
    number = number_in(words)
    if number is not None and (READING.search(words) or any(pattern.search(words.casefold()) for _, pattern in KINDS)):
        kind = kind_of(words)
        return (
            Certain(module="field_service", tool="record_reading", arguments=_reading(kind, number))
            if kind
            else Certain(phrase="which_reading")
        )
    if READING.search(words):
        return Certain(phrase="which_reading")
    if PORT.search(words):
        return Certain(module="field_service", tool="port_of_my_job")
    if NEXT.search(words) or is_yes(words):
        return Certain(module="field_service", tool="my_next_step")
    return Certain(phrase="hands_free_help")


def _reading(kind: str, number: Decimal) -> dict[str, Any]:
    return {"kind": kind, "value": float(number)}


def _closing(findings: str) -> Certain:
    return Certain(module="field_service", tool="close_my_job", arguments={"findings": findings.strip()})


def _ask_for_findings(words: str) -> Certain:
    asked = Asked(module="field_service", tool="close_my_job", arguments={}, missing="findings", options=[], words=words)
    return Certain(phrase="ask", asked=asked)


def kind_of(words: str) -> str:
    """Which reading the words name; empty where they name none."""
    return next((kind for kind, pattern in KINDS if pattern.search(words.casefold())), "")


def number_in(words: str) -> Decimal | None:
    """The number that the words hold, in figures or in words; None where they hold none, or two."""
    saids = re.findall(r"-?\d+(?:[.,]\d+)?|[a-z]+", words.casefold().replace("−", "-").replace("-", " -"))
    runs = [run for run in _runs(_without_joints(saids)) if any(_is_figure(said) for said in run)]
    return _valued(runs[0]) if len(runs) == 1 else None


def _without_joints(saids: list[str]) -> list[str]:
    """Without the "and" between hundreds and tens."""
    return [said for at, said in enumerate(saids) if said != "and" or at == 0 or saids[at - 1] not in _SCALES]


def _is_figure(said: str) -> bool:
    return said in _ONES or said in _TEENS or said in _TENS or said.lstrip("-")[:1].isdigit()


def _runs(saids: list[str]) -> list[list[str]]:
    """The saids that belong to numbers, side by side."""
    runs: list[list[str]] = [[]]
    for said in saids:
        if _is_figure(said) or said in _SCALES or said in _BELOW or said in _POINT:
            runs[-1].append(said)
        elif runs[-1]:
            runs.append([])
    return runs


def _valued(run: list[str]) -> Decimal | None:
    """What a run says; None where it could be two numbers, or has a sign in its middle."""
    is_below = run[0] in _BELOW or run[0].startswith("-")
    rest = [said.lstrip("-") if at == 0 else said for at, said in enumerate(run[1:] if run[0] in _BELOW else run)]
    if any(said in _BELOW or said.startswith("-") for said in rest):
        return None
    plain = [said.replace(",", ".") for said in rest]
    at = next((place for place, said in enumerate(plain) if said in _POINT), len(plain))
    whole, after = _whole(plain[:at]), "".join(_digits(said) for said in plain[at + 1 :])
    try:
        value = Decimal(f"{whole}.{after}") if at < len(plain) else Decimal(whole)
    except InvalidOperation:
        return None
    return -value if is_below else value


def _whole(said: list[str]) -> str:
    """What stands before the point, or what is no number; digits said one by one stand beside one another, as in "two one"."""
    if len(said) == 1 and said[0][:1].isdigit():
        return said[0]
    if len(said) > 1 and all(_is_digit(one) for one in said):
        return "".join(_digits(one) for one in said)
    total = current = 0
    for one in said:
        if one in _SCALES:
            current = max(1, current) * _SCALES[one]
            total, current = (total + current, 0) if one == "thousand" else (total, current)
        elif _fits(one, current):
            current += _value(one)
        else:
            return "two numbers"
    return str(total + current)


def _is_digit(said: str) -> bool:
    return said in _ONES or (said.isdigit() and len(said) == 1)


def _fits(said: str, current: int) -> bool:
    """Whether it goes on with what was said before it: twenty goes on with one, and not with thirty."""
    if said in _ONES:
        return current % 10 == 0 and current % 100 != 10
    return current % 100 == 0


def _value(said: str) -> int:
    return _ONES.get(said, _TEENS.get(said, _TENS.get(said, int(said) if said.isdigit() else 0)))


def _digits(said: str) -> str:
    return str(_value(said))
