"""What an agent may ask of the catalogue."""

from dataclasses import dataclass
from datetime import date

from atlas.catalogue import reads
from atlas.catalogue.records import Defect, OfferingPage, Plan, PriceComponent, SimulatedChange
from atlas.catalogue.rules.offers import checked_on_sale, normalised_speed
from atlas.catalogue.rules.pricing import checked_amount
from atlas.errors import InvalidField
from atlas.money import DEFAULT_CURRENCY
from atlas.principal import Assurance
from forge.actions.catalogue import ChangePrice, MoveToCurrentPrice, RetireOffering
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


@dataclass(frozen=True)
class PlanIncludes:
    """What a plan on sale is: its speeds in kbit/s, contract, services, and every price with its discounts, tax as each price says."""

    plan: Plan
    services: tuple[str, ...]
    prices: tuple[PriceComponent, ...]


@needs(Assurance.UNKNOWN)
async def what_plan_includes(turn: Turn, plan: str) -> PlanIncludes:
    """What one plan on sale includes: speed, contract, services, prices with discounts and allowances. `plan`: its code or name.

    Fails where no plan of that name is on sale today.
    """
    wanted = plan.strip().lower()
    for known in await reads.plans_on_sale(turn.conn, turn.now.date()):
        if wanted in (known.code.lower(), known.name.lower()):
            made_of = await reads.decomposition_of(turn.conn, known.offering_version_id)
            return PlanIncludes(known, made_of.cfs, tuple(await reads.prices_of(turn.conn, known.offering_version_id)))
    raise InvalidField("plan", f"no plan called {plan[:60]!r} is on sale")


async def simulate_price(turn: Turn, code: str, monthly: str, wanted_on: date | None = None) -> SimulatedChange:
    """What moving everybody who has an offering to this price would do, from `wanted_on` or today. Changes nothing. For staff.

    `monthly` is the new amount of its one recurring price, as 31.50. Contracts in breach are those still bound that would pay more.
    """
    turn.for_staff_only()
    offering = await reads.offering(turn.conn, code)
    day = wanted_on or turn.now.date()
    amount = checked_amount(monthly, DEFAULT_CURRENCY, DEFAULT_CURRENCY, "monthly")
    label = await reads.recurring_label(turn.conn, offering.id, day)
    return await reads.simulated(turn.conn, offering.code, label, amount, day)


async def change_price(turn: Turn, code: str, monthly: str, wanted_on: date | None = None) -> Proposed:
    """Asks to sell an offering at another monthly price from `wanted_on` or today, as a new version; whoever has it keeps their price.

    `monthly` is the new amount of its one recurring price, as 31.50. Answers with a reference, for people must agree. For staff.
    """
    turn.for_staff_only()
    offering = await reads.offering(turn.conn, code)
    checked_on_sale(offering.code, offering.lifecycle_status)
    day = wanted_on or turn.now.date()
    amount = checked_amount(monthly, DEFAULT_CURRENCY, DEFAULT_CURRENCY, "monthly")
    label = await reads.recurring_label(turn.conn, offering.id, day)
    action = await ChangePrice.of(turn.conn, offering.code, label, amount, day, turn.now)
    return await turn.propose(action, "a member of staff sells it at another price")


async def move_to_current_price(turn: Turn, code: str) -> Proposed:
    """Asks to move whoever has an older version of a plan to today's price; who is bound and would pay more stays. For staff.

    Answers with a reference, for people must agree.
    """
    turn.for_staff_only()
    action = await MoveToCurrentPrice.of(turn.conn, code, turn.now.date())
    return await turn.propose(action, "a member of staff moves everybody to the version on sale")


async def lint_catalogue(turn: Turn) -> list[Defect]:
    """What is wrong with what is sold or had: no policy, no tax code, faster than the network, nothing behind it, no price. For staff."""
    turn.for_staff_only()
    return await reads.defects(turn.conn, turn.now.date())
