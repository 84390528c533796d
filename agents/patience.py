"""Pure: what somebody hears first who is in danger, angry, or about to leave; and when one of us is fetched whatever they asked."""

from collections.abc import Sequence
from typing import Final

from agents.conversation import Said
from agents.replies import phrases
from tools.moods import ANGRY, COMPLAINS, IN_DANGER, MEANS_TO_LEAVE, heard_in

# What is acknowledged, the weightiest first: one sentence is enough, whatever else is heard.
ACKNOWLEDGED: Final = (IN_DANGER, COMPLAINS, ANGRY, MEANS_TO_LEAVE)
AT_ONCE: Final = frozenset({IN_DANGER, COMPLAINS, ANGRY})


def is_for_a_person(words: str) -> bool:
    """Whoever may be in danger, is angry or speaks of a complaint has one of us at once, whatever they asked."""
    return not AT_ONCE.isdisjoint(heard_in(words))


def is_answered_too(words: str) -> bool:
    """The angry are: what they asked may be all they need. Who is in danger or complains is answered by nobody but a person."""
    return {IN_DANGER, COMPLAINS}.isdisjoint(heard_in(words))


def acknowledged(words: str, said: Sequence[Said], language: str) -> str:
    """The sentence with which a reply to these words begins; empty for most, and where it was said in this conversation before."""
    heard = heard_in(words)
    sentences = phrases(language)["acknowledged"]
    fitting = next((sentences[mood] for mood in ACKNOWLEDGED if mood in heard), "")
    return "" if any(fitting in one["words"] for one in said if one["by_us"]) else fitting


def with_acknowledgement(reply: str, words: str, said: Sequence[Said], language: str, *, is_handed_over: bool) -> str:
    """The reply as somebody reads it who is angry: seen first, then answered, and told how to have one of us instead."""
    first = acknowledged(words, said, language)
    if not first:
        return reply
    last = "" if is_handed_over else phrases(language)["rather_a_person"]
    return "\n\n".join(part for part in (f"{first} {reply}", last) if part)
