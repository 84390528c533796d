"""The one rule for what leaves the house, and proof that nothing leaves past it."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

import pytest

from atlas.identity import NoticeId
from forge.may_send import PURPOSE_OF, ErrandStanding, Limit, May, NoticeStanding, may_send

ROOT: Final = Path(__file__).parents[2]
NIGHT: Final = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
FREE: Final = NoticeStanding(
    id=NoticeId(1),
    purpose="outage",
    channel="sms",
    template="outage.en",
    customer_state="active",
    timezone="Europe/London",
    quiet_from=time(22),
    quiet_until=time(7),
    agreed=(),
    declined=(),
    last_wrote_at=None,
    is_told=False,
    is_being_told=False,
    stopped_because=None,
    now=NIGHT,
)


def test_a_text_about_a_fault_goes_at_night() -> None:
    assert may_send(FREE).may is May.SEND


def test_a_call_about_a_fault_waits_for_the_end_of_their_quiet_hours() -> None:
    permit = may_send(replace(FREE, channel="voice"))

    assert (permit.may, permit.after) == (May.LATER, timedelta(hours=7, minutes=30))


def test_quiet_hours_are_those_of_where_the_customer_lives() -> None:
    in_los_angeles = replace(FREE, purpose="credit", timezone="America/Los_Angeles")

    assert (may_send(replace(FREE, purpose="credit")).may, may_send(in_los_angeles).may) == (May.LATER, May.SEND)


@pytest.mark.parametrize(("purpose", "declined"), [("outage", "service"), ("restored", "service"), ("credit", "billing")])
def test_a_channel_that_they_declined_for_this_purpose_is_not_used_for_it(purpose: str, declined: str) -> None:
    assert may_send(replace(FREE, purpose=purpose, declined=(declined,), quiet_from=None)).may is May.NOT_HERE


def test_to_decline_bills_is_not_to_decline_faults() -> None:
    assert may_send(replace(FREE, declined=("billing",))).may is May.SEND


def test_nobody_is_sold_anything_who_did_not_agree_to_it() -> None:
    offer = replace(FREE, purpose="marketing", quiet_from=None)

    assert (may_send(offer).may, may_send(replace(offer, agreed=("marketing",))).may) == (May.NOT_HERE, May.SEND)


def test_nobody_who_died_is_sent_a_bill() -> None:
    assert may_send(replace(FREE, purpose="credit", customer_state="deceased")).may is May.NEVER


def test_a_purpose_that_nobody_was_asked_about_never_leaves() -> None:
    assert may_send(replace(FREE, purpose="survey")).may is May.NEVER


def test_whatsapp_takes_free_words_within_a_day_of_their_own_and_a_template_after_it() -> None:
    wrote = replace(FREE, channel="whatsapp", last_wrote_at=NIGHT - timedelta(hours=24))
    late = replace(wrote, now=NIGHT + timedelta(seconds=1))

    assert [may_send(one).as_template for one in (wrote, late)] == [False, True]


def test_a_reply_by_whatsapp_after_a_day_has_no_template_and_does_not_go() -> None:
    late = replace(FREE, channel="whatsapp", purpose="reply", template="", last_wrote_at=NIGHT - timedelta(days=2))

    assert may_send(late).may is May.NOT_HERE


def test_an_answer_needs_no_consent_and_no_hour() -> None:
    asked = replace(FREE, purpose="reply", channel="sms", declined=("service", "billing"), is_told=True)

    assert may_send(asked).may is May.SEND


def test_the_same_words_are_not_sent_to_one_address_twice() -> None:
    assert (may_send(replace(FREE, is_told=True)).may, may_send(replace(FREE, is_being_told=True)).may) == (May.TOLD, May.LATER)


def test_what_is_switched_off_waits_whatever_else_is_true() -> None:
    stopped = "wrong words went out"

    assert may_send(replace(FREE, purpose="reply", stopped_because=stopped)).may is May.LATER
    assert may_send(ErrandStanding(1, stopped)).may is May.LATER
    assert may_send(ErrandStanding(1, None)).may is May.SEND


def test_what_is_over_the_limit_waits_until_the_first_of_them_is_a_day_old() -> None:
    late = replace(FREE, purpose="order_late", counted_at=tuple(NIGHT - timedelta(hours=one) for one in (1, 2, 20)))

    permit = may_send(late, Limit(3))

    assert (permit.may, permit.after) == (May.LATER, timedelta(hours=4))
    assert [may_send(late, limit).may for limit in (Limit(4), Limit(0))] == [May.SEND, May.SEND]


@pytest.mark.parametrize("purpose", ["reply", "alarm", "outage", "restored", "order_visit"])
def test_answers_alarms_faults_and_visits_are_not_counted(purpose: str) -> None:
    assert may_send(replace(FREE, purpose=purpose, counted_at=(NIGHT,) * 9), Limit(1)).may is May.SEND


# What goes out as the answer to somebody who asked for it.
ANSWERS: Final = {"one_time_code", "taken_over", "handed_back", "bill_copy"}


def test_every_notice_there_is_has_a_purpose_that_customers_are_asked_about() -> None:
    named = {path.name.split(".")[0] for path in (ROOT / "prompts" / "notices").glob("*.txt")} - {
        "causes",
        "requests",
        "subjects",
        *ANSWERS,
    }
    # How a ruling ended is in the template's name, and one purpose to whoever hears of it.
    written = {"ruling" if name.startswith("ruling_") else name for name in named}

    assert written <= PURPOSE_OF.keys()


# Whoever hands something to the world outside, by the port's own words; each asks may_send first.
SENDERS: Final = {
    "forge/outbox.py": {"messenger.send"},
    "forge/errands.py": {"prober.probe", "provisioner.provision", "payments.refund"},
    # Hands what is no RADIUS on to the adapter behind it: asked by the errands.
    "forge/outside/radius.py": {"self.otherwise.provision"},
    # One messenger made of several: it is asked by the outbox.
    "forge/outside/carriers.py": {"self._carrier(message).send"},
    # Puts the digits into what the outbox hands on.
    "forge/outside/codes.py": {"self.carrier.send"},
    # Not a word of ours: a browser is sent to the house that vouches for its user.
    "console/sign_in.py": {"oidc.send"},
}
# Whoever can reach beyond this house at all, from where things are done: the adapters of the ports, and the house that vouches.
REACHES_OUT: Final = {
    "forge/outside/stripe.py": {"httpx"},
    "forge/outside/twilio.py": {"httpx", "twilio"},
    "forge/outside/smtp.py": {"smtplib"},
    "forge/outside/snmp.py": {"pysnmp"},
    "forge/outside/radius.py": {"pyrad"},
    "forge/sign_in/oidc.py": {"authlib"},
}
CLIENTS: Final = {"httpx", "twilio", "requests", "aiohttp", "smtplib", "urllib3", "pysnmp", "pyrad", "authlib"}
FOLDERS: Final = ("atlas", "cortex", "governance", "forge", "tools")
PORT_CALLS: Final = {"send", "probe", "provision", "refund"}


def product(folders: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def port_calls(tree: ast.Module) -> set[str]:
    calls = [one.func for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    called = [call for call in calls if call.attr in PORT_CALLS]
    return {ast.unparse(call).removeprefix("outside.") for call in called}


def clients(tree: ast.Module) -> set[str]:
    names = [alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names]
    names += [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    return {name.split(".")[0] for name in names} & CLIENTS


def test_only_those_who_ask_may_send_hand_anything_to_the_world_outside() -> None:
    found = {name: calls for name, tree in product((*FOLDERS, "agents", "console", "api")) if (calls := port_calls(tree))}

    assert found == SENDERS


def test_only_a_few_files_can_reach_beyond_the_house() -> None:
    found = {name: used for name, tree in product(FOLDERS) if (used := clients(tree))}

    assert found == REACHES_OUT


@pytest.mark.parametrize(("sender", "asks"), [("forge/outbox.py", "permits"), ("forge/errands.py", "errand_permits")])
def test_each_sender_takes_its_permits_where_it_takes_its_lease(sender: str, asks: str) -> None:
    tree = ast.parse((ROOT / sender).read_text())
    leasing = next(one for one in tree.body if isinstance(one, ast.AsyncFunctionDef) and one.name == "_leased")

    assert asks in {ast.unparse(call.func) for call in ast.walk(leasing) if isinstance(call, ast.Call)}


def test_an_alarm_to_colleagues_leaves_at_any_hour_whatever_anybody_declined() -> None:
    at_night = replace(FREE, purpose="alarm", channel="voice", declined=("service",), customer_state="", is_told=True)

    assert may_send(at_night).may is May.SEND
