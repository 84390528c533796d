"""How somebody is who wrote this, for those who answer: the same signs by which our queue is ordered."""

from cortex.moods import ANGRY, COMPLAINS, IN_DANGER, MEANS_TO_LEAVE, moods_in

__all__ = ("ANGRY", "COMPLAINS", "IN_DANGER", "MEANS_TO_LEAVE", "heard_in")


def heard_in(words: str) -> tuple[str, ...]:
    """What is heard in these words, the weightiest first: `ANGRY`, `MEANS_TO_LEAVE`, `COMPLAINS`, or danger and distress by name."""
    return tuple(mood.name for mood in moods_in(words))
