"""What no log line may hold: secrets by their key, and people's numbers, addresses and codes by their form, wherever they stand."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

MASK: Final = "[redacted]"
# Deeper than any event of ours; what is nested further is not worth a log line, and may be a trap.
DEEPEST: Final = 8

# Whole words of a key, so that `customer_phone` and `code_mac` are hidden, and `tokens_used`, `addressed` and `token_id` are read.
SECRET_KEYS: Final = re.compile(
    r"(.*[_-])?(password|passwd|secret|token|key|authorization|cookie|credentials?|otp|pin|mac|phone|msisdn|email|words|body|community"
    r"|one_time_code|customer_name|profile_name)",
    re.IGNORECASE,
)
# Hidden where they hold a person's, and read where they hold a machine's: an exit code has fewer digits than a one-time code, and
# whoever looks into a burglary needs the network address that was tried from.
DOUBTFUL_KEYS: Final = re.compile(r"(.*[_-])?(address|code|caller|recipient|sender)", re.IGNORECASE)
CODE_DIGITS: Final = 4

# Each with what stands for it; a more telling form comes before one that would take a part of it.
PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), shown)
    for pattern, shown in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", MASK),
        (r"\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@", rf"\1{MASK}@"),
        (r"\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}", rf"\1 {MASK}"),
        (r"\beyJ[a-z0-9_-]{6,}\.[a-z0-9_-]+\.[a-z0-9_-]*", MASK),
        (r"\b(sk|pk|ghp|gho|xox[a-z])[-_][a-z0-9_-]{12,}", MASK),
        (
            r"\b(password|passwd|secret|token|api[_-]?key|auth|authorization|cookie|signature|otp)([\"']?\s*[=:]\s*[\"']?)"
            r"(?!(?:bearer|basic)\s)[^\s,;&\"'})]+",
            rf"\1\2{MASK}",
        ),
        (r"\b(code|otp|pin|código|kode|कोड)\b(\D{0,12})\d{4,8}\b", rf"\1\2{MASK}"),
        (r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", MASK),
        # International, with or without its separators; 00 in place of the +.
        (r"(?<![\w.])(\+|\b00)[1-9](?:[\s().-]{0,2}\d){6,14}(?!\d)", MASK),
        # National, as people write it; dates, measures and ids do not begin with a nought.
        (r"(?<![\w.:+-])\(?0[1-9](?:[\s()-]{0,2}\d){7,10}(?![\d.:])", MASK),
    )
)


def redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: the last one before a line is written. Keys stay as they are; numbers, ids and times too."""
    return {key: _of_key(key, value, 0) for key, value in event.items()}


def redacted_text(text: str) -> str:
    for pattern, shown in PATTERNS:
        text = pattern.sub(shown, text)
    return text


def _of_key(key: object, value: Any, depth: int) -> Any:
    name = str(key)
    if value is None or isinstance(value, bool):
        return value
    if SECRET_KEYS.fullmatch(name) or (DOUBTFUL_KEYS.fullmatch(name) and not _is_of_a_machine(value)):
        return MASK
    return _without_secrets(value, depth)


def _is_of_a_machine(value: Any) -> bool:
    if len(str(value)) < CODE_DIGITS:
        return True
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return not isinstance(value, int)


def _without_secrets(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {redacted_text(key) if isinstance(key, str) else key: _of_key(key, one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(one, depth + 1) for one in value]
    if isinstance(value, bytes):
        return MASK
    # What a renderer would turn into text anyway is read as that text.
    return value if isinstance(value, int | float) else redacted_text(str(value))
