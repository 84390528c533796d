"""A notification that no table knows: what its own texts say. A guess, so the cause stays indeterminate unless the words are plain."""

import re
from collections.abc import Iterable
from typing import Final

from api.inbound.snmp.notification import BOOKKEEPING, Notification, is_binary
from api.inbound.sources import readable
from atlas.nms.records import ProbableCause, Severity
from atlas.nms.rules import severity_of

# Words that end a fault. "No longer" and "restored" outrank the fault that the same sentence names.
ENDS: Final = re.compile(
    r"\b(cleared?|ceased?|restored?|recovered|resolved|returned to normal|back to normal|no longer|"
    r"is (now )?(up|ok|normal)|on utility power|inactive)\b",
    re.IGNORECASE,
)
FAULTS: Final = (
    (re.compile(r"\b(critical|fail(ed|ure)?|down|lost|loss of|unreachable|dead|fatal)\b", re.IGNORECASE), Severity.MAJOR),
    (re.compile(r"\b(warning|degraded|exceed(s|ed)?|high|low|near|on battery|overload(ed)?)\b", re.IGNORECASE), Severity.WARNING),
)
CAUSES: Final = (
    (re.compile(r"\bdying gasp\b", re.IGNORECASE), ProbableCause.DYING_GASP),
    (re.compile(r"\bloss of signal\b|\bLOS\b"), ProbableCause.LOSS_OF_SIGNAL),
    (re.compile(r"\b(on battery|on utility power)\b", re.IGNORECASE), ProbableCause.ON_BATTERY),
    (re.compile(r"\b(temperature|overheat\w*)\b", re.IGNORECASE), ProbableCause.TEMPERATURE),
    (re.compile(r"\b(power supply|power|voltage|rectifier|battery)\b", re.IGNORECASE), ProbableCause.POWER_PROBLEM),
    (re.compile(r"\bfan\b", re.IGNORECASE), ProbableCause.EQUIPMENT_MALFUNCTION),
    (re.compile(r"\b(link|port|interface)\b.{0,60}\b(up|down)\b", re.IGNORECASE), ProbableCause.LINK_DOWN),
)


def texts_of(notification: Notification) -> list[str]:
    """Every text the sender wrote into it, in order; what is only octets is left out."""
    values = (value for name, value in notification.bindings if name not in BOOKKEEPING and isinstance(value, bytes))
    return [text for value in values if not is_binary(value) and (text := readable(value).strip('\\" '))]


def guessed_severity(texts: Iterable[str]) -> Severity:
    """A text that ends a fault wins, then one that is a severity by itself, then plain words of fault; else indeterminate."""
    texts = list(texts)
    if any(ENDS.search(text) for text in texts):
        return Severity.CLEARED
    own = next((severity for text in texts if (severity := severity_of(text))), None)
    if own is not None:
        return own
    sentence = " ".join(texts)
    return next((severity for pattern, severity in FAULTS if pattern.search(sentence)), Severity.INDETERMINATE)


def guessed_cause(texts: Iterable[str]) -> ProbableCause:
    sentence = " ".join(texts)
    return next((cause for pattern, cause in CAUSES if pattern.search(sentence)), ProbableCause.INDETERMINATE)
