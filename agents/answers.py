"""What a reply to our question says: whoever asked has the first claim, and only what surely is a request of its own goes elsewhere."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.briefs import Example
from agents.router import CERTAIN_NEARNESS, CLEARLY_NEARER, SEPARATE_NEARNESS, Router, clauses
from agents.slots import YES, is_no, is_yes, spoken

# What we asked last stands near the end of what we said: further up it was answered by ourselves.
LAST_WORDS: Final = 200
SENTENCES: Final = re.compile(r"(?<=[.!?।])\s+|\n+")
# We also ask without a question mark: "please check the lights", "tell me its name".
TELL: Final = re.compile(
    r"\b(?:please (?:check|look|run|turn|set|restart|re-?seat|reset|make|grant|disconnect|plug|tell|say|name|describe)|tell me|let me know|"
    r"dígame|dime|compruebe|revise|sagen sie mir|nennen sie|prüfen sie|schauen sie|dites-moi|vérifiez|regardez|bataiye|dekhiye)\b|"
    r"बताइए|देखिए",
    re.IGNORECASE,
)
# "Tell me which one if you would like to change" leaves it to them: whatever they say next is as likely about something else.
OFFERED: Final = re.compile(r"\b(?:if|when|wenn|falls|si|agar)\b|अगर", re.IGNORECASE)
# Whoever asks this asks nothing: whatever is said then is a beginning.
ANYTHING_ELSE: Final = re.compile(
    r"\b(?:any|some)thing else\b|\balgo más\b|\bnoch etwas\b|\bsonst etwas\b|\bautre chose\b|\baur kuch\b|और कुछ|कुछ और", re.IGNORECASE
)

# What may stand before a request: it changes nothing about whose it is.
BEFORE_IT: Final = (
    r"^\W*(?:(?:and|also|but|so|oh|ok|okay|well|actually|then|now|please|first|before that|y|pero|además|und|aber|auch|außerdem|bitte|"
    r"et|mais|aussi|alors|aur|lekin|और|लेकिन)\W+)*"
)
QUESTION: Final = re.compile(
    BEFORE_IT + r"(?:who|whose|what|when|where|why|how|which|is|are|was|were|do|does|did|has|have you|can|could|may i|"
    r"will|would|should|shall|"
    r"(?:por )?qué|cuándo|cuánt[oa]s?|cómo|dónde|cuál(?:es)?|quién|puede[ns]?|podría|hay|"
    r"wann|warum|wieso|weshalb|wie|wo|wer|welche[rsn]?|kann|können|könnten|gibt|ist|sind|haben sie|"
    r"quand|pourquoi|combien|comment|où|quel(?:le)?s?|qui|est-ce|y a-t-il|pouvez|pourriez|avez|"
    r"kab|kya|kyun|kyon|kitn[aei]|kaise|kahan|kaun|कब|क्या|क्यों|कितन[ाीे]|कैसे|कहाँ|कौन)(?!\w)",
    re.IGNORECASE,
)
WISH: Final = re.compile(
    BEFORE_IT + r"(?:i(?:'d| would)? (?:also )?(?:want|need|like) |i(?:'m| am) calling about|we (?:want|need) |"
    r"(?:let me|i (?:have|wish) to) (?:know|book|cancel|change|pay|speak|order|report)\b|"
    r"(?:book|cancel|move|change|send|show|tell|explain|check|order|restart|stop|give|refund|credit|close|connect|pay|find|report)\b|"
    r"(?:quiero|quisiera|necesito|envíe|mándeme|muéstreme|explique|cambie|cancele|"
    r"ich (?:möchte|will|brauche|hätte)|schicken sie|zeigen sie|erklären sie|buchen sie|stornieren sie|"
    r"je (?:veux|voudrais|souhaite)|j'aimerais|envoyez|montrez|expliquez|annulez|mujhe|mujhko|मुझे)(?!\w))",
    re.IGNORECASE,
)
NO_WISH: Final = re.compile(r"\b(?:do not|don't|not|no quiero|nicht|kein\w*|ne (?:veux|voudrais)|nahi|nahin)\b|नहीं", re.IGNORECASE)
TURN: Final = re.compile(
    r"\b(?:by the way|btw|another thing|one more thing|something else|while i have you|on another|besides that|por cierto|otra cosa|aparte|"
    r"übrigens|nebenbei|noch etwas|andere frage|au fait|autre chose|par ailleurs|waise|ek aur baat)\b|वैसे|एक और बात",
    re.IGNORECASE,
)
# What answers nothing by itself.
COURTESY: Final = frozenset(
    (
        *("oh", "ah", "hm", "well", "no", "dear", "thanks", "thank", "you", "ok", "okay", "sorry", "hi", "hello", "right", "alright"),
        *("great", "fine", "cheers", "gracias", "vale", "hola", "perdón", "danke", "gut", "hallo", "merci", "bonjour", "d'accord"),
        *("pardon", "dhanyavaad", "shukriya", "theek", "hai", "accha", "धन्यवाद", "ठीक", "है", "अच्छा"),
    )
)
# With one of these a yes is no plain yes, and nothing is done on it.
CONDITION: Final = re.compile(
    r"\b(?:but|if|only|unless|except|before|after|until|not|don't|wait|later|rather|instead|no|never|pero|si|sólo|solo|antes|después|"
    r"aber|wenn|nur|erst|nicht|mais|seulement|avant|après|pas|lekin|agar|nahi)\b|लेकिन|अगर|नहीं",
    re.IGNORECASE,
)
# A turn without what is turned to: it goes with what stands beside it.
STUB: Final = re.compile(rf"^\W*(?:(?:{TURN.pattern})|(?:can|could|would|will) (?:you|i|we))\W*$", re.IGNORECASE)
# Shorter words stand in every sentence.
LEAST_LETTERS: Final = 4


@dataclass(frozen=True)
class Open:
    """Our question that is still open, and which module asked it. `is_answer`: whether words by themselves are what was asked for."""

    module: str
    question: str
    is_answer: Callable[[str], bool]


@dataclass(frozen=True)
class Apart:
    """A reply taken apart: what whoever asked is told, and what others are asked. Both empty: it is no answer, and nobody's surely."""

    own: str
    besides: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Heard:
    """A clause of a reply with the module nearest to it, how near that is, and how near the module that asked."""

    words: str
    module: str
    score: float
    askers: float

    def is_far_from_asker(self, least: float) -> bool:
        return self.score >= least and self.score - self.askers > CLEARLY_NEARER


def question_in(ours: str) -> str:
    """What our last words ask; empty where they ask nothing, or only whether there is anything else."""
    asking = [one for one in SENTENCES.split(ours[-LAST_WORDS:]) if "?" in one or (TELL.search(one) and not OFFERED.search(one))]
    return "" if not asking or ANYTHING_ELSE.search(asking[-1]) else " ".join(asking)


def is_request(clause: str) -> bool:
    """Whether a clause asks or wants something by itself, or says that it turns to something else."""
    if TURN.search(clause) or clause.rstrip().endswith("?") or QUESTION.match(clause):
        return True
    return bool(WISH.match(clause)) and not NO_WISH.search(clause)


def is_courtesy(words: str) -> bool:
    return COURTESY.issuperset(spoken(words))


def plain_yes(words: str) -> str:
    """The yes with which a longer reply begins, where nothing in it is a condition; empty where there is none."""
    first, *more = clauses(words)
    is_bare = (COURTESY | YES).issuperset(spoken(first)) and is_yes(first)
    return first if more and is_bare and not CONDITION.search(words) else ""


def takes_up(clause: str, question: str) -> bool:
    """Whether a clause says what the question said: most of its longer words begin as words of the question do."""
    asked = {word[:LEAST_LETTERS] for word in spoken(question) if len(word) >= LEAST_LETTERS}
    said = [word for word in spoken(clause) if len(word) >= LEAST_LETTERS]
    return bool(said) and 2 * sum(word[:LEAST_LETTERS] in asked for word in said) > len(said)


async def apart(router: Router, words: str, language: str, is_offered: Callable[[Example], bool], to: Open) -> Apart:
    """A clause goes elsewhere where it asks or wants something itself, is no answer, and is surely another module's; what follows it and
    asks nothing goes with it, where it is nearer to that than to whoever asked. All else is the asker's, in the words in which it was said.
    After a no the question is closed: what is asked then is a request of its own, whosever.
    """
    own: list[str] = []
    besides: dict[str, list[str]] = {}
    last = ""
    said = [await _heard(router, clause, language, is_offered, to.module) for clause in _clauses(words)]
    for place, one in enumerate(said):
        is_first = all(is_courtesy(before.words) and not to.is_answer(before.words) for before in said[:place])
        if _is_elsewhere(one, to, is_first=is_first) or (place > 0 and is_no(said[0].words) and _is_new(one, to)):
            last = one.module
        elif not (last == one.module and one.score > one.askers and not to.is_answer(one.words)):
            last = ""
        (besides.setdefault(last, []) if last else own).append(one.words)
    if besides:
        return Apart(_joined(own), tuple((module, _joined(parts)) for module, parts in besides.items()))
    is_no_answer = all(is_request(one.words) and one.is_far_from_asker(0.0) and not _answers(one, to) for one in said)
    return Apart("" if is_no_answer else words)


def _clauses(words: str) -> list[str]:
    """The clauses of a reply; "can you" and "by the way" stay with what follows them, or with what stands before where nothing follows."""
    cut: list[str] = []
    for clause in clauses(words):
        if cut and STUB.match(cut[-1]):
            cut[-1] = f"{cut[-1]} {clause}"
        else:
            cut.append(clause)
    if len(cut) > 1 and STUB.match(cut[-1]):
        cut[-2:] = [" ".join(cut[-2:])]
    return cut


def _joined(parts: list[str]) -> str:
    return " ".join(part if part[-1] in ".?!।" else f"{part}." for part in parts[:-1]) + " " * (len(parts) > 1) + "".join(parts[-1:])


async def _heard(router: Router, clause: str, language: str, is_offered: Callable[[Example], bool], asker: str) -> Heard:
    near = await router.nearness(clause, language, is_offered)
    return Heard(clause, near[0].module, near[0].score, next((one.score for one in near if one.module == asker), 0.0))


def _answers(one: Heard, to: Open) -> bool:
    return to.is_answer(one.words) or takes_up(one.words, to.question)


def _is_new(one: Heard, to: Open) -> bool:
    return one.score >= SEPARATE_NEARNESS and is_request(one.words) and not _answers(one, to)


def _is_elsewhere(one: Heard, to: Open, *, is_first: bool) -> bool:
    """Whoever answers with something else first has turned to something else, also without asking: "my bill was wrong again"."""
    if one.module == to.module or _answers(one, to):
        return False
    if is_request(one.words):
        return one.is_far_from_asker(SEPARATE_NEARNESS)
    return is_first and one.is_far_from_asker(CERTAIN_NEARNESS)
