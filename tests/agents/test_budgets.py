"""What a turn may cost is counted in Atlas before each call: beyond it no model is asked and no tool called."""

import uuid
from collections.abc import Callable

import pytest
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue

from agents.bounds import MOST_MODEL_CALLS, MOST_TOOL_CALLS
from agents.budgets import BudgetExhausted, Prices, Purse
from agents.checkpoints import KeptInAtlas
from agents.consultation import consultants
from agents.model import CircuitBreaker, Provider
from agents.replies import phrases
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Supervisor, answer
from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, customer, executor, staff, stranger
from forge.budgets import Expense, forget_runs, spend
from tests import given
from tests.agents.conftest import NOW, on
from tests.agents.provider import calls, says, scripted

MAYA = customer(CustomerId(1), Assurance.VERIFIED)
Make = Callable[[str], Supervisor]


def purse(atlas: Atlas, principal: Principal = MAYA, clock: Callable[[], float] = lambda: 0.0) -> Purse:
    return Purse(atlas, principal, uuid.uuid4(), clock)


async def allow(owner: given.Owner, scope: str, measure: str, most: int) -> None:
    await owner.execute("UPDATE actions.budget SET most = %s WHERE scope = %s AND measure = %s", (most, scope, measure))


async def spent(owner: given.Owner, scope: str, column: str) -> int:
    rows = await (await owner.execute("SELECT to_jsonb(spent) FROM actions.budget_spent AS spent WHERE scope = %s", (scope,))).fetchall()
    return sum(int(row[0][column]) for row in rows)


async def test_every_call_is_booked_for_the_run_the_person_and_the_operator(atlas: Atlas, owner: given.Owner) -> None:
    one = purse(atlas)

    await one.for_tool("balance")
    await one.for_model(1000, Prices(read=100, written=1000))

    for scope in ("run", "customer_day", "operator_day"):
        assert (await spent(owner, scope, "tool_calls"), await spent(owner, scope, "model_calls")) == (1, 1)
        assert await spent(owner, scope, "tokens") == 1800
        assert await spent(owner, scope, "micro_money") == 901


@pytest.mark.parametrize("scope", ["run", "customer_day", "operator_day"])
async def test_a_tool_beyond_a_budget_is_not_called_and_not_booked(atlas: Atlas, owner: given.Owner, scope: str) -> None:
    await allow(owner, scope, "tool_calls", 2)
    one = purse(atlas)
    for _ in range(2):
        await one.for_tool("balance")

    with pytest.raises(BudgetExhausted, match=scope.replace("_", " ")):
        await one.for_tool("balance")

    assert await spent(owner, "operator_day", "tool_calls") == 2


async def test_a_day_is_spent_by_all_runs_of_a_person_together(atlas: Atlas, owner: given.Owner) -> None:
    await allow(owner, "customer_day", "model_calls", 3)
    for _ in range(3):
        await purse(atlas).for_model(10, Prices())

    with pytest.raises(BudgetExhausted, match="model calls of customer day"):
        await purse(atlas).for_model(10, Prices())

    await purse(atlas, customer(CustomerId(2))).for_model(10, Prices())


async def test_strangers_share_a_day_and_staff_have_their_own(atlas: Atlas, owner: given.Owner) -> None:
    await allow(owner, "strangers_day", "tool_calls", 1)
    await purse(atlas, stranger()).for_tool("plans_on_sale")

    with pytest.raises(BudgetExhausted, match="strangers day"):
        await purse(atlas, stranger()).for_tool("plans_on_sale")

    await purse(atlas, staff(StaffId(1), "Anna Bell", frozenset())).for_tool("plans_on_sale")
    assert await spent(owner, "staff_day", "tool_calls") == 1


@pytest.mark.parametrize("tool", ["stop_messages", "hand_over"])
async def test_whoever_wants_no_more_or_a_person_is_heard_whatever_was_spent(atlas: Atlas, owner: given.Owner, tool: str) -> None:
    await allow(owner, "customer_day", "tool_calls", 1)
    one = purse(atlas)
    await one.for_tool("balance")

    await one.for_tool(tool)

    with pytest.raises(BudgetExhausted):
        await one.for_tool("balance")


async def test_the_time_between_calls_is_booked_and_runs_out(atlas: Atlas, owner: given.Owner) -> None:
    await allow(owner, "run", "milliseconds", 5000)
    ticks = iter([0.0, 3.0, 9.0])
    one = purse(atlas, clock=lambda: next(ticks))
    await one.for_tool("balance")

    with pytest.raises(BudgetExhausted, match="milliseconds of run"):
        await one.for_tool("balance")


async def test_nothing_is_ever_given_back(atlas: Atlas) -> None:
    with pytest.raises(InvalidParameterValue, match="never less than nothing"):
        async with atlas.transaction(executor("test")) as conn:
            await spend(conn, uuid.uuid4(), "customer_day", "customer:1", Expense(tool_calls=-1))


@pytest.mark.parametrize("who", [MAYA, staff(StaffId(1), "Anna Bell", frozenset())])
async def test_no_agents_own_connection_reaches_the_counters(atlas: Atlas, who: Principal) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(who) as conn:
            await spend(conn, uuid.uuid4(), "customer_day", "customer:1", Expense(tool_calls=1))


async def test_runs_of_days_ago_are_forgotten_and_days_are_not(atlas: Atlas, owner: given.Owner) -> None:
    await purse(atlas).for_tool("balance")
    await owner.execute("UPDATE actions.budget_spent SET day = day - 3")

    async with atlas.transaction(executor("test")) as conn:
        await forget_runs(conn)

    assert (await spent(owner, "run", "tool_calls"), await spent(owner, "customer_day", "tool_calls")) == (0, 1)


@pytest.fixture
def with_provider(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, members: dict[str, Member]) -> Make:
    def make(base_url: str) -> Supervisor:
        provider = Provider("key", base_url, timeout_s=5)
        return on(atlas, checkpoints, router, consultants(members, router, provider, CircuitBreaker(lambda: 0.0)))

    return make


async def test_a_used_up_budget_of_models_costs_nobody_the_answer(with_provider: Make, owner: given.Owner, maya: int) -> None:
    await allow(owner, "customer_day", "model_calls", 1)
    async with scripted(calls("explain_bill_change"), says("It is £6.20 dearer.")) as provider:
        words = "Why is my bill higher this month?"
        reply = await answer(with_provider(provider.base_url), customer(CustomerId(maya), Assurance.VERIFIED), uuid.uuid4(), words, NOW)

    assert len(provider.asked) == 1
    assert "£6.20 more" in reply.words


async def test_an_evening_of_two_hundred_turns_is_answered_to_its_end(atlas: Atlas, owner: given.Owner) -> None:
    """Each turn is a run of its own: three modules with a tool each, and two calls of a model that reads 5,000 tokens."""
    for _ in range(200):
        turn = purse(atlas)
        for _ in range(3):
            await turn.for_tool("balance")
        for _ in range(2):
            await turn.for_model(5_000, Prices())

    assert await spent(owner, "customer_day", "tool_calls") == 600


async def test_a_turn_that_goes_round_is_ended_long_before_the_day_is_spent(atlas: Atlas, owner: given.Owner) -> None:
    turn = purse(atlas)

    for _ in range(48):
        await turn.for_tool("balance")

    with pytest.raises(BudgetExhausted, match="tool calls of run"):
        await turn.for_tool("balance")
    assert await spent(owner, "customer_day", "tool_calls") == 48


async def test_two_turns_of_one_conversation_are_two_runs(with_provider: Make, maya: int, owner: given.Owner) -> None:
    thread = uuid.uuid4()
    async with scripted(says("I looked.")) as provider:
        for _ in range(2):
            await answer(
                with_provider(provider.base_url), customer(CustomerId(maya), Assurance.VERIFIED), thread, "How much do I owe?", NOW
            )

    runs = await (await owner.execute("SELECT count(*) FROM actions.budget_spent WHERE scope = 'run'")).fetchone()
    assert runs == (2,)


async def test_a_model_that_never_stops_asking_ends_its_turn_with_a_plain_sentence(with_provider: Make, maya: int) -> None:
    async with scripted(calls("balance")) as provider:
        who = customer(CustomerId(maya), Assurance.VERIFIED)
        reply = await answer(with_provider(provider.base_url), who, uuid.uuid4(), "How much do I owe?", NOW)

    assert len(provider.asked) == MOST_MODEL_CALLS
    assert reply.words == phrases("en")["out_of_order"]["customer"]
    assert reply.tools == ("balance",) * MOST_MODEL_CALLS


async def test_of_nine_tools_called_at_once_eight_answer_and_the_ninth_is_refused(with_provider: Make, maya: int) -> None:
    one = {"type": "function", "function": {"name": "balance", "arguments": "{}"}}
    nine = {"role": "assistant", "content": None, "tool_calls": [{"id": f"call_{at}", **one} for at in range(MOST_TOOL_CALLS + 1)]}
    async with scripted(nine, says("You owe nothing.")) as provider:
        who = customer(CustomerId(maya), Assurance.VERIFIED)
        reply = await answer(with_provider(provider.base_url), who, uuid.uuid4(), "How much do I owe?", NOW)

    failed = [use["failed"] for use in reply.trace["answers"][0]["tools"]]
    assert failed == [False] * MOST_TOOL_CALLS + [True]
    assert "8 calls of tools" in str(provider.asked[1]["messages"][-1]["content"])
