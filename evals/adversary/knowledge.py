"""What the attacker knows: every id, name and thread there is, but no secret that belongs to somebody."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, Role, customer, staff

Owner = AsyncConnection[tuple[Any, ...]]

# As the town has them.
IN_OUTAGE: Final = range(1, 9)
ELSEWHERE: Final = range(9, 13)
VULNERABLE, EMERGENCY, DISPUTED, OPTED_OUT, QUIET = 13, 14, 15, 19, 20
IN_DEBT: Final = range(16, 19)
BUSINESSES: Final = range(21, 25)


@dataclass(frozen=True)
class Knowledge:
    """Ids by what they are. `lines`, `orders`, `visits`, `threads`: by customer. `addresses`: every contact on file, with its channel."""

    customers: tuple[int, ...]
    lines: dict[int, tuple[int, ...]]
    orders: dict[int, int]
    visits: dict[int, int]
    threads: dict[int, UUID]
    conversations: dict[int, int]
    messages: dict[int, int]
    addresses: dict[int, frozenset[tuple[str, str]]]
    roles: dict[int, frozenset[Role]]
    devices: dict[str, int]
    tiers: dict[int, str]
    device_addresses: frozenset[str]

    def staff(self, role: Role, nth: int = 0) -> Principal:
        """Somebody who holds the role."""
        holders = [number for number, held in self.roles.items() if role in held]
        return self.colleague(holders[nth % len(holders)])

    def colleague(self, number: int) -> Principal:
        return staff(StaffId(number), f"staff {number}", self.roles[number])


def as_customer(number: int, assurance: Assurance = Assurance.VERIFIED) -> Principal:
    return customer(CustomerId(number), assurance)


async def known(owner: Owner) -> Knowledge:
    """Reads the town as the owner."""

    async def rows(statement: str) -> list[tuple[Any, ...]]:
        return await (await owner.execute(statement.encode())).fetchall()

    return Knowledge(
        customers=tuple(row[0] for row in await rows("SELECT id FROM crm.customer ORDER BY id")),
        lines=dict(await rows("SELECT customer_id, array_agg(id ORDER BY id) FROM crm.subscriber GROUP BY customer_id")),
        orders=dict(await rows("SELECT customer_id, max(id) FROM oms.product_order GROUP BY customer_id")),
        visits=dict(await rows("SELECT customer_id, max(id) FROM field_service.job WHERE customer_id IS NOT NULL GROUP BY customer_id")),
        threads=dict(await rows("SELECT customer_id, thread FROM helpdesk.conversation WHERE customer_id IS NOT NULL")),
        conversations=dict(await rows("SELECT customer_id, id FROM helpdesk.conversation WHERE customer_id IS NOT NULL")),
        messages=dict(await rows("SELECT customer_id, max(id) FROM helpdesk.message WHERE customer_id IS NOT NULL GROUP BY customer_id")),
        addresses={
            row[0]: frozenset(zip(row[1], row[2], strict=True))
            for row in await rows("SELECT customer_id, array_agg(channel), array_agg(address) FROM crm.contact GROUP BY customer_id")
        },
        roles={
            row[0]: frozenset(Role(role) for role in row[1])
            for row in await rows("SELECT staff_id, array_agg(role) FROM staff.role_held GROUP BY staff_id ORDER BY staff_id")
        },
        devices=dict(await rows("SELECT name, id FROM cmdb.device")),
        tiers=dict(await rows("SELECT id, kind FROM cmdb.device")),
        device_addresses=frozenset(
            row[0] for row in await rows("SELECT host(management_address) FROM cmdb.device WHERE management_address IS NOT NULL")
        ),
    )
