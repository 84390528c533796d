"""Pure: what an evaluation came to, for people (a table), for scripts (JSON) and for build servers (JUnit)."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean, median, quantiles
from typing import Any, Final
from xml.etree import ElementTree as Xml

from rich.table import Table

from evals.confusion import Confusion
from evals.confusion import as_json as matrix_as_json
from evals.score import Judgement

Trials = Sequence[Judgement]
# With fewer turns than this the hundredth part of them says nothing.
ENOUGH_FOR_P99: Final = 2


def pass_hat(trials: Trials, k: int) -> float | None:
    """How likely k trials in a row pass, estimated without bias from those played; None where fewer were."""
    if len(trials) < k:
        return None
    return math.comb(sum(one.passed for one in trials), k) / math.comb(len(trials), k)


def _mean_pass(played: Sequence[Trials], k: int) -> float | None:
    shares = [share for trials in played if (share := pass_hat(trials, k)) is not None]
    return round(mean(shares), 4) if shares else None


def seconds_of(played: Iterable[Trials]) -> list[float]:
    return [turn.seconds for trials in played for one in trials if one.played for turn in one.played.turns]


def _latency(played: Sequence[Trials]) -> dict[str, float]:
    seconds = seconds_of(played)
    if len(seconds) < ENOUGH_FOR_P99:
        return {"turn_p50_ms": round(1000 * seconds[0], 1) if seconds else 0.0, "turn_p99_ms": round(1000 * max(seconds, default=0.0), 1)}
    return {"turn_p50_ms": round(1000 * median(seconds), 1), "turn_p99_ms": round(1000 * quantiles(seconds, n=100)[98], 1)}


def _cost(played: Sequence[Trials]) -> dict[str, int]:
    spent = [one.played.spent for trials in played for one in trials if one.played]
    return {
        "model_calls": sum(one.model_calls for one in spent),
        "tokens": sum(one.tokens for one in spent),
        "micro_money": sum(one.micro_money for one in spent),
    }


def by_module(played: Sequence[Trials]) -> dict[str, list[Trials]]:
    found: dict[str, list[Trials]] = defaultdict(list)
    for trials in played:
        found[trials[0].scenario.module].append(trials)
    return found


def figures(played: Sequence[Trials]) -> dict[str, Any]:
    """`pass_4` is there where at least four trials were played."""
    most = min((len(trials) for trials in played), default=0)
    passes = {f"pass_{k}": _mean_pass(played, k) for k in sorted({1, 4, most}) if 0 < k <= most}
    return {"scenarios": len(played), "trials": most, **passes, **_latency(played), **_cost(played)}


def summary(played: Sequence[Trials], model: str) -> dict[str, Any]:
    kinds: dict[str, int] = defaultdict(int)
    for trials in played:
        kinds[trials[0].scenario.kind] += 1
    modules = {module: figures(own) for module, own in by_module(played).items()}
    return {**figures(played), "model": model, "kinds": dict(kinds), "modules": modules}


def as_json(played: Sequence[Trials], model: str, routed: Sequence[Confusion] = ()) -> dict[str, Any]:
    """`routed`: the confusion matrices of the router, where everything was played."""
    matrices = {"router": [matrix_as_json(one) for one in routed]} if routed else {}
    return {
        "summary": summary(played, model),
        **matrices,
        "results": [_result(one, at) for trials in played for at, one in enumerate(trials, start=1)],
    }


def _result(one: Judgement, trial: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "module": one.scenario.module,
        "scenario": one.scenario.name,
        "kind": one.scenario.kind,
        "trial": trial,
        "passed": one.passed,
        "in_state": list(one.in_state),
        "in_words": list(one.in_words),
    }
    if one.played is None:
        return shown
    return {
        **shown,
        "tools": list(one.played.tools),
        "actions": list(one.played.actions),
        "changed": [f"{change.kind} {change.table}" for change in one.played.difference],
        "turns": [
            {"said": turn.said, "reply": turn.reply, "seconds": round(turn.seconds, 3), "trace": turn.trace} for turn in one.played.turns
        ],
        "tokens": one.played.spent.tokens,
        "micro_money": one.played.spent.micro_money,
    }


def table(played: Sequence[Trials], model: str) -> Table:
    """One line a module and one for all, then what failed."""
    found = figures(played)
    passes = [name for name in found if name.startswith("pass_")]
    shown = Table(title=f"Scenarios, answered by {model}")
    for heading in ("module", "scenarios", *(name.replace("_", "^") for name in passes), "p50", "p99", "tokens", "what failed"):
        shown.add_column(heading)
    for module, own in by_module(played).items():
        shown.add_row(module, *_cells(figures(own), passes), "\n".join(_failed(own)))
    shown.add_section()
    shown.add_row("all", *_cells(found, passes), "")
    return shown


def _cells(found: dict[str, Any], passes: Sequence[str]) -> list[str]:
    shares = [f"{found[name]:.1%}" if found.get(name) is not None else "" for name in passes]
    return [str(found["scenarios"]), *shares, f"{found['turn_p50_ms']:.0f} ms", f"{found['turn_p99_ms']:.0f} ms", f"{found['tokens']:,}"]


def _failed(played: Sequence[Trials]) -> list[str]:
    first = [next((one for one in trials if not one.passed), None) for trials in played]
    return [f"{one.scenario.name}: {'; '.join(one.failures)}" for one in first if one]


def as_junit(played: Sequence[Trials]) -> str:
    """JUnit XML: a suite for each module, a case for each trial."""
    root = Xml.Element("testsuites", name="scenarios")
    for module, own in by_module(played).items():
        cases = [(one, at) for trials in own for at, one in enumerate(trials, start=1)]
        failures = sum(not one.passed for one, _ in cases)
        suite = Xml.SubElement(root, "testsuite", name=module, tests=str(len(cases)), failures=str(failures))
        for one, at in cases:
            seconds = sum(turn.seconds for turn in one.played.turns) if one.played else 0.0
            case = Xml.SubElement(suite, "testcase", classname=module, name=f"{one.scenario.name} [{at}]", time=f"{seconds:.3f}")
            if not one.passed:
                Xml.SubElement(case, "failure", message=_printable(one.failures[0])).text = _printable("\n".join(one.failures))
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(letter for letter in text if letter in "\n\t" or letter.isprintable())
