"""What must stand at any moment (DOMAIN.md section 4), asked as the owner: of the seeded ISP, and after every scenario."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql

from atlas.itsm.rules import OFFICE_HOURS, elapsed
from atlas.statements import Statements

SQL: Final = Statements(__file__)
SENTENCES: Final = (
    "an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa",
    "every_line_of_a_bill_has_its_version_of_the_catalogue_and_its_cause",
    "the_lines_of_a_bill_are_what_was_posted_and_the_ledger_is_zero",
    "the_bytes_of_an_issued_bill_never_change",
    "an_address_a_port_and_a_serial_belong_to_one_line_at_a_time",
    "an_alarm_is_in_one_open_situation_and_a_situation_has_an_alarm_or_an_operator",
    "only_who_is_affected_is_told_and_nobody_twice",
    "a_completed_order_has_its_line_and_one_that_ended_holds_nothing",
    "no_clock_of_a_ticket_runs_backwards",
    "what_was_credited_for_an_outage_is_at_most_a_month_and_once",
    "what_was_credited_for_an_outage_is_what_its_length_and_the_plan_come_to",
    "every_write_has_its_action_and_every_agents_an_allow",
    "no_truck_is_sent_into_an_open_outage_unless_somebody_said_why",
    "whoever_is_suspended_for_debt_has_no_credit_for_an_outage_and_is_not_asked_to_wait",
)
CLOCKS: Final = "no_clock_of_a_ticket_runs_backwards"
ALLOWED: Final = "every_write_has_its_action_and_every_agents_an_allow"
# Enough to see what it is about.
SHOWN: Final = 5


def broken(owner: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Each sentence that does not stand, with what breaks it; empty where all do."""
    found = {name: [str(row[0]) for row in owner.execute(SQL.text(name), {}).fetchmany(SHOWN)] for name in SENTENCES}
    found[CLOCKS] = [*found[CLOCKS], *unkept_time(owner)][:SHOWN]
    found[ALLOWED] = [*found[ALLOWED], *unallowed(owner)][:SHOWN]
    return {name.replace("_", " "): rows for name, rows in found.items() if rows}


def unkept_time(owner: psycopg.Connection[Any]) -> list[str]:
    """Tickets of which elapsed and paused time together are not the wall time inside the calendar until they are due.

    Until then the clock ran for just as long as one of its lines was promised; while the ticket is open, for no line longer.
    """
    broken_ones = []
    for ticket, is_over, since, due, hours, always, begun, ended in owner.execute(SQL.text("promises_of_tickets"), {}).fetchall():
        pauses = [*zip(begun, ended, strict=True)]
        left = [_left(since, due, *promise, pauses) for promise in zip(hours, always, strict=True) if promise[0] is not None]
        if timedelta(0) not in left or not (is_over or min(left) == timedelta(0)):
            broken_ones.append(f"ticket {ticket}: from {since} to {due} is no promise to one of its lines")
    return broken_ones


def _left(since: datetime, due: datetime, hours: int, always: bool, pauses: Sequence[tuple[datetime, datetime]]) -> timedelta:
    """How much of what was promised is left when it is due, counted as wall time inside the calendar without what was paused."""
    calendar = None if always else OFFICE_HOURS
    wall = elapsed(since, due, calendar)
    stood = sum((elapsed(max(since, begins), min(due, ends), calendar) for begins, ends in pauses), timedelta(0))
    return timedelta(hours=hours) - (wall - stood)


def unallowed(owner: psycopg.Connection[Any]) -> list[str]:
    """Rows of every table that only actions may write, whose action was neither allowed nor approved.

    Where a row may have no action at all it came with an import of the operator's own.
    """
    tables = [str(row[0]) for row in owner.execute(SQL.text("guarded_tables"), {}).fetchall()]
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL(
            "(SELECT {said} || ' is written by A-' || one.action_id FROM {table} AS one JOIN actions.action ON action.id = one.action_id"
            " WHERE action.rule IS NULL OR action.state NOT IN ('done', 'executing') LIMIT 1)"
        ).format(said=sql.Literal(table), table=sql.Identifier(*table.split(".")))
        for table in tables
    )
    return [str(row[0]) for row in owner.execute(asked).fetchall()]
