"""Reads prompts/*.md: what each module's agent is told, and the example sentences it is recognised by."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

import prompts
from agents.conversation import TurnContext
from atlas.errors import AtlasError

PROMPTS: Final = Path(prompts.__file__).parent
HEADINGS: Final = ("You answer", "You may", "You must not", "You hand over", "They say")
VARIABLES: Final = frozenset({"today", "audience", "language"})
# A sentence as people write it, the language where it is not English, and the tool that answers it.
EXAMPLE: Final = re.compile(r"^- (?:\[(?P<language>[a-z]{2})\] )?(?P<words>.+?)(?: -> (?P<tool>[a-z_]+))?$")


class PromptMalformed(AtlasError):
    """A prompt file lacks a heading, declares an unknown variable, or uses one that it does not declare."""


@dataclass(frozen=True)
class Example:
    """A sentence people say to a module, and the tool that answers it; without a tool it is for a person or for the model."""

    module: str
    words: str
    tool: str
    language: str


@dataclass(frozen=True)
class Brief:
    """One prompt file: instructions with variables, and examples. `version` names its exact text in every trace."""

    module: str
    instructions: str
    needs: frozenset[str]
    examples: tuple[Example, ...]
    version: str

    def told(self, values: Mapping[str, str]) -> str:
        text = self.instructions
        for name in self.needs:
            text = text.replace("{{" + name + "}}", values[name])
        return text


def parsed_brief(module: str, text: str, headings: Sequence[str] = HEADINGS) -> Brief:
    """A prompt file's Brief. Raises PromptMalformed, naming the module and what is wrong."""
    _, front, body = text.split("---\n", 2) if text.startswith("---\n") else ("", "", text)
    needs = frozenset((yaml.safe_load(front) or {}).get("needs", []) if front else [])
    used = frozenset(re.findall(r"\{\{(\w+)\}\}", body))
    if needs != used or not needs <= VARIABLES:
        raise PromptMalformed(f"{module}: declares {sorted(needs)}, uses {sorted(used)}, may have {sorted(VARIABLES)}")
    missing = [heading for heading in headings if f"## {heading}" not in body]
    if missing:
        raise PromptMalformed(f"{module}: lacks {', '.join(missing)}")
    instructions, _, said = body.partition("## They say")
    found = (EXAMPLE.match(line.strip()) for line in said.splitlines() if line.startswith("- "))
    examples = tuple(Example(module, one["words"], one["tool"] or "", one["language"] or "en") for one in found if one)
    return Brief(module, instructions.strip(), needs, examples, hashlib.sha256(text.encode()).hexdigest()[:12])


def brief_of(module: str) -> Brief:
    return parsed_brief(module, (PROMPTS / f"{module}.md").read_text())


def orders_to_us() -> tuple[Example, ...]:
    """The sentences with which people try to turn our agents, as prompts/tampering.md has them."""
    return parsed_brief("tampering", (PROMPTS / "tampering.md").read_text(), headings=("They say",)).examples


def house_style() -> Brief:
    return parsed_brief("house_style", (PROMPTS / "house_style.md").read_text(), headings=())


def values_of(context: TurnContext) -> dict[str, str]:
    """What a prompt may be told of this turn: nothing that names a person."""
    today = context.now.astimezone(context.timezone)
    return {"today": f"{today:%A} {today.day} {today:%B %Y}", "audience": context.audience, "language": context.language}
