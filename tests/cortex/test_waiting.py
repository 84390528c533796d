"""Who is helped first: danger, then whoever may be harmed, then distress and anger; each reason stands beside it, in five languages."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from cortex.waiting import Weight, in_order, look_of, weight_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Waiter:
    """Somebody who waits since a minute ago, calm, and for the first time."""

    words: str = "My internet is slow"
    is_vulnerable: bool = False
    has_emergency_line: bool = False
    unanswered: int = 1
    is_flagged: bool = False
    because: str | None = None
    since: datetime = NOW - timedelta(minutes=1)

    @property
    def lately(self) -> tuple[str, ...]:
        return (self.words,)


def reasons(words: str) -> tuple[str, ...]:
    return weight_of(Waiter(words), NOW).reasons


@pytest.mark.parametrize(
    "words",
    [
        "This is unacceptable, I am furious",
        "Estoy furioso, esto es inaceptable",
        "Ich bin wütend, das ist eine Frechheit",
        "Je suis en colère, c'est scandaleux",
        "मुझे बहुत गुस्सा आ रहा है",
    ],
)
def test_anger_is_heard_in_each_language(words: str) -> None:
    assert reasons(words) == ("angry",)


@pytest.mark.parametrize(
    "words",
    ["I'm at my wits' end, I can't cope", "Estoy desesperada", "Ich bin verzweifelt", "Je suis désespérée", "मैं बहुत परेशान हूँ"],
)
def test_distress_is_heard_in_each_language(words: str) -> None:
    assert "in distress" in reasons(words)


@pytest.mark.parametrize(
    "words", ["He is not breathing", "Mi madre no respira", "Er atmet nicht", "Il ne respire plus", "उन्हें सांस नहीं आ रही"]
)
def test_danger_is_heard_in_each_language(words: str) -> None:
    assert reasons(words)[0] == "may be in danger"


@pytest.mark.parametrize("words", ["I am not angry at all", "Ich bin nicht wütend", "No estoy nada mal, no furioso", "I was never angry"])
def test_what_is_denied_is_not_felt(words: str) -> None:
    assert "angry" not in reasons(words)


def test_nobody_denies_a_danger_away() -> None:
    assert "may be in danger" in reasons("I do not want an ambulance")


@pytest.mark.parametrize(
    "words", ["", "My internet is slow", "Which plans do you have?", "the cable is on the sauerland side", "x" * 10_000]
)
def test_most_people_are_in_no_hurry(words: str) -> None:
    assert reasons(words) == ()


def test_danger_comes_before_the_vulnerable_and_they_before_the_loudest() -> None:
    loud = Waiter("unacceptable! ombudsman! furious!", unanswered=9, since=NOW - timedelta(hours=5))
    frail, danger, calm = Waiter(is_vulnerable=True, has_emergency_line=True), Waiter("chest pain"), Waiter()

    assert [one for one, _ in in_order([calm, loud, frail, danger], NOW)] == [danger, frail, loud, calm]


def test_among_equals_whoever_waits_longest_goes_first() -> None:
    first, second = Waiter(since=NOW - timedelta(minutes=9)), Waiter(since=NOW - timedelta(minutes=3))

    assert [one for one, _ in in_order([second, first], NOW)] == [first, second]


def test_each_reason_stands_beside_it_the_weightiest_first() -> None:
    one = Waiter("I am furious, my lawyer will write", is_vulnerable=True, unanswered=3, since=NOW - timedelta(hours=2))

    assert weight_of(one, NOW).reasons == ("vulnerable", "angry", "speaks of a complaint", "asked again", "waits for more than an hour")


def test_a_flag_is_told_and_puts_nobody_before_another() -> None:
    flagged, first = Waiter(is_flagged=True), Waiter(since=NOW - timedelta(minutes=2))

    assert weight_of(flagged, NOW) == Weight(0, ("gives our agents orders",))
    assert [one for one, _ in in_order([flagged, first], NOW)] == [first, flagged]


def test_whom_nobody_waits_for_is_looked_at_for_their_mood_and_not_for_the_hour() -> None:
    assert look_of(Waiter("I am furious", since=NOW - timedelta(hours=9), unanswered=9)) == ("angry",)
