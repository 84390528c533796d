"""The ten agents, made from atlas/modules.py, with the briefs they are given."""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from agents.briefs import Brief, Example, PromptMalformed, brief_of
from agents.module_agent import ModuleAgent, Tool
from atlas.modules import MODULES
from tools.helpdesk import hand_over
from tools.turn import assurance_of

# Any agent may fetch a person; only this tool crosses modules.
FETCH_A_PERSON: Final = hand_over
AUDIENCES: Final = ("stranger", "customer", "staff")


@dataclass(frozen=True)
class Member:
    """One module of the roster: its agent, its brief, and what it offers to each audience."""

    name: str
    agent: ModuleAgent
    brief: Brief

    def tools(self, audience: str) -> tuple[Tool, ...]:
        own = self.agent.tools(audience)
        return own if FETCH_A_PERSON in own else (*own, FETCH_A_PERSON)


def roster() -> dict[str, Member]:
    """All ten by name.

    Raises PromptMalformed where an example names a tool that its module's agent has not, AssuranceUnstated where a tool for customers does
    not say how surely they must be known.
    """
    members = {name: Member(name, import_module(f"agents.{name}").AGENT, brief_of(name)) for name in MODULES}
    for member in members.values():
        for tool in member.tools("customer"):
            assurance_of(tool)
        known = {tool.__name__ for audience in AUDIENCES for tool in member.tools(audience)}
        unknown = sorted({example.tool for example in member.brief.examples if example.tool} - known)
        if unknown:
            raise PromptMalformed(f"{member.name}: its examples name {', '.join(unknown)}, which its agent does not offer")
    return members


def examples(members: dict[str, Member]) -> list[Example]:
    return [example for member in members.values() for example in member.brief.examples]
