"""What was accepted of an earlier evaluation: a drop below it fails. The file is written by `--accept`, and read by people in a review."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from evals.reports import Trials, by_module, pass_hat

ACCEPTED: Final = Path(__file__).with_name("accepted.json")


def standing_of(played: Sequence[Trials]) -> dict[str, Any]:
    """Per module: how many scenarios there are, and which do not pass every trial."""
    return {
        module: {
            "scenarios": len(own),
            "failing": sorted(trials[0].scenario.name for trials in own if pass_hat(trials, len(trials)) != 1.0),
        }
        for module, own in by_module(played).items()
    }


def read(path: Path = ACCEPTED) -> dict[str, Any]:
    """By model: the modules' standing. Empty where nothing was accepted yet."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def accept(played: Sequence[Trials], model: str, path: Path = ACCEPTED) -> None:
    """Takes what was played as the standing from now on; modules that were not played keep theirs."""
    known = read(path)
    known[model] = {**known.get(model, {}), **standing_of(played)}
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def drops(played: Sequence[Trials], model: str, *, is_whole: bool, path: Path = ACCEPTED) -> list[str]:
    """What was better before: a scenario that passed and fails, and a module with fewer of them.

    `is_whole`: every scenario of the modules was played, so that one that is missing is one that was taken away.
    """
    before = read(path).get(model, {})
    found: list[str] = []
    for module, now in standing_of(played).items():
        accepted = before.get(module, {"scenarios": 0, "failing": []})
        found += [f"{module}/{name} fails" for name in now["failing"] if name not in accepted["failing"]]
        if is_whole and now["scenarios"] < accepted["scenarios"]:
            found.append(f"{module} has {now['scenarios']} scenarios, and had {accepted['scenarios']}")
    return found
