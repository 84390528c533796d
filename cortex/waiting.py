"""Pure: who of those that wait for a person is helped first, and why, in words that stand beside it.

By rules over what they wrote and what is on file, in five languages: nobody is ordered by a model, and whoever looks sees each reason. A
mood read wrongly costs somebody a place in a queue, never an answer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

# Beside a vulnerable customer's five: danger comes before everybody, and no amount of anger passes somebody who may be harmed.
DANGER: Final = 20
VULNERABLE: Final = 5
EMERGENCY_LINE: Final = 5
DISTRESS: Final = 3
ANGER: Final = 2
COMPLAINT: Final = 2
ASKED_AGAIN: Final = 1
WAITS_LONG: Final = 1
LONG: Final = timedelta(hours=1)
# Whoever wrote so often without an answer in between asks again.
OFTEN: Final = 3

_WORDS: Final[dict[str, tuple[int, str]]] = {
    "may be in danger": (
        DANGER,
        r"suicid\w*|kill myself|end my life|hurt myself|not breathing|chest pain|heart attack|ambulance|can'?t call 999|oxygen|telecare|"
        r"suicidar\w*|matarme|no respira|infarto|ambulancia|oxígeno|"
        r"umbringen|das leben nehmen|atmet nicht|herzinfarkt|krankenwagen|notarzt|sauerstoff|"
        r"me tuer|me suicider|ne respire plus|crise cardiaque|oxygène|"
        r"आत्महत्या|मर जाऊ\w*|सांस नहीं|दिल का दौरा|एम्बुलेंस|ऑक्सीजन",
    ),
    "in distress": (
        DISTRESS,
        r"desperate|scared|frightened|crying|in tears|i can'?t cope|at my wits'? end|bereave\w*|funeral|passed away|just died|"
        r"desesperad[oa]|asustad[oa]|llorando|no puedo más|falleció|funeral|"
        r"verzweifelt|ich weine|ich kann nicht mehr|habe angst|verstorben|beerdigung|"
        r"désespérée?|je pleure|je n'en peux plus|peur|décédée?|enterrement|"
        r"परेशान|रो रह[ाी]|डर लग|मृत्यु|देहांत|बेबस",
    ),
    "angry": (
        ANGER,
        r"furious|angry|outrag\w+|disgust\w+|unacceptable|ridiculous|sick of|fed up|terrible service|worst|useless|a joke|rip[- ]?off|"
        r"furios[oa]|enfadad[oa]|indignad[oa]|inaceptable|hart[oa] de|vergüenza|inútiles|un robo|"
        r"wütend|sauer|unverschämt\w*|inakzeptabel|frechheit|es reicht|unfähig|abzocke|"
        r"furieu(?:x|se)|en colère|scandaleux|inacceptable|ras[- ]le[- ]bol|marre|honte|incapables|arnaque|"
        r"गुस्स\w*|नाराज़?|बकवास|घटिया|शर्मनाक|तंग आ|बर्दाश्त",
    ),
    "speaks of a complaint": (
        COMPLAINT,
        r"formal complaint|ombudsman|ofcom|lawyer|solicitor|legal action|small claims|trading standards|"
        r"queja formal|reclamación|abogad[oa]|consumo|denunciar|"
        r"beschwerde|anwalt|bundesnetzagentur|verbraucherzentrale|"
        r"réclamation|avocat|médiateur|plainte|"
        r"शिकायत|वकील|उपभोक्ता",
    ),
}
SIGNS: Final = {reason: (weight, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)) for reason, (weight, words) in _WORDS.items()}
# "I am not angry": what is denied right before is not felt. Nobody who denies a danger is taken out of it.
DENIED: Final = re.compile(r"(?:\b(?:not|never|no|nicht|kein\w*|pas|aucune?|sin)|n't|नहीं)\W+(?:\w+\W+)?$", re.IGNORECASE)


class Waits(Protocol):
    """What is known of a conversation that waits. `lately`: what they wrote since our last answer and a little before, newest first."""

    @property
    def is_vulnerable(self) -> bool: ...
    @property
    def has_emergency_line(self) -> bool: ...
    @property
    def lately(self) -> tuple[str, ...]: ...
    @property
    def unanswered(self) -> int: ...
    @property
    def because(self) -> str | None: ...
    @property
    def since(self) -> datetime: ...


One = TypeVar("One", bound=Waits)


@dataclass(frozen=True)
class Weight:
    """How much sooner somebody is helped, and for which reasons; nothing, and none, for most."""

    points: int
    reasons: tuple[str, ...]


def weight_of(one: Waits, now: datetime) -> Weight:
    """What is on file, what they wrote, how often, and for how long they wait, each with its points."""
    said = "\n".join([*one.lately, one.because or ""])
    found = [
        (VULNERABLE, "vulnerable", one.is_vulnerable),
        (EMERGENCY_LINE, "has an emergency line", one.has_emergency_line),
        *((weight, reason, _is_said(pattern, said, weight)) for reason, (weight, pattern) in SIGNS.items()),
        (ASKED_AGAIN, "asked again", one.unanswered >= OFTEN),
        (WAITS_LONG, "waits for more than an hour", now - one.since > LONG),
    ]
    counted = [(points, reason) for points, reason, holds in found if holds]
    return Weight(sum(points for points, _ in counted), tuple(reason for _, reason in sorted(counted, key=lambda each: -each[0])))


def _is_said(pattern: re.Pattern[str], said: str, weight: int) -> bool:
    return any(weight == DANGER or not DENIED.search(said[max(0, found.start() - 30) : found.start()]) for found in pattern.finditer(said))


def in_order(waiting: Iterable[One], now: datetime) -> list[tuple[One, Weight]]:
    """Whoever weighs most first, and among equals whoever waits longest."""
    weighed: Sequence[tuple[One, Weight]] = [(one, weight_of(one, now)) for one in waiting]
    return sorted(weighed, key=lambda each: (-each[1].points, each[0].since))
