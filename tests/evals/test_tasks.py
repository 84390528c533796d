"""Support tasks of others: the phone, the shop, the caller, what governance refuses, and one call of each kind from end to end."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection, conninfo, sql
from typer.testing import CliRunner

from agents.checkpoints import KeptInAtlas
from agents.embeddings import Encoder, local_encoder
from agents.model import Provider
from atlas import embedded
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor
from evals.cli import app
from evals.tasks import gate, playing
from evals.tasks.caller import UNDERSTOOD_NOT, Caller
from evals.tasks.commands import evenly
from evals.tasks.phone import BY_HAND, Phone
from evals.tasks.playing import Line, hand_of, line_on, play
from evals.tasks.procedure import Needed, Step, next_words, procedure
from evals.tasks.reports import as_json, by_kind
from evals.tasks.shop import Shop
from evals.tasks.task import DATA, Call, Criteria, Person, Task, tasks, text_of
from evals.tasks.town import ASSISTANT, USER, Town, failures
from tests.agents.provider import calls, says, scripted
from tests.conftest import SECRET

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="SKIPPED: shared/data/agent-tasks-telecom is not beside the checkout")

KINDS = {
    "mms_issue": "bad_wifi_calling|data_mode_off|data_usage_exceeded",
    "mobile_data_issue": "bad_vpn|data_saver_mode_on|user_abroad_roaming_disabled_on",
    "service_issue": "overdue_bill_suspension",
}
JOHN = "C1001"
LINE = "L1002"


def task_of(kind: str, faults: str) -> Task:
    return next(one for one in tasks() if one.kind == kind and "|".join(one.faults) == faults)


def suspended(*, contract_ended: bool) -> Shop:
    shop = Shop()
    shop.suspend_line_for_overdue_bill(JOHN, LINE, "B1", contract_ended)
    return shop


def why_refused(facts: Any) -> str:
    with pytest.raises(gate.NotAllowed) as refused:
        gate.allowed(facts)
    return refused.value.rule


def somebody(instructions: str = "You will consider the issue resolved only when speed test returns excellent internet speed.") -> Person:
    return Person("You mobile data is slow.", "You are John Smith. You are currently abroad in France.", instructions, "")


def with_phone(person: Person, *begins: str) -> tuple[Caller, Town]:
    town = Town.before((Call(USER, "set_user_info", {"name": "John Smith", "phone_number": "555-123-2002"}),))
    for function in begins:
        town.play(Call(USER, function, {}))
    return Caller(person, hand_of(town)), town


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return local_encoder()


@pytest.fixture(scope="module")
async def line(server: embedded.EmbeddedServer, template: str, encoder: Encoder) -> AsyncIterator[Line]:
    """As `line_for` makes one, on the tests' own server."""
    name = f"test_tasks_{uuid.uuid4().hex[:8]}"
    url = conninfo.make_conninfo(server.url_of("postgres"), dbname=name)
    async with await AsyncConnection.connect(server.url_of("postgres"), autocommit=True) as postgres:
        await postgres.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*map(sql.Identifier, (name, template))))
        async with (
            Atlas.open(url, SECRET, most=4) as atlas,
            KeptInAtlas.open(url, SECRET, most=4) as checkpoints,
            await AsyncConnection.connect(url, autocommit=True) as owner,
        ):
            yield await line_on(atlas, owner, checkpoints, encoder, 8)
        await postgres.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_function_that_the_tasks_name_is_there() -> None:
    calls = [call for one in tasks() for call in (*one.begins, *(each.call for each in (*one.criteria.assertions, *one.criteria.expected)))]
    owner = {USER: Phone, ASSISTANT: Shop}

    assert {call.function for call in calls if not hasattr(owner[call.side], call.function)} == set()
    assert {call.function for one in tasks() for call in (each.call for each in one.criteria.expected) if call.side == USER} <= set(BY_HAND)


def test_what_the_dataset_expects_to_be_done_ends_as_the_dataset_wants_it() -> None:
    for one in tasks():
        town = Town.before(one.begins)
        assert failures(town, one.criteria), one.title
        for expected in one.criteria.expected:
            town.does(expected.call.side, expected.call.function, **expected.call.arguments)

        assert failures(town, one.criteria) == [], one.title


def test_every_function_of_the_phone_that_the_manual_lists_is_done_by_hand() -> None:
    manual = text_of("tech_support_manual.md")
    listed = {found.split("**")[1] for found in manual.splitlines() if found[:1].isdigit() and "**" in found}

    assert len(listed) == 28
    assert listed - set(BY_HAND) == set()


def test_where_the_tasks_are_missing_that_is_said_and_nothing_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("evals.tasks.task.DATA", tmp_path)

    said = CliRunner().invoke(app, ["eval", "tasks"])

    assert said.exit_code == 0
    assert "SKIPPED: no tasks.json in shared/data/agent-tasks-telecom" in said.output


def test_a_sample_is_taken_from_the_whole_file() -> None:
    assert {one.kind for one in evenly(tasks(), 6)} == set(KINDS)


def test_a_line_is_resumed_only_once_every_overdue_bill_is_paid() -> None:
    shop = suspended(contract_ended=False)

    assert why_refused(gate.resumption(shop, JOHN, LINE, "customer:1")) == "resume-in-debt"
    shop.bill_was_paid("B1")
    assert gate.allowed(gate.resumption(shop, JOHN, LINE, "customer:1")).rule == "resume-after-payment"


def test_a_line_whose_contract_has_ended_is_not_resumed_whatever_was_paid() -> None:
    shop = suspended(contract_ended=True)
    shop.bill_was_paid("B1")

    assert why_refused(gate.resumption(shop, JOHN, LINE, "customer:1")) == "resume-out-of-contract"


def test_no_more_than_two_gigabytes_are_refuelled_in_all() -> None:
    shop = Shop()
    small = gate.refuel(shop, JOHN, LINE, 2.0, "customer:1")
    shop.refuel_data(JOHN, LINE, 2.0)

    assert (gate.allowed(small).rule, small.money) == ("refuel-small", Money("4.00"))
    assert why_refused(gate.refuel(shop, JOHN, LINE, 0.5, "customer:1")) == "refuel-too-much"


def test_only_an_overdue_bill_is_asked_for_and_only_one_at_a_time() -> None:
    shop = suspended(contract_ended=False)

    assert gate.allowed(gate.payment(shop, JOHN, "B1", "customer:1")).rule == "payment-of-an-overdue-bill"
    assert why_refused(gate.payment(shop, JOHN, "B1002", "customer:1")) == "payment-of-what-is-not-overdue"
    shop.send_payment_request(JOHN, "B1")
    shop.bill_of(JOHN, "B1002")["status"] = "Overdue"
    assert why_refused(gate.payment(shop, JOHN, "B1002", "customer:1")) == "payment-while-another-waits"


def test_an_agent_on_its_own_changes_no_line() -> None:
    assert why_refused(gate.roaming("agent:mobile")) == "several-at-once"


def test_a_caller_does_what_is_plainly_asked_and_says_what_the_phone_showed() -> None:
    caller, town = with_phone(somebody(), "turn_airplane_mode_on")

    said = caller.hears("Please turn off Airplane Mode, and then run a speed test.")

    assert [call.function for call in town.made] == ["check_network_status", "toggle_airplane_mode", "run_speed_test"]
    assert "Airplane Mode is now OFF" in said
    assert caller.is_content


def test_a_switch_that_stands_as_it_should_is_left_alone() -> None:
    caller, town = with_phone(somebody())

    caller.hears("Please turn mobile data on.")

    assert [call.function for call in town.made] == ["check_network_status"]


@pytest.mark.parametrize("words", ["I am sorry to hear that.", "About your mobile data: one moment.", "Is there anything else?"])
def test_a_caller_touches_nothing_that_nobody_asked_for(words: str) -> None:
    caller, town = with_phone(somebody())

    assert caller.hears(words) == UNDERSTOOD_NOT
    assert town.made == []


def test_a_caller_who_is_asked_where_they_are_says_what_they_know() -> None:
    caller, _ = with_phone(somebody())

    assert caller.hears("Are you travelling outside your usual service area?") == "I am currently abroad in France."


def test_nothing_is_done_to_a_phone_by_hand_that_is_no_function_of_a_phone() -> None:
    with pytest.raises(ValueError, match="by hand"):
        hand_of(Town())("set_user_location", abroad=False)


def test_a_locked_sim_card_is_for_a_person() -> None:
    topic, check = procedure()["topics"]["service"], procedure()["checks"]["sim"]

    with pytest.raises(Needed) as needed:
        next_words([f"{topic['about']} {check['ask']}"], Step("The SIM card is locked with a PIN code.", []))

    assert needed.value.tool == "hand_over"


def test_what_a_tool_refuses_is_for_a_person() -> None:
    topic, check = procedure()["topics"]["service"], procedure()["checks"]["suspension"]
    paid = {"status": "Suspended", "contract_has_ended": False, "bills": []}

    with pytest.raises(Needed) as needed:
        next_words([f"{topic['about']} {check['ask']}"], Step("I paid.", [paid, {"error": "could_not", "because": "in debt"}]))

    assert (needed.value.tool, needed.value.arguments) == ("hand_over", {"reason": "in debt"})


@pytest.mark.parametrize("kind", KINDS)
async def test_a_task_of_each_kind_is_played_to_its_end(line: Line, kind: str) -> None:
    played = await play(line, task_of(kind, KINDS[kind]))

    assert (played.failures, played.missing, played.ended) == ((), (), "content")
    assert by_kind([played])[kind]["passed"] == 1


async def test_what_cannot_be_mended_is_handed_to_a_person_by_forge(line: Line) -> None:
    played = await play(line, task_of("service_issue", "contract_end_suspension"))

    assert (played.failures, played.ended, played.turns[-1].tools) == ((), "transferred", ("my_line", "hand_over"))
    async with line.atlas.transaction(executor("tests")) as conn:
        done = await (await conn.execute("SELECT state, proposer FROM actions.action WHERE name = 'hand_over_to_person'")).fetchall()
    assert [(state, proposer.partition(":")[0]) for state, proposer in done] == [("done", "customer")]


async def test_neither_caller_nor_agent_is_told_how_a_task_is_judged(line: Line) -> None:
    wanted = task_of("mobile_data_issue", "data_saver_mode_on")
    blind = replace(wanted, criteria=Criteria((), (), counts_actions=False))

    judged, unjudged = await play(line, wanted), await play(line, blind)

    assert [turn.heard for turn in judged.turns] == [turn.heard for turn in unjudged.turns]
    assert [turn.words for turn in judged.turns] == [turn.words for turn in unjudged.turns]
    assert {one.name for one in fields(Person)} == {"reason", "known", "instructions", "manner"}
    for part in ("caller", "counter", "procedure", "gate", "phone", "shop"):
        words = Path(playing.__file__).with_name(f"{part}.py").read_text()
        assert "riteria" not in words
        assert "xpected(" not in words


async def test_what_a_providers_model_wants_against_the_policy_is_refused_by_governance(
    atlas: Atlas, owner: AsyncConnection[tuple[Any, ...]], database_url: str, encoder: Encoder
) -> None:
    at_once = (calls("resume_line"), calls("hand_over", reason="the line stays suspended"), says("A colleague takes over."))
    async with scripted(says("no form"), *at_once) as model, KeptInAtlas.open(database_url, SECRET, most=2) as checkpoints:
        line = await line_on(atlas, owner, checkpoints, encoder, 1, Provider("key", model.base_url, timeout_s=5))
        played = await play(line, task_of("service_issue", "overdue_bill_suspension"))

    assert (played.refused, played.ended) == (("resume-in-debt",), "transferred")
    assert "assert_service_status connected" in played.failures
    assert "may not be done: a line is resumed once every overdue bill is paid" in str(model.asked[2])
    assert "Telecom Agent Policy" in str(model.asked[1])
    assert not any(word in str(model.asked) for word in ("assert_", "env_assertion", "expected_status"))


async def test_a_task_that_fails_is_counted_as_failed(line: Line) -> None:
    wanted = task_of("service_issue", "airplane_mode_on")
    hopeless = replace(wanted, begins=(*wanted.begins, Call(USER, "lock_sim_card", {"mode": "puk"})))

    played = await play(line, hopeless)

    assert played.failures == ("assert_service_status connected",)
    assert as_json([played], "rules")["by_kind"]["all"]["passed"] == 0
