"""Every attack there is."""

from typing import Final

from evals.adversary.attacks import approvals, forging, injection, lawful, money, policy, tools, words
from evals.adversary.attacks.attack import Attack, every

ATTACKS: Final[tuple[Attack, ...]] = every(
    lawful.ATTACKS, injection.ATTACKS, tools.ATTACKS, money.ATTACKS, approvals.ATTACKS, words.ATTACKS, policy.ATTACKS, forging.ATTACKS
)


def attacks_at(level: int) -> tuple[Attack, ...]:
    return tuple(attack for attack in ATTACKS if level in attack.levels)
