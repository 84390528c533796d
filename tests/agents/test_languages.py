"""Whatever a customer, a stranger or an engineer on the telephone may hear from us exists in each language, with the same facts in it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from agents.language import LANGUAGES
from agents.module_agent import arguments_schema
from agents.replies import phrases
from agents.roster import roster
from api.inbound.voice.speech import sentences

PROMPTS: Final = Path(__file__).parents[2] / "prompts"
REPLIES: Final = PROMPTS / "replies"
OTHERS: Final = [language for language in LANGUAGES if language != "en"]
# What an engineer says and hears with both hands full.
HANDS_FREE: Final = frozenset({"my_next_step", "record_reading", "close_my_job", "port_of_my_job"})
# Said to a model, to whoever of ours picks up, or what one language alone turns into speech.
NOT_HEARD: Final = ("correction", "voice.whisper", "voice.said_as.")
# What speaks for a cause and against it is told to staff only.
EVIDENCE: Final = frozenset(
    f"words.{sign}"
    for sign in (
        *("behind_it_all_alarmed", "behind_it_alarmed", "healthy_neighbours_complain", "lines_behind_it_lost", "neighbours_silent"),
        *("no_known_path", "quiet_lines", "far_end_lives", "quiet_siblings", "in_maintenance", "peer_port_down"),
    )
)
# Where staff write in another language, they are answered in English rather than with less.
STAFFS: Final = re.compile(r'\{% include "\w+\.en\.txt" %\}')
EXPRESSION: Final = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
FIELD: Final = re.compile(r"(?<=[\w\]])\.([a-z_]+)\b|\['(\w+)'\]")
PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")


def heard_tools() -> set[str]:
    members = roster().values()
    return {tool.__name__ for member in members for audience in ("customer", "stranger") for tool in member.tools(audience)} | HANDS_FREE


def asked_for() -> set[str]:
    """The arguments that somebody may be asked for who is no staff."""
    tools = [tool for member in roster().values() for audience in ("customer", "stranger") for tool in member.tools(audience)]
    return {name for tool in tools for name in arguments_schema(tool).get("required", [])} | {"default", "findings"}


def fields(path: Path) -> set[str]:
    """The fields of an answer that a template says or asks about."""
    found = (FIELD.findall(expression) for expression in EXPRESSION.findall(STAFFS.sub("", path.read_text())))
    return {one or other for those in found for one, other in those} - {"txt", "en", *LANGUAGES}


def leaves(found: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def own_phrases(language: str) -> dict[str, Any]:
    return dict(leaves(yaml.safe_load((REPLIES / f"phrases.{language}.yaml").read_text())))


def placeholders(phrase: Any) -> set[str]:
    return set(PLACEHOLDER.findall(str(phrase)))


def is_heard(name: str) -> bool:
    return (
        not name.startswith(NOT_HEARD)
        and name not in EVIDENCE
        and (not name.startswith("ask.") or name.removeprefix("ask.") in asked_for())
    )


@pytest.mark.parametrize("tool", sorted(tool for tool in heard_tools() if (REPLIES / f"{tool}.en.txt").exists()))
def test_what_a_tool_answers_is_said_in_each_language_with_the_same_facts(tool: str) -> None:
    english = fields(REPLIES / f"{tool}.en.txt")
    said = {language: REPLIES / f"{tool}.{language}.txt" for language in OTHERS}

    assert [language for language, path in said.items() if not path.exists()] == []
    for path in said.values():
        own = fields(path)
        assert own <= english if STAFFS.search(path.read_text()) else own == english


@pytest.mark.parametrize("language", OTHERS)
def test_each_phrase_that_may_be_heard_is_in_each_language_with_the_same_placeholders(language: str) -> None:
    heard = {name: value for name, value in own_phrases("en").items() if is_heard(name)}
    own = own_phrases(language)

    assert sorted(set(heard) - set(own)) == []
    # What went wrong is in an error's own words, which are English: elsewhere it is left out rather than said in the wrong language.
    alike = {name: value for name, value in heard.items() if not name.startswith("could_not.")}
    assert [name for name, value in alike.items() if placeholders(value) != placeholders(own[name])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_to_be_written_is_said_aloud_as_what_is_to_be_said(language: str) -> None:
    said_as = phrases(language)["voice"]["said_as"]
    spoken = [part for value in own_phrases(language).values() for part in sentences(str(value), said_as)]

    assert [part for part in spoken if re.search(r"PERSON|\bCODE\b|personn?[ae][A-Z]", part)] == []


@pytest.mark.parametrize("path", sorted((PROMPTS / "notices").glob("*.en.txt")), ids=lambda path: path.name)
def test_each_notice_is_in_each_language_with_the_same_placeholders(path: Path) -> None:
    kind, english = path.name.removesuffix(".en.txt"), set(PLACEHOLDER.findall(path.read_text()))

    for language in OTHERS:
        assert set(PLACEHOLDER.findall((path.parent / f"{kind}.{language}.txt").read_text())) == english
