"""A town where lines can be ordered: ports, numbers and boxes enough, and a worker's round by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId, OrderId, PremiseId, StaffId
from atlas.oms.reads import case_of, offer
from atlas.oms.records import Case
from atlas.oms.rules import checked_offer
from atlas.principal import executor, staff
from forge.action import Action
from forge.actions.oms.orders import PlaceOrder
from forge.errands import Outside, run_errands
from forge.matrix_in_force import put_in_force
from forge.outside.ports import Never, Provisioner
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from forge.playbooks.activation import Desk, attend_orders
from forge.propose import Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from forge.sequences.advance import advance_due
from forge.sequences.kinds import KINDS
from governance.matrix import load
from tests import given
from tests.given import Owner

MATRIX = Path(__file__).parents[2] / "governance" / "matrix.yaml"
ME = executor("test")
BEGUN = timedelta(seconds=15)
POINT = {
    "technology": "fibre",
    "latitude": 50.7,
    "longitude": -3.5,
    "down_kbps": 1_000_000,
    "up_kbps": 1_000_000,
    "reach_m": 500,
    "split": 32,
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Town:
    forge: Forge
    owner: Owner
    provisioner: Provisioner
    desk: Desk

    async def ordered(self, key: str | None = None, premise: int | None = None, customer: int | None = None, **columns: Any) -> Proposed:
        customer = customer or await given.customer(self.owner, f"Person {uuid4().hex[:4]}", phone=f"+4477009{uuid4().int % 10**5:05d}")
        premise = premise or await self.premise()
        async with self.forge.atlas.transaction(ME) as conn:
            code = columns.pop("code", "fibre-100")
            found = checked_offer(await offer(conn, CustomerId(customer), PremiseId(premise), code, now().date()), code)
        action = PlaceOrder.of(found, columns.pop("wanted_on", now().date()), key or f"test-{uuid4()}", **columns)
        # As somebody who works here: what is tested is the order, not who may place it.
        return await self.asked(action)

    async def order(self, **columns: Any) -> OrderId:
        proposed = await self.ordered(**columns)
        assert proposed.outcome is not None, proposed
        return OrderId(proposed.outcome["order"])

    async def asked(self, action: Action) -> Proposed:
        found = await (await self.owner.execute("SELECT id FROM staff.member LIMIT 1")).fetchone()
        member = StaffId(found[0] if found else await given.member(self.owner, "Finn Desk", "customer_care"))
        who = staff(member, "Finn Desk", frozenset())
        return await propose(self.forge, who, action, reason="a test", correlation_id=CorrelationId(uuid4()))

    async def premise(self, *, has_drop: bool = True) -> int:
        """Where a drop is laid already, so that nobody has to come; unless not `has_drop`, or there is nothing to hang it from."""
        area = await given.area(self.owner)
        number = uuid4().hex[:6]
        where = {"street": "Quay Street", "town": "Harbour", "postcode": "HB1 1AA", "latitude": 50.7, "longitude": -3.5}
        made = await given.row(self.owner, "gis.premise", area_id=area, number=number, **where)
        if has_drop:
            laid = (
                "INSERT INTO gis.drop (premise_id, device_id, length_m, action_id) SELECT %s, min(device_id), 12, %s FROM gis.serving_point"
            )
            await self.owner.execute(f"{laid} HAVING count(*) > 0", (made, await given.action(self.owner)))
        return made

    async def round(self, times: int = 12) -> None:
        """What the worker does again and again, without its pauses."""
        outside = Outside(RecordedProber(self.forge.atlas), self.provisioner, RecordedPayments(self.forge.atlas))
        for _ in range(times):
            await attend_orders(self.forge, self.desk)
            await self.owner.execute("UPDATE actions.sequence SET next_at = now() WHERE state IN ('running', 'undoing')")
            moved = await advance_due(self.forge, KINDS)
            await run_errands(self.forge.atlas, outside, now, lease=timedelta(0))
            if not moved:
                return

    async def case(self, order: OrderId) -> Case:
        async with self.forge.atlas.transaction(ME) as conn:
            return await case_of(conn, order)

    async def held(self) -> dict[str, int]:
        """What is held of ports, numbers, boxes and places, by whomever."""
        asked = {
            "ports": "SELECT count(*) FROM gis.reservation WHERE ended_at IS NULL",
            "numbers": "SELECT count(*) FROM cmdb.allotment WHERE subscriber_id IS NOT NULL",
            "boxes": "SELECT count(*) FROM cmdb.asset WHERE subscriber_id IS NOT NULL",
            "lines": "SELECT count(*) FROM cmdb.access",
        }
        return {name: (await (await self.owner.execute(text)).fetchone() or (0,))[0] for name, text in asked.items()}


@dataclass
class Stubborn:
    """A network that will not do what it `refuses`, for as long as that stands."""

    recorded: RecordedProvisioner
    refuses: set[str] = field(default_factory=set)

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation in self.refuses:
            raise Never(f"the OLT refuses to {operation}")
        return await self.recorded.provision(key, operation, arguments)

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        return await self.recorded.find(key, operation, arguments)


async def town(atlas: Atlas, owner: Owner, *, splitters: int = 1, boxes: int = 8, addresses: str = "192.0.2.0/28") -> Town:
    """With a splitter of 32 ports, fourteen addresses and eight boxes."""
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), now, ZoneInfo("Europe/London"))
    await given.offering(owner)
    olt = await given.device(owner, "olt-1")
    for at in range(splitters):
        device = await given.device(owner, f"splitter-{at}", "splitter")
        await given.link(owner, olt, device, "distribution")
        await given.row(owner, "gis.serving_point", device_id=device, ports=32, **POINT)
    action = await given.action(owner)
    vrf = await given.row(owner, "cmdb.vrf", name="internet")
    places = {"first_place": 1, "last_place": 14, "next_place": 1}
    await given.row(
        owner, "cmdb.pool", name="v4", kind="address", vrf_id=vrf, network=addresses, block_length=32, action_id=action, **places
    )
    for at in range(boxes):
        await given.row(owner, "cmdb.asset", kind="ont", vendor="Huawei", model="EG8145", serial=f"HWTC0000{at:04X}", action_id=action)
    return Town(forge, owner, RecordedProvisioner(atlas), Desk())


async def splitter(owner: Owner) -> int:
    found = await (await owner.execute("SELECT id FROM cmdb.device WHERE kind = 'splitter'")).fetchone()
    assert found is not None
    return int(found[0])
