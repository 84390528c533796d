"""`bedrock eval router`: labelled sentences routed as a customer's are, and the confusion matrix of what became of each."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agents.embeddings import local_encoder
from agents.router import Router
from api.cli import console, run
from evals.benchmarks.intent import DataMissing, Sentence, complaints, held_out, is_a_customers, routed_by
from evals.confusion import ASKS, PERSON, Confusion, Decision, as_json, confusion_table

SETS: Final[Mapping[str, Callable[[], list[Sentence]]]] = {
    "held-out sentences": held_out,
    "complaints, seen": lambda: complaints("seen"),
    "complaints, unseen": lambda: complaints("unseen"),
}


def confused(json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure here.")] = None) -> None:
    """Who is asked for what, agent by agent: held-out sentences, and real complaints seen and unseen. Asking back is no answer."""
    found = run(confusions)
    for one in found:
        console.print(confusion_table(one))
    if json_file:
        json_file.write_text(json.dumps([as_json(one) for one in found], indent=1))


async def confusions() -> list[Confusion]:
    """One for each set that is there; the complaints are another's and may be missing."""
    router = await routed_by(local_encoder())
    found = []
    for name, sentences in SETS.items():
        try:
            labelled = sentences()
        except DataMissing as missing:
            console.print(f"[yellow]{name} were not routed: {missing}[/]")
            continue
        found.append(await confusion(name, router, labelled))
    return found


async def confusion(name: str, router: Router, sentences: Sequence[Sentence]) -> Confusion:
    return Confusion(name, tuple([await decided(router, one) for one in sentences]))


async def decided(router: Router, sentence: Sentence) -> Decision:
    """What the router does with it: asks one or several agents, asks back between two, or has a person fetched."""
    errands = await router.errands(sentence.words, "en", is_a_customers)
    did = tuple(module for module, _ in errands.parts) or ((ASKS,) if errands.unsure else (PERSON,))
    return Decision(sentence.may, did, errands.unsure)
