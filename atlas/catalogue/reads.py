"""Questions about what is sold. The catalogue is public, but for who uses an offering."""

from datetime import date

from atlas.catalogue.records import Offering, OfferingPage, OfferingUse, Plan, Price, PricedVersion, Reach, Version
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def plans_on_sale(conn: Connection, day: date) -> list[Plan]:
    """Every plan that may be ordered on `day`, the cheapest first."""
    return await SQL.all(conn, Plan, "plans_on_sale", day=day)


async def plans_for(conn: Connection, customer_id: CustomerId, day: date) -> list[Plan]:
    """The plans on sale that this customer could change to: of the technology at their lines and of their kind of customer."""
    within = {(reach.technology, reach.segment) for reach in await SQL.all(conn, Reach, "plans_within_reach", customer_id=customer_id)}
    return [plan for plan in await plans_on_sale(conn, day) if (plan.technology, plan.segment) in within]


async def offering(conn: Connection, code: str) -> Offering:
    """Raises NotFound."""
    found = await SQL.first(conn, Offering, "offering", code=code)
    if found is None:
        raise NotFound("offering", code)
    return found


async def offering_page(conn: Connection, code: str) -> OfferingPage:
    """One offering with all its versions and prices, the newest first. Raises NotFound."""
    one = await offering(conn, code)
    versions = await SQL.all(conn, Version, "versions", offering_id=one.id)
    priced = [PricedVersion(version, tuple(await SQL.all(conn, Price, "prices", offering_version_id=version.id))) for version in versions]
    return OfferingPage(one, tuple(priced))


async def use_of_offering(conn: Connection, offering_id: int) -> OfferingUse:
    """Who has it and who has ordered it; as a customer: only what is their own."""
    return await SQL.one(conn, OfferingUse, "use_of_offering", offering_id=offering_id)
