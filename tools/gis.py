"""What an agent may ask about places."""

from dataclasses import dataclass
from datetime import date

from atlas.catalogue.reads import eligible_offerings
from atlas.catalogue.records import Attainable, Eligible
from atlas.errors import InvalidField
from atlas.gis import reads
from atlas.gis.records import Area, Candidate, Hop, KnownAddress, LineArea, Planned, Position, Premise, Qualification
from atlas.gis.rules.positions import checked_position
from atlas.helpdesk.reads import own_conversation
from atlas.identity import PremiseId
from atlas.money import Money
from atlas.principal import Assurance, NotPermittedHere
from forge.actions.gis import CorrectPremisePosition, RecordLandlordConsent
from forge.actions.oms.signups import SignUp, checked_name
from forge.propose import Proposed
from tools.turn import Turn, needs


@dataclass(frozen=True)
class PlanThere:
    """A plan that can be had at an address; its price is a month, without tax."""

    code: str
    name: str
    monthly: Money
    down_kbps: int
    up_kbps: int


@dataclass(frozen=True)
class Serviceable:
    """Whether an address can be served. `which`: the addresses that may be meant, where it is not clear which; then nothing else is said.

    `answer` is yes, survey (somebody must look first), no, or unclear. Speeds are kbit/s. `after`: what must be settled before.
    `planned`: technologies that cannot be had there yet, where they come next, and when.
    """

    answer: str
    address: str
    technologies: tuple[str, ...]
    down_kbps: int
    up_kbps: int
    earliest_on: date | None
    plans: tuple[PlanThere, ...]
    after: tuple[str, ...]
    which: tuple[str, ...]
    planned: tuple[Planned, ...] = ()


@dataclass(frozen=True)
class Checked:
    """The whole answer for staff, with numbers: plant, ports, doubts, and why each plan can or cannot be had."""

    qualification: Qualification
    plans: tuple[Eligible, ...]


@needs(Assurance.UNKNOWN)
async def what_can_i_get(turn: Turn, address: str) -> Serviceable:
    """Whether an address can be served today, by what, how fast, from when, which home plans can be had there, and what is planned near.

    Only an address that is written in full (number, street, postcode) and is known is answered; otherwise `which` lists those that may
    be meant, and the caller is asked. Nothing is said of who lives there.
    """
    found = await reads.addresses_meant(turn.conn, address)
    exact = [one.premise for one in found if one.is_exact]
    if len(exact) != 1:
        return Serviceable("unclear", "", (), 0, 0, None, (), (), tuple(_in_words(one.premise) for one in found[:5]))
    checked = await _checked(turn, exact[0].id)
    answer = checked.qualification
    best = answer.best
    plans = tuple(
        PlanThere(each.terms.code, each.terms.name, each.terms.monthly, each.terms.down_kbps, each.terms.up_kbps)
        for each in checked.plans
        if each.is_eligible
    )
    down, up = (best.down_kbps, best.up_kbps) if best else (0, 0)
    found_there = (answer.answer, answer.address, answer.technologies, down, up, answer.earliest_on, plans, answer.preconditions)
    return Serviceable(*found_there, which=(), planned=answer.planned)


@needs(Assurance.UNKNOWN)
async def sign_up(turn: Turn, address: str, plan: str, called: str) -> Proposed:
    """Orders `plan` (its code or name) at an address for somebody who is no customer yet and is `called` so. First say what can be had.

    Answers with a reference, and whether it is ordered or waits for a person. They are reached where they write from. Fails where the
    address is not written in full, or the plan cannot be had there; and for customers, who order as themselves.
    """
    if turn.principal.customer_id is not None or turn.principal.staff_id is not None:
        raise NotPermittedHere("this is for somebody who is no customer yet")
    asks = await own_conversation(turn.conn)
    if asks is None:
        raise NotPermittedHere("this is for somebody who writes to us")
    found = [one.premise for one in await reads.addresses_meant(turn.conn, address) if one.is_exact]
    if len(found) != 1:
        raise InvalidField("address", "write it with number, street and postcode")
    there = (await _checked(turn, found[0].id)).plans
    terms = next(
        (each.terms for each in there if each.is_eligible and plan.casefold() in (each.terms.code.casefold(), each.terms.name.casefold())),
        None,
    )
    if terms is None:
        raise InvalidField("plan", f"there can be had: {', '.join(each.terms.name for each in there if each.is_eligible) or 'none'}")
    who = checked_name(called)
    action = SignUp(asks.conversation_id, who, found[0].id, terms.code, terms.offering_version_id, terms.monthly, turn.now.date())
    return await turn.propose(action, "somebody who is no customer yet orders a line")


def _in_words(premise: KnownAddress) -> str:
    return f"{premise.unit + ', ' if premise.unit else ''}{premise.number} {premise.street}, {premise.town} {premise.postcode}"


async def _checked(turn: Turn, premise_id: PremiseId) -> Checked:
    today = turn.now.date()
    found = await reads.qualification(turn.conn, premise_id, today)
    place = await reads.site(turn.conn, premise_id)
    there = [Attainable(option.technology, option.down_kbps, option.up_kbps) for option in found.options]
    return Checked(found, tuple(await eligible_offerings(turn.conn, today, place.kind, there, place.area_id)))


async def check_premise(turn: Turn, address: str) -> Checked:
    """Whether an address can be served, from plant as it is now: device, free ports, drop, light, doubts, each plan. For staff.

    Raises where the address may mean several premises, or none: find_premise says which there are.
    """
    turn.for_staff_only()
    found = await reads.premises_meant(turn.conn, address)
    exact = [one.premise.id for one in found if one.is_exact]
    if len(exact) != 1:
        raise InvalidField("address", f"it may mean {len(found)} premises: write number, street and postcode")
    return await _checked(turn, exact[0])


async def trace_premise(turn: Turn, address: str) -> list[list[Hop]]:
    """The way from an address up to its OLT, tower or CMTS, device by device: one way for each line or drop there. For staff."""
    turn.for_staff_only()
    found = [one.premise.id for one in await reads.premises_meant(turn.conn, address) if one.is_exact]
    if len(found) != 1:
        raise InvalidField("address", "write number, street and postcode of one premise")
    return await reads.way_up_from(turn.conn, found[0])


async def record_landlord_consent(turn: Turn, address: str, consent: str, reason: str) -> Proposed:
    """Writes down what the landlord of the building at this address said: `asked`, `given` or `refused`. Held orders go on. For staff.

    Fails where the address may mean several premises, or is in no building of several units.
    """
    turn.for_staff_only()
    found = [one.premise.id for one in await reads.premises_meant(turn.conn, address) if one.is_exact]
    if len(found) != 1:
        raise InvalidField("address", "write number, street and postcode of one premise")
    building = await reads.building_of(turn.conn, found[0])
    return await turn.propose(RecordLandlordConsent(building.id, building.consent, consent, reason), reason)


@needs(Assurance.VERIFIED)
async def area_of_my_line(turn: Turn) -> list[LineArea]:
    """The area, street and town of each line the customer has."""
    return await reads.areas_of_lines(turn.conn, turn.customer_id)


@needs(Assurance.UNKNOWN)
async def list_areas(turn: Turn) -> list[Area]:
    """Every area we serve, by name."""
    return await reads.areas(turn.conn)


async def find_premise(turn: Turn, address: str) -> list[Candidate[Premise]]:
    """The premises that an address may mean, the likeliest first, at most ten. For staff.

    Only one that `is_exact` may be taken as meant; of several, or none exact, ask which. An empty answer: we know no such address.
    """
    turn.for_staff_only()
    return await reads.premises_meant(turn.conn, address)


async def correct_premise_position(turn: Turn, premise_id: PremiseId, latitude: float, longitude: float) -> Proposed:
    """Asks to put a premise at the position where it was found to be, in degrees. For staff.

    Swapped, empty and far-off positions are refused with the reason.
    """
    turn.for_staff_only()
    known = await reads.premise(turn.conn, premise_id)
    found = checked_position(Position(latitude, longitude), near=known.position)
    action = CorrectPremisePosition(premise_id, known.position, found, known.customers)
    return await turn.propose(action, "a member of staff found the premise elsewhere")
