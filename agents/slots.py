"""Pure: reads dates, references, windows, amounts and choices out of what people write, for the rule model and for certain answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from agents import extras, glass


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


MONTHS: Final = {
    month: number
    for number, names in enumerate(
        (
            "january jan enero januar janvier",
            "february feb febrero februar février",
            "march mar marzo märz mars",
            "april apr abril avril",
            "may mayo mai",
            "june jun junio juni juin",
            "july jul julio juli juillet",
            "august aug agosto août",
            "september sep sept septiembre septembre",
            "october oct octubre oktober octobre",
            "november nov noviembre novembre",
            "december dec diciembre dezember décembre",
        ),
        start=1,
    )
    for month in names.split()
}
WEEKDAYS: Final = {
    day: number
    for number, names in enumerate(
        (
            "monday mon lunes montag lundi",
            "tuesday tue tues martes dienstag mardi",
            "wednesday wed miércoles mittwoch mercredi",
            "thursday thu thur thurs jueves donnerstag jeudi",
            "friday fri viernes freitag vendredi",
            "saturday sat sábado samstag samedi",
            "sunday sun domingo sonntag dimanche",
        )
    )
    for day in names.split()
}
ORDINALS: Final = {
    word: place
    for place, words in enumerate(
        (
            "first 1st 1 one earliest soonest primero primera primer erste ersten ersten premier première pehla pehli पहला",
            "second 2nd 2 two segundo segunda zweite zweiten deuxième second seconde doosra दूसरा",
            "third 3rd 3 three tercero tercera tercer dritte dritten troisième teesra तीसरा",
            "fourth 4th 4 four cuarto cuarta vierte vierten quatrième चौथा",
            "fifth 5th 5 five quinto quinta fünfte fünften cinquième",
            "sixth 6th 6 six sexto sexta sechste sechsten sixième",
        )
    )
    for word in words.split()
}
# What stands for a number rather than for a place, and what may stand beside it in an answer.
NUMERALS: Final = _each("1 2 3 4 5 6 one two three four five six")
BESIDE_A_NUMBER: Final = _each("number no nr option choice slot the please nummer número numéro option opción")
LAST: Final = _each("last latest último última letzte letzten dernier dernière")
YES: Final = _each("yes y yeah yep yup ok okay sure please correct go confirm sí si vale claro ja gern gerne oui d'accord haan haan हाँ हां")
NO: Final = _each("no n nope nah cancel don't dont not nein non nahi नहीं")
ANY: Final = _each("any anything whichever whatever either cualquiera egal n'importe")
MORNING: Final = _each("morning am mañana vormittag matin")
AFTERNOON: Final = _each("afternoon pm evening tarde nachmittag après-midi")

NOON: Final = 12
MOST_WORDS_OF_ANSWER: Final = 8

AMOUNT: Final = re.compile(
    r"(?:[£€$]\s*(\d[\d,]*(?:\.\d{1,2})?))|(?:(\d[\d,]*(?:\.\d{1,2})?)\s*(?:£|€|\$|gbp|pounds?|quid|euros?))", re.IGNORECASE
)
DAY_AND_MONTH: Final = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?(?: of| de)? ([^\W\d_]+)\b", re.IGNORECASE)
ISO_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
CLOCK: Final = re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\b", re.IGNORECASE)
POSTCODE: Final = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?) ?(\d[A-Z]{2})\b", re.IGNORECASE)
PLACE: Final = re.compile(
    r"\b(?:in|at|near|around|for|en|im|bei|à|dans)\s+((?:the\s+)?[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ0-9][\w'’-]*)*)(?=[\s?.!,]|$)"
)


GO_ON: Final = frozenset({"on", "continue", "more", "next", "siga", "sigue", "continúe", "weiter", "continuez", "suite", "आगे", "aage"})


def spoken(words: str) -> list[str]:
    """The words, folded, without punctuation."""
    return re.findall(r"[\w\u0900-\u097f'-]+", words.casefold())


def is_yes(words: str) -> bool:
    said = spoken(words)
    return 0 < len(said) <= MOST_WORDS_OF_ANSWER and said[0] in YES and not NO.intersection(said)


def goes_on(words: str) -> bool:
    """Yes, to being asked whether we shall go on."""
    return is_yes(words) or bool(GO_ON.intersection(spoken(words)[:MOST_WORDS_OF_ANSWER]))


def is_no(words: str) -> bool:
    said = spoken(words)
    return 0 < len(said) <= MOST_WORDS_OF_ANSWER and said[0] in NO


def identifier(words: str, kind: str) -> int | None:
    """The number of `kind` ("incident", "customer", ...): `incident 31`, `INC-31`, `customer #12`; None where there is none."""
    named = re.search(rf"\b{kind[:3]}\w*[\s:#-]*(?:number |no\.? |id )?[#-]?(\d{{1,15}})\b", words, re.IGNORECASE)
    return int(named[1]) if named else None


def lone_number(words: str) -> int | None:
    """The one whole number of a short answer."""
    numbers = re.findall(r"(?<![\d.,])\d{1,15}(?![\d.,]\d)", words)
    return int(numbers[0]) if len(numbers) == 1 and len(spoken(words)) <= MOST_WORDS_OF_ANSWER else None


def amount(words: str) -> str | None:
    """An amount with its sign or word of currency, as exact text."""
    found = AMOUNT.search(words)
    if not found:
        return None
    whole, _, part = (found[1] or found[2]).replace(",", "").partition(".")
    return f"{whole}.{part:0<2}"


def day(words: str, today: date) -> date | None:
    """The day that is meant, from today on: a date, a weekday, today, tomorrow."""
    if iso := ISO_DATE.search(words):
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    said = spoken(words)
    if "tomorrow" in said or "morgen" in said or "demain" in said:
        return today + timedelta(days=1)
    if "today" in said or "hoy" in said or "heute" in said or "aujourd'hui" in said:
        return today
    for one in DAY_AND_MONTH.finditer(words):
        month = MONTHS.get(one[2].casefold())
        if month and (found := _date(today.year, month, int(one[1]))):
            return found if found >= today else _date(today.year + 1, month, int(one[1]))
    weekday = next((WEEKDAYS[word] for word in said if word in WEEKDAYS), None)
    return None if weekday is None else today + timedelta(days=(weekday - today.weekday()) % 7)


def months(words: str, today: date) -> list[date]:
    """The months named, as their first days, the latest not after today, in the order said."""
    # "may" is a verb more often than a month.
    found = [MONTHS[word] for word in spoken(words) if word in MONTHS and (word != "may" or "in may" in words.casefold())]
    return [date(today.year if month <= today.month else today.year - 1, month, 1) for month in dict.fromkeys(found)]


def place(words: str) -> str | None:
    """A postcode, or the capitalised name after in, at or near."""
    if code := POSTCODE.search(words):
        return f"{code[1]} {code[2]}".upper()
    named = PLACE.search(words)
    return named[1].removeprefix("the ") if named else None


# A door, its street, and at the end the postcode: "Flat 2, 14 Quay Street, Gull Point HV41 2AB".
ADDRESS: Final = re.compile(
    r"(?:\b(?:flat|unit|apartment|suite)\s+\w{1,5},?\s+)?\b\d{1,5}[a-z]?\s+[^?!\d]{2,80}?\b[a-z]{1,2}\d[\da-z]?\s*\d[a-z]{2}\b",
    re.IGNORECASE,
)


def address_in(words: str) -> str | None:
    """An address written in full, as it stands in the words; None where it is not."""
    found = ADDRESS.search(words)
    return found[0] if found else None


def _date(year: int, month: int, day_of_month: int) -> date | None:
    try:
        return date(year, month, day_of_month)
    except ValueError:
        return None


@dataclass(frozen=True)
class Choice:
    """One thing that was offered: what it is called, and when, where it is a time."""

    label: str
    at: datetime | None


def chosen(words: str, choices: Sequence[Choice], today: date) -> int | None:
    """Which of the choices is meant: by place, by day and time, by name; None where that is unclear."""
    said = spoken(words)
    if not choices or len(said) > 2 * MOST_WORDS_OF_ANSWER:
        return None
    by_time = _by_time(words, choices, today)
    if by_time is not None:
        return by_time
    if ANY.intersection(said) or (len(choices) == 1 and is_yes(words)):
        return 0
    if LAST.intersection(said) and len(said) <= MOST_WORDS_OF_ANSWER:
        return len(choices) - 1
    place_of = _by_place(said)
    if place_of is not None:
        return place_of if place_of < len(choices) else None
    return _by_name(said, choices)


def _by_place(said: Sequence[str]) -> int | None:
    """The place that is named: "the second one", "number 2". A bare number is one only where nothing else is said: not in "two weeks"."""
    if len(said) > MOST_WORDS_OF_ANSWER:
        return None
    named = [word for word in said if word in ORDINALS]
    if all(word in ORDINALS or word in BESIDE_A_NUMBER for word in said):
        return ORDINALS[named[0]] if named else None
    return next((ORDINALS[word] for word in named if word not in NUMERALS), None)


def _by_time(words: str, choices: Sequence[Choice], today: date) -> int | None:
    left = [(place_of, choice.at) for place_of, choice in enumerate(choices) if choice.at is not None]
    wanted = day(words, today)
    said = spoken(words)
    is_narrowed = wanted is not None
    if wanted is not None:
        left = [(place_of, at) for place_of, at in left if at.date() == wanted]
    for halves, is_after in ((MORNING, False), (AFTERNOON, True)):
        if halves.intersection(said):
            is_narrowed = True
            left = [(place_of, at) for place_of, at in left if (at.hour >= NOON) == is_after]
    hours = [_hour(one) for one in CLOCK.finditer(words) if one[2] or one[3]]
    if hours:
        is_narrowed = True
        left = [(place_of, at) for place_of, at in left if at.hour == hours[0]]
    return left[0][0] if left and is_narrowed else None


def _hour(one: re.Match[str]) -> int:
    hour = int(one[1])
    return hour + NOON if (one[3] or "").casefold() == "pm" and hour < NOON else hour


def _by_name(said: Sequence[str], choices: Sequence[Choice]) -> int | None:
    shared = [len(set(spoken(choice.label)).intersection(said)) for choice in choices]
    best = max(shared)
    return shared.index(best) if best and shared.count(best) == 1 else None


WHOLE_WORDS: Final = _each("reason note summary problem description because symptom findings promised question")
PLACES: Final = _each("area area_name place postcode address where premise near")


SUBJECTS: Final = _each("words query plan code name")
NAMED_END: Final = r"(?P<named>[^?.!]+?)(?:\s+(?:plan|package|tariff|offering|please|now|off sale|instead|at|for)\b.*)?[?.!]*$"
# Where a plan is wanted, "to" comes last: change my plan *to* Fibre 900.
WANTED: Final = re.compile(rf"\b(?:to|onto)\s+(?:the\s+)?{NAMED_END}", re.IGNORECASE)
SOUGHT: Final = re.compile(
    r"(?:(?:find|look up|search for|who is|called|named)\s+(?:the\s+)?(?:customer\s+)?(?:with\s+)?(?:(?:phone|number|name|mail|email)\s+)?|"
    rf"\b(?:offering|plan|retire|take|order(?:\s+of)?|line with)\s+(?:the\s+)?(?:(?:offering|plan)\s+)?){NAMED_END}",
    re.IGNORECASE,
)


# As networks name them: OLT-GPT-01, or olt-gpt-01 where a number at the end tells it from a hyphenated word.
DEVICE: Final = re.compile(r"\b[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)+\b|\b[a-z][a-z0-9]+(?:-[a-z0-9]+)*-\d+\b")


# The number on a box: a maker's four letters and eight digits as GPON writes them, or whatever follows the word.
SERIAL: Final = re.compile(r"\b([A-Z]{4}[0-9A-F]{8})\b|\bserial(?: number)?[\s:#]+([\w-]*\d[\w-]*)", re.IGNORECASE)


def serial(words: str) -> str | None:
    found = SERIAL.search(words)
    return (found[1] or found[2]) if found else None


# As plans are coded: F500, BA100.
PLAN_CODE: Final = re.compile(r"\b[A-Z]{1,2}\d{2,4}\b")
ON_IT: Final = re.compile(r"\b(?:number|no\.?|reference|ref\.?)\s+#?([\w/-]*\d[\w/-]*)", re.IGNORECASE)
# As a price stands in a list, without its currency.
LISTED: Final = re.compile(r"(?<![\d.,])\d{1,6}\.\d{2}(?![\d.])")
# A door and its street, which is enough to ask which of them is meant.
DOOR: Final = re.compile(r"\b\d{1,5}[a-zA-Z]?\s+(?:[A-ZÀ-Þ][\w'’-]*\s?){1,4}")


def plan_code(words: str) -> str | None:
    found = PLAN_CODE.search(words)
    return found[0] if found else None


def number_on_it(words: str) -> str | None:
    """What a cheque or a transfer is known by: `number 004411`, `reference RF18-539`."""
    found = ON_IT.search(words)
    return found[1] if found else None


def price(words: str) -> str | None:
    """An amount with its sign, or as it stands in a price list: 31.50."""
    bare = LISTED.search(words)
    return amount(words) or (bare[0] if bare else None)


def door(words: str) -> str | None:
    found = address_in(words) or (at[0].strip() if (at := DOOR.search(words)) else None)
    return found or place(words)


def device(words: str) -> str | None:
    found = DEVICE.search(words)
    return found[0] if found else None


def subject(words: str) -> str | None:
    """What or whom a request is about, where that is named by a proper name, a code or a number: `change my plan to Fibre 900`."""
    found = WANTED.search(words) or SOUGHT.search(words)
    named = found["named"].strip() if found else ""
    return named if re.search(r"[A-ZÀ-Þ\d@]", named) else None


def value_of(name: str, schema: dict[str, Any], words: str, today: date, is_answer: bool) -> Any:
    """A tool argument as the words give it, plain JSON; None where they do not. `is_answer`: they were asked for this very argument."""
    kinds = {schema.get("type", ""), *(one.get("type", "") for one in schema.get("anyOf", ()))}
    formats = {schema.get("format", ""), *(one.get("format", "") for one in schema.get("anyOf", ()))}
    choices = schema.get("enum") or next((one["enum"] for one in schema.get("anyOf", ()) if "enum" in one), None)
    if choices:
        return next((choice for choice in choices if str(choice).casefold().replace("_", " ") in words.casefold()), None)
    if "date" in formats:
        return _date_value(name, words, today)
    if "time" in formats:
        return _clock_value(name, words)
    if "integer" in kinds:
        number = identifier(words, name.removesuffix("_id"))
        return lone_number(words) if number is None and is_answer else number
    if "an exact amount" in str(schema):
        return amount(words)
    return _text_value(name, words, is_answer) if "string" in kinds else None


def _date_value(name: str, words: str, today: date) -> str | None:
    if name in ("before", "after", "month"):
        named = sorted(months(words, today))
        if not named:
            return None
        return (named[0] if name == "before" and len(named) > 1 else named[-1]).isoformat()
    found = day(words, today)
    return found.isoformat() if found else None


def _clock_value(name: str, words: str) -> str | None:
    """The first time of day named is the start of a span, the last its end."""
    named = [one for one in CLOCK.finditer(words) if one[2] or one[3] or int(one[1]) < 2 * NOON]
    if len(named) < 2:
        return None
    one = named[-1] if name in ("end", "until") else named[0]
    return f"{_hour(one):02}:{one[2] or '00'}"


def reached_at(words: str) -> str | None:
    """A telephone number in its international form, or a mail address."""
    found = re.search(r"\+\d[\d ]{7,17}\d\b|\b[\w.+-]{1,64}@[\w-]+\.[\w.-]{2,}\b", words)
    return found[0].replace(" ", "") if found else None


# What is recognised by how it is written, wherever it stands.
WRITTEN_SO: Final = {
    "contact": reached_at,
    "name": device,
    "device": device,
    "cable": device,
    "mac": glass.mac,
    "strands": glass.strands,
    "one": glass.first_end,
    "other": glass.second_end,
    "serial": serial,
    "code": plan_code,
    "plan": plan_code,
    "add_on": extras.add_on,
    "address": door,
    "monthly": price,
    "number": number_on_it,
}


def _text_value(name: str, words: str, is_answer: bool) -> str | None:
    if name in WHOLE_WORDS:
        return words
    if name in WRITTEN_SO and (written := WRITTEN_SO[name](words)):
        return written
    if name == "operational_state":
        return next((state for state in ("enabled", "disabled") if state in words.casefold()), None)
    for names, read in ((SUBJECTS, subject), (PLACES, place)):
        if name in names and (found := read(words)):
            return found
    if name == "reference":
        found_reference = re.search(r"\b([A-Z]{1,3}-\d+)\b", words, re.IGNORECASE)
        return found_reference[1].upper() if found_reference else None
    return words if is_answer and len(spoken(words)) <= 2 * MOST_WORDS_OF_ANSWER else None
