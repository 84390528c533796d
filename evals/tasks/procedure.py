"""The visiting module's rule model: walks the checks of `procedure.yaml` one by one, and knows nothing but what was said and answered.

Nothing is kept between two turns: our last sentence says at which check we are, and what the caller says now is its answer.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agents.replies import HAND_OVER
from agents.rule_model import RuleModel, json_text

PROCEDURE: Final = Path(__file__).with_name("procedure.yaml")
GIGABYTES: Final = re.compile(r"(\d+(?:\.\d+)?) ?GB", re.IGNORECASE)
ASK: Final = "ask"
FIX: Final = "fix"
TEST: Final = "test"
# What was mended is said with a test: looked for first, so that a test alone is what is left.
PHASES: Final = (FIX, "done", ASK)


class Needed(Exception):
    """The next step needs this tool's answer, or is this tool."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        super().__init__(tool)
        self.tool = tool
        self.arguments = arguments


@dataclass(frozen=True)
class Place:
    """Where a conversation stands: the topic, the check, and whether it was asked about, mended, or only tested."""

    topic: str
    check: str
    phase: str


@dataclass
class Step:
    """One turn: what the caller says, and what the tools answered in it so far, in the order in which they were called."""

    report: str
    answers: list[dict[str, Any]]

    def tool(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The tool's answer. Raises Needed where it was not called yet, or where it could not and a person must."""
        if not self.answers:
            raise Needed(name, arguments)
        answer = self.answers.pop(0)
        if "error" in answer:
            raise Needed(HAND_OVER, {"reason": str(answer.get("because", "a tool could not"))[:200]})
        return answer


@cache
def procedure() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PROCEDURE.read_text())
    return found


def next_words(ours: Sequence[str], step: Step) -> str:
    """What we say to what the caller says, after what we said (`ours`, latest last). Raises Needed for a tool."""
    place = next((found for said in reversed(ours) if (found := place_of(said))), None)
    if place is None:
        return _opening(step.report)
    topic = procedure()["topics"][place.topic]
    if place.phase != ASK and re.search(topic["met"], step.report):
        return str(procedure()["works"])
    if place.phase == ASK and (said := _answered(place, step)):
        return _told(place.topic, said)
    return _from(place, step)


def place_of(said: str) -> Place | None:
    """The place that a sentence of ours belongs to; None where it is not of this procedure."""
    for name, topic in procedure()["topics"].items():
        if topic["about"] not in said:
            continue
        sentences = ((check, phase) for phase in PHASES for check in topic["checks"] if phase in procedure()["checks"][check])
        at = next(((check, phase) for check, phase in sentences if _constant(procedure()["checks"][check][phase]) in said), ("", TEST))
        return Place(name, *at)
    return None


def _constant(text: str) -> str:
    """A sentence as far as it is always the same."""
    return text.partition("{")[0].strip()


def _opening(report: str) -> str:
    name = next((name for name, topic in procedure()["topics"].items() if re.search(topic["wanted"], report, re.IGNORECASE)), "")
    return _told(name, procedure()["topics"][name]["test"]) if name else str(procedure()["which"])


def _told(topic: str, words: str) -> str:
    return f"{procedure()['topics'][topic]['about']} {words}"


def _mended(topic: str, fix: str) -> str:
    return f"{fix} {procedure()['topics'][topic]['test']}"


def _from(place: Place, step: Step) -> str:
    """The question of the next check that has one for this caller; after the last a person is fetched."""
    checks = procedure()["topics"][place.topic]["checks"]
    for name in checks[checks.index(place.check) + 1 if place.check else 0 :]:
        check = procedure()["checks"][name]
        if check.get("line") == "suspended":
            said = _suspended(place.topic, check, step)
        elif check.get("line") == "used_up":
            said = _used_up(check, step)
        else:
            said = check[ASK]
        if said:
            return _told(place.topic, said)
    raise Needed(HAND_OVER, {"reason": "every check was made and nothing helped"})


def _answered(place: Place, step: Step) -> str:
    """What follows from the answer to a check's question; empty where nothing is wrong with it."""
    check = procedure()["checks"][place.check]
    if "beyond" in check and re.search(check["beyond"], step.report):
        raise Needed(HAND_OVER, {"reason": f"only a person can mend this: {step.report}"[:200]})
    if check.get("line") == "suspended":
        return _suspended(place.topic, check, step)
    if check.get("line") == "used_up":
        return _refuelled(place.topic, check, step)
    may_roam_now = check.get("line") == "abroad" and _lets_roam(step)
    if re.search(check["trouble"], step.report):
        return _mended(place.topic, check[FIX])
    return _mended(place.topic, check["done"]) if may_roam_now else ""


def _lets_roam(step: Step) -> bool:
    """Whether roaming was enabled on the line just now, because somebody abroad lacked it."""
    if "abroad" not in step.report or step.tool("my_line")["is_roaming_enabled"]:
        return False
    step.tool("enable_roaming")
    return True


def _suspended(topic: str, check: dict[str, Any], step: Step) -> str:
    """A suspended line: its oldest overdue bill is asked for; once all are paid it is resumed. Empty where it is not suspended."""
    line = step.tool("my_line")
    if line["status"] != "Suspended":
        return ""
    if line["contract_has_ended"]:
        raise Needed(HAND_OVER, {"reason": "the line is suspended and its contract has ended"})
    if not line["bills"]:
        step.tool("resume_line")
        return _mended(topic, check[FIX])
    if line["bills"][0]["status"] == "Overdue":
        step.tool("request_payment", bill_id=line["bills"][0]["bill_id"])
    return str(check[ASK])


def _used_up(check: dict[str, Any], step: Step) -> str:
    line = step.tool("my_line")
    return str(check[ASK]).format(price=line["refuel_price_per_gb"]) if line["is_data_used_up"] else ""


def _refuelled(topic: str, check: dict[str, Any], step: Step) -> str:
    wanted = GIGABYTES.search(step.report)
    if wanted is None:
        raise Needed(HAND_OVER, {"reason": "the data is used up, and the caller wants no more of it"})
    step.tool("refuel_data", gigabytes=float(wanted[1]))
    return _mended(topic, check[FIX])


class ProcedureModel(RuleModel):
    """The rule model of the visiting module: the same seat, the same tools, a procedure instead of examples."""

    async def next_message(self, messages: Sequence[BaseMessage], **bound: Any) -> AIMessage:
        last = messages[-1]
        if isinstance(last, ToolMessage) and last.name == HAND_OVER:
            return self._in_words([last], bound["reader"])
        return _message(messages)


def _message(messages: Sequence[BaseMessage]) -> AIMessage:
    """What the procedure says or calls next."""
    at = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
    ours = [str(message.text) for message in messages[:at] if isinstance(message, AIMessage)]
    answers = [json.loads(json_text(message)) for message in messages[at:] if isinstance(message, ToolMessage)]
    try:
        return AIMessage(next_words(ours, Step(str(messages[at].text), answers)))
    except Needed as needed:
        return AIMessage("", tool_calls=[{"name": needed.tool, "args": needed.arguments, "id": f"call_{len(messages)}"}])
