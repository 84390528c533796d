"""What holds in Atlas whenever nothing is under way, a sentence each; the statement beside it finds what breaks it."""

from typing import Final

from atlas.statements import Statements
from evals.campaign.stage import owner_rows

SQL: Final = Statements(__file__)
SENTENCES: Final = (
    "every_notice_has_reached_its_end",
    "no_notice_waits_for_a_clock_that_was_wrong",
    "every_errand_is_run",
    "no_recorded_message_was_handed_over_twice",
    "no_action_is_stuck",
    "no_request_was_carried_out_without_its_approvals",
    "every_credit_was_given_once_and_by_an_action_that_is_done",
    "every_incident_is_closed",
    "whoever_heard_of_an_outage_heard_that_it_was_over",
    "no_ticket_of_a_closed_incident_is_open",
    "no_job_is_older_than_its_lease",
    "the_ledger_sums_to_zero",
    "nobody_was_asked_about_one_message_twice",
    "every_sequence_is_done_or_compensated",
    "every_message_is_answered_or_a_persons",
)


def broken_in_atlas(url: str) -> dict[str, list[str]]:
    """Each sentence, and whatever breaks it; as the owner sees it."""
    return {name.replace("_", " "): [str(row[0]) for row in owner_rows(url, SQL.text(name))] for name in SENTENCES}
