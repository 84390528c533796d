"""What somebody wants beside their plan, or wants no more, finds its tool in five languages; and a conversation orders it after a yes."""

import uuid
from collections.abc import Callable

import pytest

from agents.briefs import Example
from agents.roster import Member
from agents.router import Router
from agents.supervisor import Supervisor, answer
from atlas.identity import CustomerId
from atlas.principal import Assurance, customer
from tests.agents.conftest import NOW
from tests.given import Owner
from tests.oms.add_ons import add_on


def for_customers(members: dict[str, Member]) -> Callable[[Example], bool]:
    offered = {tool.__name__ for member in members.values() for tool in member.tools("customer")}
    return lambda example: not example.tool or example.tool in offered


@pytest.mark.parametrize(
    ("language", "words", "tool"),
    [
        ("en", "please add a static IP address to my connection", "quote_add_on"),
        ("en", "take the extra Home Phone off my account", "end_add_on"),
        ("en", "what extras can I add to my plan?", "my_add_ons"),
        ("es", "añada una IP fija a mi línea, por favor", "quote_add_on"),
        ("es", "quite el extra Telefonía", "end_add_on"),
        ("de", "die Option Feste IP bitte dazubuchen", "quote_add_on"),
        ("de", "die Zusatzoption Telefonie bitte kündigen", "end_add_on"),
        ("fr", "ajoutez une IP fixe à ma ligne s'il vous plaît", "quote_add_on"),
        ("fr", "retirez l'option Téléphonie", "end_add_on"),
        ("hi", "मेरी लाइन में स्टैटिक आईपी जोड़िए", "quote_add_on"),
    ],
)
async def test_it_is_heard_for_what_it_is(router: Router, members: dict[str, Member], language: str, words: str, tool: str) -> None:
    is_offered = for_customers(members)
    nearest = (await router.nearness(words, language, is_offered))[0]

    assert (nearest.module, (await router.tool_for(words, "oms", language, is_offered))[0]) == ("oms", tool)


async def test_the_price_is_told_first_and_a_yes_orders_it(supervisor: Supervisor, owner: Owner, maya: int) -> None:
    await add_on(owner, "static-ip")
    who, thread = customer(CustomerId(maya), Assurance.VERIFIED), uuid.uuid4()

    quoted = await answer(supervisor, who, thread, "Add a static IP to my line", NOW)
    nothing = await (await owner.execute("SELECT count(*) FROM oms.product_order")).fetchone()
    done = await answer(supervisor, who, thread, "yes please", NOW)

    ordered = await (await owner.execute("SELECT kind, state FROM oms.product_order")).fetchall()
    assert ("£5.00" in quoted.words, nothing, ordered) == (True, (0,), [("add_on", "acknowledged")])
    assert "ordered" in done.words
