"""DOMAIN.md section 4 over the seeded ISP: every sentence stands, and each notices what breaks it."""

from typing import LiteralString

import psycopg
import pytest

from atlas.connection import Atlas
from evals.standing import SENTENCES, broken, unkept_time
from forge.leaks import look_at_all

# What breaks each sentence, as somebody with the owner's own hand could write it.
BREAKS: dict[str, LiteralString] = {
    "an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa": (
        "UPDATE billing.charge SET ends_on = starts_on, stopped_because = 'x' WHERE subscriber_id ="
        " (SELECT min(id) FROM crm.subscriber WHERE state = 'active')"
    ),
    "only_who_is_affected_is_told_and_nobody_twice": (
        "SET session_replication_role = replica;"
        " INSERT INTO helpdesk.notice (customer_id, incident_id, purpose, key, channel, address, language, template, words, action_id)"
        " SELECT id, 1, 'outage', 'k', 'sms', '+44', 'en', '', 'x', (SELECT min(id) FROM actions.action)"
        "  FROM crm.customer ORDER BY id LIMIT 1"
    ),
    "a_completed_order_has_its_line_and_one_that_ended_holds_nothing": (
        "SET session_replication_role = replica;"
        " INSERT INTO oms.product_order (customer_id, subscriber_id, kind, state, action_id)"
        " SELECT customer_id, id, 'add', 'failed', (SELECT min(id) FROM actions.action) FROM crm.subscriber ORDER BY id LIMIT 1;"
        " UPDATE crm.subscriber SET state = 'aborted' WHERE id = (SELECT min(id) FROM crm.subscriber)"
    ),
    "an_address_a_port_and_a_serial_belong_to_one_line_at_a_time": (
        "UPDATE cmdb.session SET framed_address = '192.0.2.1', ended_at = NULL WHERE subscriber_id IN"
        " (SELECT subscriber_id FROM cmdb.session ORDER BY subscriber_id LIMIT 2)"
    ),
    "the_bytes_of_an_issued_bill_never_change": "ALTER TABLE billing.invoice DISABLE TRIGGER is_final",
    "the_lines_of_a_bill_are_what_was_posted_and_the_ledger_is_zero": (
        "SET session_replication_role = replica; UPDATE billing.posting SET amount_minor = amount_minor + 1"
        " WHERE (journal_id, ledger_account) = (SELECT journal_id, ledger_account FROM billing.posting ORDER BY 1, 2 LIMIT 1)"
    ),
    "no_clock_of_a_ticket_runs_backwards": (
        "UPDATE itsm.ticket SET resolved_at = opened_at - interval '1 hour' WHERE id = (SELECT min(id) FROM itsm.ticket)"
    ),
    "every_write_has_its_action_and_every_agents_an_allow": "UPDATE actions.action SET rule = NULL WHERE name = 'import_history'",
    "every_line_of_a_bill_has_its_version_of_the_catalogue_and_its_cause": (
        "SET session_replication_role = replica;"
        " UPDATE billing.invoice_line SET cause = '' WHERE id = (SELECT min(id) FROM billing.invoice_line)"
    ),
    "whoever_is_suspended_for_debt_has_no_credit_for_an_outage_and_is_not_asked_to_wait": (
        "SET session_replication_role = replica;"
        " INSERT INTO billing.pause VALUES ((SELECT min(id) FROM crm.subscriber), current_date, NULL, 'non_payment');"
        " INSERT INTO billing.credit (customer_id, subscriber_id, cause, amount_minor, journal_id, formula, granted_at, action_id)"
        " SELECT customer_id, id, 'incident:1', 1, 0, 'x', now(), (SELECT min(id) FROM actions.action)"
        " FROM crm.subscriber ORDER BY id LIMIT 1"
    ),
    "what_was_credited_for_an_outage_is_at_most_a_month_and_once": (
        "SET session_replication_role = replica;"
        " INSERT INTO billing.credit (customer_id, subscriber_id, cause, amount_minor, journal_id, formula, granted_at, action_id)"
        " SELECT customer_id, id, 'incident:1', 10000000, 0, 'x', now(), (SELECT min(id) FROM actions.action)"
        " FROM crm.subscriber ORDER BY id LIMIT 1"
    ),
    "what_was_credited_for_an_outage_is_what_its_length_and_the_plan_come_to": (
        "SET session_replication_role = replica;"
        " INSERT INTO billing.credit (customer_id, subscriber_id, cause, amount_minor, journal_id, formula, granted_at, action_id)"
        " SELECT customer_id, id, 'incident:1', 1, 0, 'x', now(), (SELECT min(id) FROM actions.action)"
        " FROM crm.subscriber ORDER BY id LIMIT 1"
    ),
}


# The parts of one sentence, each by itself.
ALSO_BREAK: dict[str, tuple[str, LiteralString]] = {
    "an active line without a name to sign in with": (
        "an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa",
        "UPDATE cmdb.credential SET removed_at = now(), secret = NULL WHERE subscriber_id ="
        " (SELECT min(id) FROM crm.subscriber WHERE state = 'active')",
    ),
    "a line charged for another version than it has": (
        "an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa",
        "UPDATE crm.subscriber SET offering_version_id ="
        " (SELECT min(policy.offering_version_id) FROM catalogue.access_policy AS policy"
        "   WHERE policy.offering_version_id <> subscriber.offering_version_id)"
        " WHERE id = (SELECT min(id) FROM crm.subscriber WHERE state = 'active')",
    ),
    "a charge for a line that is no more": (
        "an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa",
        "SET session_replication_role = replica; UPDATE crm.subscriber SET state = 'terminated'"
        " WHERE id = (SELECT min(id) FROM crm.subscriber WHERE state = 'active')",
    ),
    "a completed order for a line that nobody ever saw": (
        "a_completed_order_has_its_line_and_one_that_ended_holds_nothing",
        "SET session_replication_role = replica;"
        " INSERT INTO oms.product_order (customer_id, subscriber_id, kind, state, action_id)"
        " SELECT customer_id, id, 'add', 'completed', (SELECT min(id) FROM actions.action)"
        "  FROM crm.subscriber WHERE state = 'active' ORDER BY id LIMIT 1;"
        " DELETE FROM cmdb.session WHERE subscriber_id = (SELECT min(id) FROM crm.subscriber WHERE state = 'active');"
        " UPDATE billing.charge SET evidence = 'hearsay'"
        "  WHERE subscriber_id = (SELECT min(id) FROM crm.subscriber WHERE state = 'active')",
    ),
    "somebody who lost their line and was not told with the rest": (
        "only_who_is_affected_is_told_and_nobody_twice",
        "SET session_replication_role = replica;"
        " INSERT INTO actions.action (name, arguments, digest, facts, operation_key, proposer, state, correlation_id, incident_id,"
        "  reason, finished_at)"
        " SELECT name, '{}', '', '{}', name, 'system:x', 'done', gen_random_uuid(), incident, 'x', now() + later"
        "  FROM (VALUES ('open_incident', NULL::bigint, interval '0'), ('notify_outage', 999, interval '1 minute'))"
        "   AS one (name, incident, later);"
        " INSERT INTO itsm.incident (id, cause, is_outage, confidence, hypotheses, first_alarm_at, correlation_id, action_id)"
        " SELECT 999, 'feeder', true, 1, '[]', now(), gen_random_uuid(), id FROM actions.action WHERE operation_key = 'open_incident';"
        " INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, action_id)"
        " SELECT 999, (SELECT min(subscriber.id) FROM crm.subscriber JOIN crm.customer ON customer.id = customer_id"
        "  WHERE subscriber.state = 'active' AND customer.state = 'active'"
        "  AND NOT EXISTS (SELECT FROM crm.consent WHERE consent.customer_id = customer.id)), now(), id"
        " FROM actions.action WHERE operation_key = 'open_incident'",
    ),
    "a clock of a ticket that runs for another time than was promised": (
        "no_clock_of_a_ticket_runs_backwards",
        "UPDATE itsm.ticket SET due_at = due_at + interval '1 minute'"
        " WHERE id = (SELECT min(id) FROM itsm.ticket WHERE due_at IS NOT NULL)",
    ),
    "a row whose action nobody allowed": (
        "every_write_has_its_action_and_every_agents_an_allow",
        "SET session_replication_role = replica;"
        " INSERT INTO actions.action (name, arguments, digest, facts, operation_key, proposer, state, correlation_id, reason)"
        " VALUES ('x', '{}', '', '{}', 'x', 'agent:x', 'waiting', gen_random_uuid(), 'x');"
        " UPDATE billing.charge SET action_id = (SELECT id FROM actions.action WHERE name = 'x')"
        "  WHERE id = (SELECT min(id) FROM billing.charge)",
    ),
}


def found(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as owner:
        return broken(owner)


def test_every_sentence_of_the_house_stands_in_the_seeded_isp(harbour: Atlas) -> None:
    assert found(harbour.url) == {}


@pytest.mark.parametrize("sentence", BREAKS)
def test_a_sentence_notices_what_breaks_it(harbour: Atlas, sentence: str) -> None:
    assert sentence in SENTENCES
    with psycopg.connect(harbour.url) as owner:
        owner.execute(BREAKS[sentence])
        assert sentence.replace("_", " ") in broken(owner)
        owner.rollback()


def test_sla_elapsed_plus_paused_is_the_wall_time_inside_the_calendar_of_every_ticket_that_was_promised_something(harbour: Atlas) -> None:
    with psycopg.connect(harbour.url) as owner:
        promised = owner.execute("SELECT count(*) FROM itsm.ticket WHERE due_at IS NOT NULL").fetchone()
        assert (unkept_time(owner), promised > (0,) if promised else None) == ([], True)


FASTER = (
    "SELECT count(*) FROM cmdb.observed_profile AS seen JOIN crm.subscriber ON subscriber.id = seen.subscriber_id"
    " JOIN catalogue.offering_version AS sold ON sold.id = subscriber.offering_version_id WHERE seen.down_kbps > sold.down_kbps"
)


async def test_the_seeded_isp_leaks_at_the_lines_that_are_faster_than_what_was_sold_and_nowhere_else(harbour: Atlas) -> None:
    with psycopg.connect(harbour.url) as owner:
        (faster,) = owner.execute(FASTER).fetchone() or (0,)

    found = (await look_at_all(harbour)).found

    assert (found, faster > 0) == (faster, True)


@pytest.mark.parametrize("part", ALSO_BREAK)
def test_every_part_of_a_sentence_is_noticed_by_itself(harbour: Atlas, part: str) -> None:
    sentence, breaks = ALSO_BREAK[part]
    with psycopg.connect(harbour.url) as owner:
        owner.execute(breaks)
        assert sentence.replace("_", " ") in broken(owner)
        owner.rollback()
