"""Pure: how long a question of ours stays open. A yes that comes later is no yes to it any more: it is asked once more."""

from datetime import datetime, timedelta
from typing import Final

from agents.conversation import Asked, ConversationState
from agents.slots import WHOLE_WORDS

# Somebody who is asked at breakfast answers in the break. By the evening the line may be back, and the free times gone.
OPEN_FOR: Final = timedelta(hours=4)


def asked_at(asked: Asked, now: datetime) -> Asked:
    return {**asked, "at": now.isoformat()}


def is_too_old(asked: Asked | None, now: datetime) -> bool:
    """Whether what we asked is open no longer; so is what was asked by a release that noted no time."""
    return asked is not None and ("at" not in asked or now - datetime.fromisoformat(asked["at"]) > OPEN_FOR)


def may_be_asked_again(asked: Asked) -> bool:
    """Not where any words would do for an answer: what is said after so long is about something else."""
    return asked["missing"] not in WHOLE_WORDS


def without_it(state: ConversationState) -> ConversationState:
    """The same conversation, with nothing asked."""
    return {**state, "asked": None}


def last_words(state: ConversationState) -> str:
    """What we said last, with the question in it and what may be chosen."""
    return next((one["words"] for one in reversed(state.get("said", [])) if one["by_us"]), "")
