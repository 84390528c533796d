"""Pure: what an add-on is called in the words of whoever wants it, or wants it no more."""

import re
from typing import Final

# An add-on stands after what it is called or after what is to be done with it: "the extra Home Phone", "add static IP to my line".
_AFTER_IT: Final = (
    r"(?=\s+(?:to|off|from|for|on|in|of|please|now|again|any|anymore|costs?|beside|with|and|a mi|de mi|à ma|de ma|"
    r"dazu\w*|hinzu\w*|kündigen|beenden|abbestellen)\b|\s*[?.!,]|\s*$)"
)
ADD_ON: Final = (
    re.compile(rf"\b(?:add-?on|extra|option|zusatzoption|opción)\s+(?P<named>[\w][\w '’/-]*?){_AFTER_IT}", re.IGNORECASE),
    re.compile(
        r"\b(?:add|order|take|remove|end|cancel|need|want|añada|agregue|quite|ajoutez|retirez|brauche|möchte)\s+"
        rf"(?:(?:the|a|an|my|una?|el|la|les?|une|die|den|das|eine?n?)\s+)?(?P<named>[\w][\w '’/-]*?){_AFTER_IT}",
        re.IGNORECASE,
    ),
)


def add_on(words: str) -> str | None:
    found = next((match for pattern in ADD_ON if (match := pattern.search(words))), None)
    return found["named"].strip() if found else None
