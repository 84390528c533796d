"""A home with a line that works, and add-ons that it could have."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from atlas.connection import Atlas
from atlas.identity import CustomerId, OrderId, SubscriberId
from forge.actions.oms.add_ons import OrderAddOn, OrderEndOfAddOn, held_add_on, new_add_on
from forge.propose import Proposed
from tests import given
from tests.given import Owner
from tests.oms.signups import ME, Town, now, town


@dataclass
class Home:
    town: Town
    customer: CustomerId
    line: SubscriberId

    @property
    def owner(self) -> Owner:
        return self.town.owner

    async def asked(self, code: str) -> Proposed:
        """An order for the add-on, as somebody who works here gives it."""
        async with self.town.forge.atlas.transaction(ME) as conn:
            one = await new_add_on(conn, self.customer, code, now().date(), self.line)
        return await self.town.asked(OrderAddOn.of(one, now().date()))

    async def order(self, code: str) -> OrderId:
        return ordered(await self.asked(code))

    async def end(self, code: str) -> OrderId:
        async with self.town.forge.atlas.transaction(ME) as conn:
            one = await held_add_on(conn, self.customer, code, now().date(), self.line)
        return ordered(await self.town.asked(OrderEndOfAddOn.of(one, now().date())))

    async def had(self, code: str) -> OrderId:
        """The add-on, ordered and begun."""
        order = await self.order(code)
        await self.town.round()
        return order

    async def held(self) -> list[str]:
        return [str(one[0]) for one in await self.rows(HELD)]

    async def charged(self) -> list[tuple[str, date, date | None]]:
        """The add-ons that are or were charged: code, first day, end."""
        return await self.rows(CHARGED)

    async def answered(self) -> dict[str, str]:
        """What RADIUS answers for the line."""
        found = await self.rows("SELECT attribute, value FROM radius.radreply((SELECT min(username) FROM cmdb.credential), '')")
        return dict(found)

    async def rows(self, asked: str) -> list[Any]:
        return list(await (await self.owner.execute(asked)).fetchall())


HELD = (
    "SELECT offering.code FROM catalogue.add_on_held AS held"
    " JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id"
    " JOIN catalogue.offering ON offering.id = version.offering_id WHERE held.held_until IS NULL ORDER BY offering.code"
)
CHARGED = (
    "SELECT offering.code, charge.starts_on, charge.ends_on FROM billing.charge"
    " JOIN catalogue.offering_version AS version ON version.id = charge.offering_version_id"
    " JOIN catalogue.offering ON offering.id = version.offering_id WHERE charge.is_add_on ORDER BY charge.id"
)


def ordered(proposed: Proposed) -> OrderId:
    assert proposed.outcome is not None, proposed
    return OrderId(proposed.outcome["order"])


async def add_on(owner: Owner, code: str, monthly_minor: int = 500, service: str = "voice", **columns: Any) -> int:
    """An add-on on sale, with one recurring price; the version's id. `columns` are the offering's."""
    columns = {"technology": "any", "segment": "residential", "category": "add_on", "lifecycle_status": "in_test", **columns}
    offered = await given.row(owner, "catalogue.offering", code=code, name=code.replace("-", " ").title(), **columns)
    version = await given.row(owner, "catalogue.offering_version", offering_id=offered, valid_from=date(2025, 1, 1), down_kbps=1, up_kbps=1)
    await given.row(owner, "catalogue.price", offering_version_id=version, kind="recurring", label=code, amount_minor=monthly_minor)
    served = (
        "INSERT INTO catalogue.offered_service (offering_version_id, cfs_id) SELECT %s, id FROM catalogue.specification WHERE code = %s"
    )
    await owner.execute(served, (version, service))
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'launched' WHERE id = %s", (offered,))
    return version


async def related(owner: Owner, code: str, kind: str, other: str) -> None:
    relation = "INSERT INTO catalogue.relation (offering_id, kind, other_id) SELECT one.id, %s, other.id FROM catalogue.offering AS one"
    await owner.execute(f"{relation} JOIN catalogue.offering AS other ON (one.code, other.code) = (%s, %s)", (kind, code, other))


async def static_addresses(owner: Owner, places: int = 6) -> None:
    """A pool of addresses for whoever has an add-on that brings one."""
    (vrf,) = await (await owner.execute("SELECT id FROM cmdb.vrf")).fetchone() or (0,)
    named = {"name": "static", "kind": "address", "mode": "static", "serves": "static", "vrf_id": vrf, "network": "198.51.100.0/29"}
    kept = {"block_length": 32, "first_place": 1, "last_place": places, "next_place": 1, "action_id": await given.action(owner)}
    await given.row(owner, "cmdb.pool", **named, **kept)


async def fixed_address(owner: Owner, places: int = 6) -> int:
    """The add-on that brings an address of its own; the version's id."""
    await static_addresses(owner, places)
    version = await add_on(owner, "static-ip", service="static_address")
    # As its owner makes it, before it was ever on sale.
    policy = "INSERT INTO catalogue.access_policy (offering_version_id, rate_limit, address_pool) VALUES (%s, '', 'static')"
    await owner.execute(policy, (version,))
    return version


async def home(atlas: Atlas, owner: Owner) -> Home:
    place = await town(atlas, owner)
    order = await place.order()
    await place.round()
    case = await place.case(order)
    assert case.line_state == "active"
    return Home(place, case.customer_id, case.subscriber_id)
