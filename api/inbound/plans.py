"""Plans of the network out of files: what can be taken is asked for by whoever reads them."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.inbound.places import Asked
from api.plan_rows import RowWrong
from atlas.identity import CorrelationId
from atlas.principal import Principal
from forge.action import Action
from forge.propose import Forge, propose


@dataclass(frozen=True)
class PlanTaken:
    """What became of a plan: how much of each kind is new, how many rows say what is there already, which were refused."""

    new: Mapping[str, int]
    same: int
    refused: tuple[RowWrong, ...]
    asked: tuple[Asked, ...]

    @property
    def is_whole(self) -> bool:
        return not self.refused and all(one.state == "done" for one in self.asked)


async def asked_for(forge: Forge, principal: Principal, action: Action, rows: int, correlation: CorrelationId) -> Asked:
    proposed = await propose(forge, principal, action, reason="read from a file", correlation_id=correlation)
    return Asked(proposed.reference, proposed.state.value, rows, proposed.failure or proposed.verdict_reason)
