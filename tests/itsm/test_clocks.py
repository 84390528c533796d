"""The clock of a promise: it runs inside its calendar, stands still in a pause, and is never forgotten."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from atlas import principal
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import ConversationId, CustomerId, DeviceId, StaffId
from atlas.itsm.reads import clock_of, problems, tickets_of_incident
from atlas.itsm.records import Pause, Promise, TicketClock
from atlas.itsm.rules import OFFICE_HOURS, ClockNotPausable, due_at, elapsed, paused, promised_by
from atlas.principal import executor
from forge.actions.helpdesk.saying import HandOverToPerson
from forge.actions.itsm.clocks import KeepClock, PauseClock, ResumeClock
from forge.actions.itsm.incidents import OpenTickets, ResolveIncident
from forge.clock_watch import watch_clocks
from forge.matrix_in_force import put_in_force
from forge.problems import look_for_problems
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load
from tests import carried, given
from tests.asking import asking
from tests.given import NOW, Owner
from tests.itsm.plant import planted
from tests.itsm.test_actions import cut, opened, revised
from tools import itsm

MATRIX = Path(__file__).parents[2] / "governance" / "matrix.yaml"
FRIDAY_HALF_PAST_FOUR = datetime(2026, 1, 9, 16, 30, tzinfo=UTC)
MONDAY_HALF_PAST_NINE = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def pause(begins: datetime, ends: datetime | None, until: datetime | None = None) -> Pause:
    return Pause(1, 1, "customer", "a time", begins, until or (ends or begins) + DAY, ends, "" if ends is None else "replied")


def test_a_pause_over_the_weekend_moves_what_is_due_by_the_working_time_in_it() -> None:
    stood = pause(FRIDAY_HALF_PAST_FOUR, MONDAY_HALF_PAST_NINE)

    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, OFFICE_HOURS) == MONDAY_HALF_PAST_NINE
    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, OFFICE_HOURS, [stood]) == MONDAY_HALF_PAST_NINE + HOUR


def test_a_pause_outside_the_calendar_moves_nothing() -> None:
    night = pause(FRIDAY_HALF_PAST_FOUR + HOUR, FRIDAY_HALF_PAST_FOUR + 4 * HOUR)

    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, OFFICE_HOURS, [night]) == MONDAY_HALF_PAST_NINE


def test_a_pause_after_it_was_due_does_not_save_the_promise() -> None:
    late = pause(MONDAY_HALF_PAST_NINE + HOUR, MONDAY_HALF_PAST_NINE + 3 * HOUR)

    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, OFFICE_HOURS, [late]) == MONDAY_HALF_PAST_NINE


def test_a_pause_that_goes_on_counts_until_it_ends_at_the_latest() -> None:
    standing = pause(FRIDAY_HALF_PAST_FOUR, None, FRIDAY_HALF_PAST_FOUR + 3 * DAY)

    assert due_at(FRIDAY_HALF_PAST_FOUR, HOUR, None, [standing]) == FRIDAY_HALF_PAST_FOUR + 3 * DAY + HOUR


def test_of_several_promises_the_one_that_runs_out_first_by_its_own_calendar_counts() -> None:
    office, always = Promise(1, False), Promise(4, True)

    assert promised_by(FRIDAY_HALF_PAST_FOUR, [office, always]) == FRIDAY_HALF_PAST_FOUR + 4 * HOUR
    assert promised_by(FRIDAY_HALF_PAST_FOUR, []) is None


spans = st.lists(st.tuples(st.integers(0, 12_000), st.integers(1, 6_000)), max_size=4)


@over(st.integers(0, 10_000), st.integers(1, 100), spans, st.sampled_from([OFFICE_HOURS, None]))
def test_elapsed_and_paused_together_are_the_wall_time_inside_the_calendar(
    start: int, hours: int, drawn: list[tuple[int, int]], calendar: object
) -> None:
    since, clock, pauses = FRIDAY_HALF_PAST_FOUR + timedelta(minutes=start), FRIDAY_HALF_PAST_FOUR, []
    for gap, lasts in drawn:
        begins = clock + timedelta(minutes=gap)
        clock = begins + timedelta(minutes=lasts)
        pauses.append(pause(begins, clock))

    due = due_at(since, hours * HOUR, calendar, pauses)  # type: ignore[arg-type]

    wall = elapsed(since, due, calendar)  # type: ignore[arg-type]
    assert wall - paused(since, due, calendar, pauses) == hours * HOUR  # type: ignore[arg-type]


async def promised(owner: Owner, hours: int, *, always: bool, code: str = "fibre-100") -> None:
    """Everybody with this plan was promised so."""
    sla = await given.row(owner, "catalogue.sla", name=f"{code} in {hours}", repair_hours=hours, is_around_the_clock=always)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'in_test' WHERE code = %s", (code,))
    await owner.execute(
        "UPDATE catalogue.offering_version SET sla_id = %s FROM catalogue.offering WHERE offering.id = offering_id AND code = %s",
        (sla, code),
    )
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'launched' WHERE code = %s", (code,))


async def clock(atlas: Atlas, ticket: int) -> tuple[TicketClock, list[Pause]]:
    async with atlas.transaction(executor("tests")) as conn:
        return await clock_of(conn, ticket)


async def someone(owner: Owner) -> int:
    """A customer who was promised eight hours, day and night."""
    customer = await given.customer(owner)
    await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await promised(owner, 8, always=True)
    return customer


async def request(owner: Owner) -> int:
    """A ticket of somebody who was promised eight hours, opened just now."""
    asked = {"kind": "request", "customer_id": await someone(owner), "impact": 4, "urgency": 3, "title": "Wants a person: my line is slow"}
    times = {"opened_at": NOW, "due_at": NOW + 8 * HOUR}
    return await given.row(owner, "itsm.ticket", **asked, **times, action_id=await given.action(owner))


async def test_a_customers_ticket_is_due_by_what_their_plan_promises(atlas: Atlas, owner: Owner) -> None:
    customer = await someone(owner)
    spoken = await given.row(owner, "helpdesk.conversation", customer_id=customer, channel="sms", address="+447700900101")
    asked = HandOverToPerson(ConversationId(spoken), CustomerId(customer), 0, "my line is slow")

    found, _ = await clock(atlas, (await carried.out(atlas, asked, NOW))["ticket"])

    assert (found.promises, found.due_at) == ((Promise(8, True),), NOW + 8 * HOUR)


async def test_a_clock_that_was_paused_and_resumed_is_due_later_by_as_long(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)

    await carried.out(atlas, PauseClock(ticket, "1", "access", "the keys to the cellar"), NOW + HOUR)
    waiting, _ = await clock(atlas, ticket)
    await carried.out(atlas, ResumeClock(ticket, "1", "they are here"), NOW + 4 * HOUR)

    found, (stood,) = await clock(atlas, ticket)
    assert (waiting.state, found.state, found.due_at) == ("pending", "inProgress", NOW + 11 * HOUR)
    assert (stood.paused_at, stood.resumed_at, stood.resumed_because) == (NOW + HOUR, NOW + 4 * HOUR, "they are here")


async def test_a_clock_is_stopped_once_at_a_time_for_a_reason_and_only_while_it_runs(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)

    with pytest.raises(InvalidField, match="reason"):
        await carried.out(atlas, PauseClock(ticket, "1", "lunch", "a meal"), NOW)
    with pytest.raises(InvalidField, match="note"):
        await carried.out(atlas, PauseClock(ticket, "1", "access", "  "), NOW)
    with pytest.raises(ClockNotPausable, match="was running"):
        await carried.out(atlas, ResumeClock(ticket, "1", "now"), NOW)
    await carried.out(atlas, PauseClock(ticket, "1", "access", "keys"), NOW)
    with pytest.raises(ClockNotPausable, match="stands still already"):
        await carried.out(atlas, PauseClock(ticket, "2", "access", "keys"), NOW)


async def test_nothing_promised_is_no_clock_and_a_fault_waits_for_no_customer(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    incident = await opened(atlas, cut(plant))
    parent = (await carried.out(atlas, OpenTickets(incident), NOW))["parent"]

    with pytest.raises(ClockNotPausable, match="nothing was promised"):
        await carried.out(atlas, PauseClock(parent, "1", "access", "keys"), NOW)
    await promised(owner, 8, always=True)
    with pytest.raises(ClockNotPausable, match="of no single one"):
        await carried.out(atlas, PauseClock(parent, "1", "customer", "a time"), NOW)


async def test_a_change_of_sla_keeps_what_elapsed_and_what_was_paused(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await carried.out(atlas, PauseClock(ticket, "1", "access", "keys"), NOW + HOUR)
    await carried.out(atlas, ResumeClock(ticket, "1", "here"), NOW + 4 * HOUR)

    await promised(owner, 24, always=True)
    await carried.out(atlas, KeepClock(ticket, "1"), NOW + 5 * HOUR)

    assert (await clock(atlas, ticket))[0].due_at == NOW + 24 * HOUR + 3 * HOUR


async def test_a_priority_that_is_raised_after_a_long_pause_keeps_the_pause(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await carried.out(atlas, PauseClock(ticket, "1", "third_party", "the carrier"), NOW)
    await carried.out(atlas, ResumeClock(ticket, "1", "done"), NOW + 5 * DAY)

    await owner.execute("UPDATE itsm.ticket SET urgency = 1 WHERE id = %s", (ticket,))
    await carried.out(atlas, KeepClock(ticket, "1"), NOW + 5 * DAY)

    assert (await clock(atlas, ticket))[0].due_at == NOW + 5 * DAY + 8 * HOUR


async def test_what_was_counted_is_not_counted_otherwise_later(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await carried.out(atlas, PauseClock(ticket, "1", "access", "keys"), NOW)
    await carried.out(atlas, ResumeClock(ticket, "1", "here"), NOW + HOUR)

    with pytest.raises(Exception, match="ended, or is about something else"):
        await owner.execute("UPDATE itsm.pause SET resumed_at = resumed_at + interval '1 day'")


async def test_a_line_that_is_lost_later_with_a_shorter_promise_moves_the_time_that_is_due(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await promised(owner, 24, always=True)
    incident = await opened(atlas, cut(plant, devices=(DeviceId(plant.splitters[0]),)))
    await carried.out(atlas, OpenTickets(incident), NOW)
    office = await given.offering(owner, "office-1000", 9000)
    await promised(owner, 4, always=True, code="office-1000")
    await owner.execute("UPDATE crm.subscriber SET offering_version_id = %s WHERE id = %s", (office, plant.lines[plant.splitters[1]][0]))

    await carried.out(atlas, revised(plant, incident, 1, plant.splitters), NOW + HOUR)

    async with atlas.transaction(executor("tests")) as conn:
        dues = [one.due_at for one in await tickets_of_incident(conn, incident)]
    assert sorted(due for due in dues if due) == [NOW + 4 * HOUR, NOW + 4 * HOUR, NOW + 24 * HOUR]


async def test_promises_of_different_lines_are_never_mixed(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await promised(owner, 4, always=False)
    office = await given.offering(owner, "office-1000", 9000)
    await promised(owner, 24, always=True, code="office-1000")
    await owner.execute("UPDATE crm.subscriber SET offering_version_id = %s WHERE id = %s", (office, plant.lines[plant.splitters[0]][0]))
    incident = await opened(atlas, cut(plant))

    parent = (await carried.out(atlas, OpenTickets(incident), NOW))["parent"]

    found, _ = await clock(atlas, parent)
    assert found.promises == (Promise(4, False), Promise(24, True))
    assert found.due_at == min(due_at(NOW, 4 * HOUR, OFFICE_HOURS), NOW + 24 * HOUR)


async def house(atlas: Atlas) -> Forge:
    """Forge with the matrix of the house, as it is from here on."""
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    return Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: datetime.now(UTC), ZoneInfo("Europe/London"))


async def spoken_with(owner: Owner) -> None:
    """There is a conversation with the one customer there is."""
    (customer,) = await (await owner.execute("SELECT id FROM crm.customer")).fetchone() or (0,)
    await given.row(owner, "helpdesk.conversation", customer_id=customer, channel="sms", address="+447700900101")


async def waiting(owner: Owner, ticket: int, reason: str, ago: timedelta, until: timedelta) -> None:
    now = datetime.now(UTC)
    stands = {"ticket_id": ticket, "reason": reason, "note": "a time", "paused_at": now - ago, "until": now + until}
    await given.row(owner, "itsm.pause", **stands, action_id=await given.action(owner))
    await owner.execute("UPDATE itsm.ticket SET state = 'pending' WHERE id = %s", (ticket,))


async def test_the_customers_reply_starts_the_clock_at_the_moment_at_which_it_came(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await waiting(owner, ticket, "customer", 5 * HOUR, DAY)
    await spoken_with(owner)
    replied = datetime.now(UTC) - 2 * HOUR
    await owner.execute(
        "INSERT INTO helpdesk.message (conversation_id, customer_id, at, is_from_us, author, words)"
        " SELECT id, customer_id, %s, false, 'customer', 'Tuesday' FROM helpdesk.conversation",
        (replied,),
    )

    assert await watch_clocks(await house(atlas)) == 1

    found, (stood,) = await clock(atlas, ticket)
    assert (found.state, stood.resumed_at, stood.resumed_because) == ("inProgress", replied, "replied")


async def test_a_reply_ends_no_pause_that_waits_for_somebody_else(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await waiting(owner, ticket, "third_party", 5 * HOUR, DAY)
    await spoken_with(owner)
    await owner.execute(
        "INSERT INTO helpdesk.message (conversation_id, customer_id, at, is_from_us, author, words)"
        " SELECT id, customer_id, now(), false, 'customer', 'Well?' FROM helpdesk.conversation"
    )

    await watch_clocks(await house(atlas))

    assert (await clock(atlas, ticket))[1][0].resumed_at is None


async def test_a_pause_that_nobody_ends_has_a_limit_and_somebody_is_told(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await waiting(owner, ticket, "customer", 3 * DAY, -HOUR)

    forge = await house(atlas)
    await watch_clocks(forge)
    await look_for_problems(forge)

    _, (stood,) = await clock(atlas, ticket)
    async with atlas.transaction(executor("tests")) as conn:
        told = [one.title for one in await problems(conn)]
    assert (stood.resumed_at, stood.resumed_because) == (stood.until, "limit")
    assert told == [f"T-{ticket} waited for its customer as long as it may, its clock runs again"]


async def test_a_second_look_at_the_clocks_does_nothing(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await waiting(owner, ticket, "customer", 3 * DAY, -HOUR)

    forge = await house(atlas)
    assert (await watch_clocks(forge), await watch_clocks(forge)) == (1, 0)


async def test_what_was_promised_anew_counts_at_the_next_look(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await promised(owner, 24, always=True)

    await watch_clocks(await house(atlas))

    assert (await clock(atlas, ticket))[0].due_at == NOW + 24 * HOUR


async def test_the_pause_of_a_ticket_that_is_over_ends_with_it(atlas: Atlas, owner: Owner) -> None:
    plant = await planted(owner)
    await promised(owner, 8, always=True)
    incident = await opened(atlas, cut(plant))
    parent = (await carried.out(atlas, OpenTickets(incident), NOW))["parent"]
    await carried.out(atlas, PauseClock(parent, "1", "access", "keys"), NOW + HOUR)
    await carried.out(atlas, ResolveIncident(incident), NOW + 2 * HOUR)

    await watch_clocks(await house(atlas))

    found, (stood,) = await clock(atlas, parent)
    assert (found.state, stood.resumed_at, stood.resumed_because, found.due_at) == ("resolved", NOW + 2 * HOUR, "over", NOW + 9 * HOUR)


async def test_staff_are_shown_what_elapsed_what_was_paused_and_what_is_left(atlas: Atlas, owner: Owner) -> None:
    ticket = await request(owner)
    await carried.out(atlas, PauseClock(ticket, "1", "access", "the keys"), NOW + HOUR)
    cara = principal.staff(StaffId(await given.member(owner, "Cara Care", "customer_care")), "Cara Care", frozenset())

    async with asking(atlas, cara, NOW + 4 * HOUR) as (turn, proposed):
        shown = await itsm.show_ticket(turn, ticket)
        await itsm.resume_ticket(turn, ticket, "they came")
        with pytest.raises(ClockNotPausable):
            await itsm.pause_ticket(turn, ticket, "access", "again")

    assert (shown.elapsed_hours, shown.paused_hours, shown.left_hours, shown.waits_for) == (1.0, 3.0, 7.0, "access")
    assert [type(one) for one in proposed] == [ResumeClock]
