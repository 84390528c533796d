"""What an agent may ask of the catalogue."""

from atlas.catalogue import reads
from atlas.catalogue.records import OfferingPage, Plan
from atlas.catalogue.rules.offers import checked_on_sale, normalised_speed
from atlas.principal import Assurance
from forge.actions.catalogue import RetireOffering
from forge.propose import Proposed
from tools.turn import Turn, needs


@needs(Assurance.UNKNOWN)
async def show_plans(turn: Turn, at_least: str | None = None) -> list[Plan]:
    """The plans the customer could change to today, the cheapest first: price a month without tax, and speed in kbit/s.

    `at_least` leaves out what downloads slower: a speed as people write it, such as 1 Gbps or 500. Whoever is not verified is shown every
    plan on sale, for which of them suit the line says what the line is.
    """
    fewest_kbps = normalised_speed(at_least) if at_least else 0
    today = turn.now.date()
    plans = await (reads.plans_for(turn.conn, turn.customer_id, today) if turn.is_verified else reads.plans_on_sale(turn.conn, today))
    return [plan for plan in plans if plan.down_kbps >= fewest_kbps]


@needs(Assurance.UNKNOWN)
async def plans_on_sale(turn: Turn) -> list[Plan]:
    """Every plan on sale today, the cheapest first: price a month without tax, and speed in kbit/s."""
    return await reads.plans_on_sale(turn.conn, turn.now.date())


async def show_offering(turn: Turn, code: str) -> OfferingPage:
    """One offering by its code: every version ever sold with its prices, speeds and number of subscribers. For staff."""
    turn.for_staff_only()
    return await reads.offering_page(turn.conn, code)


async def retire_offering(turn: Turn, code: str) -> Proposed:
    """Asks to take an offering off sale; customers keep it. Answers with a reference, for a person must agree. For staff."""
    turn.for_staff_only()
    offering = await reads.offering(turn.conn, code)
    checked_on_sale(offering.code, offering.lifecycle_status)
    use = await reads.use_of_offering(turn.conn, offering.id)
    return await turn.propose(RetireOffering(offering.id, offering.code, use.customers), "a member of staff takes the offering off sale")
