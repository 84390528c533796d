"""What can be done with the visit in which an order's last metres are laid: book it, move it, call it off, keep what was laid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from atlas.actions.writes import resume_sequence
from atlas.errors import Conflict, NotFound
from atlas.field_service.reads import engineer_shifts
from atlas.field_service.records import VisitPlace
from atlas.field_service.rules import BOOKABLE, LOCAL, SKILL_OF_TECHNOLOGY, visitor
from atlas.field_service.writes import cancel_visit, lock_dispatch, open_visit
from atlas.gis.reads import point_position, site
from atlas.gis.rules.positions import distance_m
from atlas.gis.writes import lay_drop
from atlas.helpdesk.writes import queue_order_notice
from atlas.identity import DeviceId
from atlas.oms.reads import case_of, is_asked_by_its_customer, to_tell, visit_of
from atlas.oms.records import Case, OrderVisit
from atlas.oms.rules import checked_movable
from atlas.oms.writes import keep_visit, move_dates
from atlas.statements import Connection
from forge.action import Action
from forge.actions.oms.orders import TIME_TO_GO_ON, ForOrder
from forge.wording import local_clock, local_day, worded
from governance.facts import Facts


@dataclass(frozen=True)
class ForVisit(ForOrder):
    """Something about the visit of one order."""

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, crews=1)


@dataclass(frozen=True)
class BookInstallation(ForVisit):
    """Send an engineer to lay an order's last metres, in a window that is free, and tell the customer. One that is booked already stays."""

    name: ClassVar[str] = "book_installation"

    window_from: datetime

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NoSuchSlot where nobody can come then."""
        await lock_dispatch(conn)
        known = await visit_of(conn, self.order)
        if known is not None and known.is_ahead:
            return _outcome(known)
        return await _booked(conn, await case_of(conn, self.order), self.window_from, now)


@dataclass(frozen=True)
class MoveInstallation(ForVisit):
    """Another window for the visit of an order. What follows the order moves with it, the day that was wanted only by their wish.

    An order that fell out because nobody came, or could, goes on. Customers move their own visit themselves until the evening before.
    """

    name: ClassVar[str] = "move_installation"

    window_from: datetime
    note: str
    is_their_wish: bool

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound for anybody else's order, Conflict where no visit is owed any more or the engineer is there already.

        NoSuchSlot where nobody can come then; TooLateToMove or InstallationUnderWay where it is no longer the customer's to move.
        """
        await lock_dispatch(conn)
        case, known = await case_of(conn, self.order), await visit_of(conn, self.order)
        if case.customer_id != self.customer:
            raise NotFound("order for a line", self.order)
        _refuse_settled(case, known)
        if await is_asked_by_its_customer(conn):
            checked_movable(known, now, LOCAL)
        if known is not None and known.is_ahead and not await cancel_visit(conn, known.job_id):
            raise Conflict(f"the engineer of visit {known.job_id} is on the way already")
        booked = await _booked(conn, case, self.window_from, now)
        day = self.window_from.astimezone(LOCAL).date()
        moved = await move_dates(conn, self.order, day, f"the visit is on {day}: {self.note}"[:300], is_own=self.is_their_wish, at=now)
        is_resumed = case.sequence_id is not None and await resume_sequence(conn, case.sequence_id, TIME_TO_GO_ON)
        return {**booked, "orders_moved": moved, "goes_on": is_resumed}


@dataclass(frozen=True)
class CallOffInstallation(ForVisit):
    """Call off the visit of an order that is taken back. Whoever is there already is not called away."""

    name: ClassVar[str] = "call_off_installation"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        known = await visit_of(conn, self.order)
        if known is None:
            return {"called_off": False}
        return {"job": known.job_id, "called_off": await cancel_visit(conn, known.job_id)}


@dataclass(frozen=True)
class RecordInstallation(ForOrder):
    """Keep that the last metres are laid: they stay with the premise, whoever lives there. `device` is what they hang from."""

    name: ClassVar[str] = "record_installation"

    device: DeviceId

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where no visit of this order was completed."""
        case, known = await case_of(conn, self.order), await visit_of(conn, self.order)
        if known is None or known.state != "completed":
            raise Conflict(f"nobody was there yet for order {self.order}")
        home, point = await site(conn, case.premise_id), await point_position(conn, self.device)
        length_m = round(distance_m(home.position, point))
        return {"job": known.job_id, "laid": await lay_drop(conn, case.premise_id, self.device, length_m, now), "length_m": length_m}


def _refuse_settled(case: Case, known: OrderVisit | None) -> None:
    if not case.needs_visit or case.is_past_return or case.sequence_state not in ("running", "fallen_out"):
        raise Conflict(f"order {case.order_id} waits for no visit")
    if known is not None and known.state == "completed":
        raise Conflict(f"visit {known.job_id} of order {case.order_id} was completed")


async def _booked(conn: Connection, case: Case, window_from: datetime, now: datetime) -> dict[str, Any]:
    """The new job, kept with its order, its customer told. Raises NoSuchSlot."""
    home, skill = await site(conn, case.premise_id), SKILL_OF_TECHNOLOGY[case.technology]
    place = VisitPlace(case.subscriber_id, case.premise_id, case.technology, home.area, home.latitude, home.longitude, None)
    chosen = visitor(await engineer_shifts(conn, skill, now, BOOKABLE + timedelta(days=1)), place, window_from, now)
    words = f"Lay the drop for order {case.order_id}, {case.plan}."
    job = await open_visit(conn, case.customer_id, place, kind="install", skill=skill, assignment=chosen, instructions=words, at=now)
    await keep_visit(conn, case.order_id, job)
    booked = OrderVisit(job, "acknowledged", chosen.window_from, chosen.window_until, chosen.engineer or "", "")
    return {**_outcome(booked), "told": await _told(conn, case, booked, now)}


async def _told(conn: Connection, case: Case, booked: OrderVisit, now: datetime) -> str | None:
    """Once for each booking; by which channel, None where the customer closed every way."""
    who = await to_tell(conn, case.order_id)
    if who is None:
        return None
    given = {
        "plan": who.plan,
        "order": str(case.order_id),
        "day": local_day(booked.window_from, who.timezone, who.language),
        "from": local_clock(booked.window_from, who.timezone),
        "until": local_clock(booked.window_until, who.timezone),
    }
    words, to = worded("order_visit", who.language, given), (who.channel, who.address)
    whose = (case.order_id, case.customer_id, "order_visit", to)
    await queue_order_notice(conn, *whose, who.language, words, now, about=str(booked.job_id))
    return who.channel


def _outcome(visit: OrderVisit) -> dict[str, Any]:
    return {
        "job": visit.job_id,
        "from": visit.window_from.isoformat(),
        "until": visit.window_until.isoformat(),
        "engineer": visit.engineer,
    }


ACTIONS: tuple[type[Action], ...] = (BookInstallation, MoveInstallation, CallOffInstallation, RecordInstallation)
