"""Pure: what is certain and never reaches a model: STOP, HELP, a wish for a person, a reference, an answer to what was just asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents.conversation import Asked
from agents.slots import Choice, chosen, is_no, is_yes, spoken, value_of

# The words that carriers themselves act on, and those of our languages.
STOP: Final = frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "alto", "stopp", "arret", "arrêt", "baja"})
START: Final = frozenset({"start", "unstop", "alta"})
CODE: Final = frozenset({"code", "verify"})
HELP: Final = frozenset({"help", "info", "ayuda", "hilfe", "aide", "madad"})
MENU: Final = frozenset({"hi", "hello", "hey", "hola", "hallo", "bonjour", "salut", "namaste", "नमस्ते", "menu"})
THANKS: Final = frozenset({"thanks", "thank", "thx", "cheers", "ta", "gracias", "danke", "merci", "dhanyavaad", "shukriya", "धन्यवाद"})
PERSON: Final = re.compile(
    r"^(?:(?:can|could|may) i |i(?:'d| would)? (?:want|like|need) to |let me |please |just |quiero |puedo |"
    r"ich (?:möchte|will) |je (?:veux|voudrais) |mujhe |मुझे )*"
    r"(?:(?:speak|talk|chat|connect me|get me|put me|transfer me|hablar|mit|parler|kisi|किसी)\b.{0,24})?"
    r"\b(?:human|agent|person|personne|someone real|real person|operator|representative|somebody|persona|agente|mensch(?:en)?|mitarbeiter|"
    r"humain|conseiller|quelqu'un|insaan|इंसान)\b.{0,16}$",
    re.IGNORECASE,
)
# Lives come before everything: no rule, model or menu stands between these words and a person.
DANGER: Final = re.compile(
    r"\b(?:suicid\w*|kill myself|end my life|hurt myself|can(?:'|no)?t (?:call|reach|dial) (?:999|112|911)|"
    r"emergency call\w* (?:fail|do ?n)\w*|chest pain|heart attack|not breathing)\b",
    re.IGNORECASE,
)
REFERENCE: Final = re.compile(r"^\W*(A|INC)[- ]?(\d{1,12})\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Certain:
    """What to do without asking a model: a phrase to say, or a tool to call and word. A `module` named alone takes over with `words`."""

    phrase: str = ""
    module: str = ""
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    words: str = ""
    asked: Asked | None = None
    values: dict[str, str] = field(default_factory=dict)


def certain(words: str, asked: Asked | None, schema_of: Mapping[str, dict[str, Any]], today: date, timezone: ZoneInfo) -> Certain | None:
    """What `words` certainly mean; None where they need understanding. `schema_of`: the arguments of each tool that may be called."""
    return commanded(words) or (answered(words, asked, schema_of, today, timezone) if asked else None) or _courtesy(words, spoken(words))


def commanded(words: str) -> Certain | None:
    """What is certain whatever was asked before: nothing was said, danger to a person, a command, a wish for a person, a reference."""
    said = spoken(words)
    if not said:
        return Certain(phrase="empty")
    if DANGER.search(words):
        return Certain(module="helpdesk", tool="hand_over", arguments={"reason": f"urgent: {words[:200]}"})
    return _command(words, said)


def is_stop(words: str) -> bool:
    return _is_one_of(words, STOP)


def is_start(words: str) -> bool:
    return _is_one_of(words, START)


def is_command(words: str) -> bool:
    """STOP, START, HELP and CODE: each stands for itself, whatever was written before or after it."""
    return _is_one_of(words, STOP | START | HELP | CODE)


def wants_person(words: str) -> bool:
    """Somebody asks for one of us, and for nothing else."""
    return bool(PERSON.match(words.strip(" .!?")))


def _is_one_of(words: str, known: frozenset[str]) -> bool:
    said = spoken(words)
    return len(said) == 1 and said[0] in known


def _command(words: str, said: list[str]) -> Certain | None:
    if len(said) == 1 and said[0] in STOP:
        return Certain(module="crm", tool="stop_messages")
    if len(said) == 1 and said[0] in START:
        return Certain(module="crm", tool="start_messages")
    if len(said) == 1 and said[0] in CODE:
        return Certain(module="helpdesk", tool="send_code")
    if len(said) == 1 and said[0] in HELP:
        return Certain(phrase="help")
    if wants_person(words):
        return Certain(module="helpdesk", tool="hand_over", arguments={"reason": words[:200]})
    return _reference(words)


def _courtesy(words: str, said: list[str]) -> Certain | None:
    if len(said) == 1 and (is_yes(words) or is_no(words)):
        return Certain(phrase="unasked")
    if len(said) <= 3 and (THANKS.intersection(said) or said[0] in MENU):
        return Certain(phrase="thanks" if THANKS.intersection(said) else "greeting")
    return None


def _reference(words: str) -> Certain | None:
    found = REFERENCE.match(words)
    if not found:
        return None
    if found[1].upper() == "INC":
        return Certain(module="itsm", tool="show_incident", arguments={"incident_id": int(found[2])})
    return Certain(module="helpdesk", tool="what_became_of", arguments={"reference": f"A-{found[2]}"})


def answered(words: str, asked: Asked, schema_of: Mapping[str, dict[str, Any]], today: date, timezone: ZoneInfo) -> Certain | None:
    """The words as an answer to what we asked: a choice, a yes or no, or the one argument that was missing."""
    if is_no(words):
        return Certain(phrase="left_it")
    if asked["options"]:
        return _choice(words, asked, today, timezone)
    if not asked["missing"] or asked["tool"] not in schema_of:
        return None
    schema = schema_of[asked["tool"]]
    value = value_of(asked["missing"], schema["properties"][asked["missing"]], words, today, is_answer=True)
    if value is None:
        return None
    arguments = {**asked["arguments"], asked["missing"]: value}
    still = [name for name in schema.get("required", []) if name not in arguments]
    if still:
        # What lacks several things is asked for one after the other.
        return Certain(phrase="ask", asked={**asked, "arguments": arguments, "missing": still[0]})
    return Certain(module=asked["module"], tool=asked["tool"], arguments=arguments)


def _choice(words: str, asked: Asked, today: date, timezone: ZoneInfo) -> Certain | None:
    choices = [Choice(str(option["label"]), _local(option.get("at"), timezone)) for option in asked["options"]]
    place = 0 if len(choices) == 1 and is_yes(words) else chosen(words, choices, today)
    if place is None:
        return None
    option = asked["options"][place]
    if "module" in option:
        return Certain(module=option["module"], words=asked["words"])
    return Certain(module=asked["module"], tool=asked["tool"], arguments={**asked["arguments"], **option["arguments"]})


def _local(at: Any, timezone: ZoneInfo) -> datetime | None:
    return datetime.fromisoformat(str(at).replace("Z", "+00:00")).astimezone(timezone) if at else None
