"""A colleague's question in the console is answered by the same agents, with staff's tools and in the colleague's own name."""

from uuid import uuid4

from agents.cards import cards_of
from agents.conversation import ToolUse
from api.inbound.colleague import keep_typed
from atlas.identity import StaffId
from atlas.principal import Role, staff
from tests import given
from tests.agents.conftest import NOW
from tests.agents.test_answering import Answering, Owner, answering, reachable

__all__ = ["answering", "reachable"]


async def typed(here: Answering, owner: Owner, words: str, *roles: Role) -> tuple[str, dict[str, object]]:
    """What the agents say to a colleague of these roles, and how they came to it."""
    asha = StaffId(await given.member(owner, "Asha Patel", *[role.value for role in roles]))
    await keep_typed(here.desk.house.atlas, staff(asha, "Asha Patel", frozenset(roles)), uuid4(), words, NOW)
    await here.work_off()
    found = await here.one("SELECT ARRAY[words], trace FROM helpdesk.message WHERE is_from_us ORDER BY id DESC LIMIT 1")
    return found[0][0], found[1]


async def test_who_owes_is_answered_with_a_card_of_each(answering: Answering, owner: Owner, maya: int) -> None:
    words, trace = await typed(answering, owner, f"Show me customer {maya}", Role.BILLING_LEAD)

    assert "Maya" in words
    assert {"kind": "customer", "number": maya} in trace["cards"]  # type: ignore[operator]
    assert await answering.one("SELECT state, answered_by FROM helpdesk.inbox") == ("answered", "agents")
    assert await answering.one("SELECT count(*) FROM helpdesk.notice") == 0


async def test_a_change_is_asked_of_forge_in_the_colleagues_name_and_shown_as_a_card(answering: Answering, owner: Owner, maya: int) -> None:
    await given.device(owner, "OLT-9", "olt")

    _, trace = await typed(answering, owner, "Restart device OLT-9", Role.NOC_ENGINEER)
    asked = await answering.one("SELECT id, proposer FROM actions.action WHERE name <> 'send_message' ORDER BY id DESC LIMIT 1")

    assert str(asked[1]).startswith("staff:")
    assert trace["cards"][0] == {"kind": "action", "number": asked[0]}  # type: ignore[index]


async def test_whoever_waits_sees_which_tool_is_being_asked(answering: Answering, owner: Owner, maya: int) -> None:
    await owner.execute(
        "CREATE TABLE public.seen (step text); GRANT INSERT ON public.seen TO PUBLIC;"
        "CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO public.seen VALUES (NEW.step); RETURN NEW; END';"
        "CREATE TRIGGER see AFTER UPDATE OF step ON helpdesk.inbox FOR EACH ROW EXECUTE FUNCTION public.see()"
    )

    await typed(answering, owner, f"Show me customer {maya}", Role.BILLING_LEAD)

    assert "crm.show_customer" in [row[0] for row in await (await owner.execute("SELECT step FROM public.seen")).fetchall()]


async def test_stop_of_a_colleague_withdraws_nobodys_consent(answering: Answering, owner: Owner, maya: int) -> None:
    await typed(answering, owner, "STOP", Role.CUSTOMER_CARE)

    assert await answering.one("SELECT count(*) FROM crm.consent WHERE NOT is_given") == 0


def used(answer: str, **more: object) -> ToolUse:
    return ToolUse(**{"name": "t", "arguments": {}, "answer": answer, "is_error": False, "proposal": "", **more})  # type: ignore[typeddict-item]


def test_an_incidents_tickets_are_not_cards_beside_it() -> None:
    shown = cards_of([used('{"incident_id": 31, "tickets": [{"customer_id": 7}]}')])

    assert shown == [{"kind": "incident", "number": 31}]


def test_a_list_shows_its_first_rows_and_what_failed_shows_nothing() -> None:
    many = "[" + ",".join(f'{{"customer_id": {number}}}' for number in range(1, 51)) + "]"

    assert [one["number"] for one in cards_of([used(many)])] == [1, 2, 3, 4, 5, 6]
    assert cards_of([used('{"customer_id": 7}', is_error=True)]) == []
    assert cards_of([used("not JSON"), used('{"customer_id": true}')]) == []
