"""How the rule model words what tools answered: templates in prompts/replies/, by tool and language, English where there is no other."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml
from jinja2 import StrictUndefined, Template, TemplateNotFound, pass_context
from jinja2.loaders import FileSystemLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.briefs import PROMPTS
from atlas.money import DEFAULT_CURRENCY, Money, written
from forge.wording import cause_in_words

REPLIES: Final = PROMPTS / "replies"
HAND_OVER: Final = "hand_over"


def parsed_time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))


class Wording:
    """The filters of a template, in the operator's time zone and currency and one language."""

    def __init__(self, timezone: ZoneInfo, currency: str, language: str, names: Mapping[str, Any]) -> None:
        self._timezone = timezone
        self._currency = currency
        self._language = language
        self._names = names

    def money(self, amount: Any) -> str:
        """An amount as a customer reads it: £6.20."""
        return written(Money.rounded(Decimal(str(amount))), self._currency)

    def size(self, amount: Any) -> str:
        """An amount without its sign, where the words around it say which way it went."""
        return self.money(abs(Decimal(str(amount))))

    def local(self, value: Any) -> datetime:
        return parsed_time(value).astimezone(self._timezone)

    def day(self, value: Any) -> str:
        """Tuesday 24 November."""
        when = _day_of(value, self._timezone)
        weekday, month = self._names["weekdays"][when.weekday()], self._names["months"][when.month - 1]
        return str(self._names["day"]).format(weekday=weekday, day=when.day, month=month)

    def month(self, value: Any) -> str:
        """October."""
        return str(self._names["months"][_day_of(value, self._timezone).month - 1])

    def clock(self, value: Any) -> str:
        return f"{self.local(value):%H:%M}"

    @pass_context
    def moment(self, context: Context, value: Any) -> str:
        """14:02 today, or 14:02 on Tuesday 24 November."""
        is_today = _day_of(value, self._timezone) == context["today"]
        return str(self._names["today_at" if is_today else "moment"]).format(clock=self.clock(value), day=self.day(value))

    def words(self, value: Any) -> str:
        """A code as words: `fibre_cut` is fibre cut, or what this language calls it."""
        known = self._names.get("words", {})
        return str(known.get(str(value), str(value).replace("_", " ")))

    def cause(self, value: Any) -> str:
        """A cause of an outage, in the very words our notices use."""
        return cause_in_words(str(value), self._language)

    def listed(self, values: list[Any]) -> str:
        """a, b and c."""
        said = [str(value) for value in values]
        return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} {self._names['and']} {said[-1]}" if said else ""


def _day_of(value: Any, timezone: ZoneInfo) -> date:
    text = value.isoformat() if isinstance(value, date) else str(value)
    return date.fromisoformat(text) if len(text) == 10 else parsed_time(value).astimezone(timezone).date()


@dataclass(frozen=True)
class Worded:
    """A reply, and what it asks of whoever reads it: the tool that acts on the answer, and what may be chosen."""

    words: str
    then: str = ""
    options: tuple[dict[str, Any], ...] = ()


@cache
def phrases(language: str) -> dict[str, Any]:
    """The fixed sentences and names of one language; what it lacks is said in English."""
    english: dict[str, Any] = yaml.safe_load((REPLIES / "phrases.en.yaml").read_text())
    own = REPLIES / f"phrases.{language}.yaml"
    theirs: dict[str, Any] = yaml.safe_load(own.read_text()) if own.exists() else {}
    # A question that nobody has put into their language yet is asked in English rather than not at all.
    return {**english, **theirs, "ask": {**english["ask"], **theirs.get("ask", {})}}


@cache
def _environment(language: str, timezone: ZoneInfo, currency: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(REPLIES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    wording = Wording(timezone, currency, language, phrases(language))
    for name in ("money", "size", "day", "month", "clock", "moment", "words", "cause", "listed"):
        environment.filters[name] = getattr(wording, name)
    return environment


@cache
def _template(tool: str, language: str, timezone: ZoneInfo, currency: str) -> tuple[dict[str, Any], Template] | None:
    for spoken in (language, "en"):
        environment = _environment(spoken, timezone, currency)
        try:
            source, _, _ = FileSystemLoader(REPLIES).get_source(environment, f"{tool}.{spoken}.txt")
        except TemplateNotFound:
            continue
        front, body = source.removeprefix("---\n").split("\n---\n", 1) if source.startswith("---\n") else ("", source)
        return yaml.safe_load(front) or {}, environment.from_string(body)
    return None


def has_template(tool: str) -> bool:
    return (Path(REPLIES) / f"{tool}.en.txt").exists()


@dataclass(frozen=True)
class Reader:
    """Who reads a reply, when and where."""

    language: str
    audience: str
    now: datetime
    timezone: ZoneInfo
    currency: str = DEFAULT_CURRENCY

    @property
    def today(self) -> date:
        return self.now.astimezone(self.timezone).date()


def worded(tool: str, answer: str, reader: Reader) -> Worded:
    """What a tool answered, as a person would say it."""
    found = json.loads(answer)
    said = phrases(reader.language)
    if isinstance(found, dict) and "error" in found:
        return Worded(_error_in_words(tool, found, said, reader.audience))
    # What was carried out and failed is told as what was refused before: the reason in their language, and no word of ours from inside.
    if isinstance(found, dict) and reader.audience != "staff" and found.get("failure_kind") in said["errors"]:
        return Worded(str(said["errors"][found["failure_kind"]]))
    template = _template(tool, reader.language, reader.timezone, reader.currency)
    if template is None:
        return Worded(_plainly(found, said))
    front, body = _following(template[0], found), template[1]
    words = _tidy(body.render(answer=found, audience=reader.audience, staff=reader.audience == "staff", today=reader.today))
    options = tuple(_options(front, found, reader.audience))
    return Worded(words, front.get("then", "") if options else "", options)


def together(parts: Iterable[str], language: str, *, is_handed_over: bool) -> str:
    """One reply of what several modules say. Whoever was passed on to a colleague is not told in the same breath to ask for one."""
    said = phrases(language)
    words = _sorry_once("\n\n".join(dict.fromkeys(part for part in parts if part)), said["sorry"])
    return words.replace(said["verify_first"]["customer"], said["verify_meanwhile"]) if is_handed_over else words


def _sorry_once(words: str, apologies: list[str]) -> str:
    """The same words with the first apology only: three modules in one reply are sorry as one."""
    found = sorted((at, one) for one in apologies if (at := words.find(one)) >= 0)
    if not found:
        return words
    end = found[0][0] + len(found[0][1])
    rest = words[end:]
    for one in apologies:
        rest = rest.replace(f" {one}", "")
    return words[:end] + rest


def _error_in_words(tool: str, found: dict[str, Any], said: dict[str, Any], audience: str) -> str:
    if tool == HAND_OVER:
        return str(said["unreachable"][audience])
    if audience != "staff" and found.get("kind") in said["errors"]:
        return str(said["errors"][found["kind"]])
    return str(said[found["error"]][audience]).format(because=found.get("because", ""))


def _options(front: dict[str, Any], found: Any, audience: str) -> list[dict[str, Any]]:
    """What may be chosen, as the template's front matter says: which rows, what each is called, what it gives the next tool."""
    if "then" not in front or audience not in front.get("for", [audience]):
        return []
    rows = found[front["rows"]] if front.get("rows") else found
    rows = rows if isinstance(rows, list) else [rows]
    return [
        {
            "label": " ".join(str(row.get(field, "")) for field in front.get("label", [])),
            "at": row.get(front.get("at", ""), None),
            "arguments": {**front.get("always", {}), **{name: row[field] for name, field in front.get("arguments", {}).items()}},
        }
        for row in rows[: front.get("most", 6)]
    ]


def _following(front: dict[str, Any], found: Any) -> dict[str, Any]:
    """The front matter with its one next step: where `steps` names several, the one that the first row's `by` asks for."""
    rows = found if isinstance(found, list) else [found]
    step = front.get("steps", {}).get(rows[0].get(front["by"])) if rows and "by" in front else None
    return {**front, "most": 1, **step} if step else front


def _tidy(text: str) -> str:
    """Without blank lines at the ends or doubled between, and no trailing spaces."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(line for at, line in enumerate(lines) if line or (at and lines[at - 1]))


def _plainly(found: Any, said: dict[str, Any]) -> str:
    """Records without a template, field by field: for tools that an operator added."""
    if found in (None, [], {}):
        return str(said["nothing_found"])
    rows = found if isinstance(found, list) else [found]
    return "\n".join(_row_plainly(row) for row in rows[:10])


def _row_plainly(row: Any) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in row.items()) if isinstance(row, dict) else str(row)
