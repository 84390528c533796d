"""Law 4's other half: whoever asked for something that waited for a person is told what became of it."""

import uuid
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.oms.reads import plan_changes
from atlas.principal import Assurance, Role, customer, executor, in_conversation, in_session, staff
from forge.actions.oms.plans import RequestPlanChange
from forge.approvals import approve, card, expire_overdue, reject
from forge.carry_out import carry_out
from forge.matrix_in_force import write_in_force
from forge.may_send import May, permits
from forge.propose import EXECUTOR, Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from forge.rulings import tell_rulings
from forge.wording import LANGUAGES, request_in_words, template
from governance.matrix import load
from tests import given
from tests.billing.arranged import customer_with_line, one
from tests.given import NOW, Owner

SHIPPED = Path(__file__).parents[2] / "governance" / "matrix.yaml"
PHONE = "+447700900001"


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def asked(forge: Forge, owner: Owner, channel: str = "whatsapp", language: str = "en") -> Proposed:
    """A dearer plan that a customer asked for in a conversation: it waits."""
    who, _ = await customer_with_line(owner, "Maya Patel", PHONE, language=language)
    address = None if channel == "chat" else PHONE
    conversation = await given.row(owner, "helpdesk.conversation", customer_id=who, channel=channel, address=address)
    thread = await one(owner, "SELECT thread FROM helpdesk.conversation WHERE id = %s", conversation)
    await given.offering(owner, "fibre-900", 8100)
    async with forge.atlas.transaction(executor("test")) as conn:
        (change,) = await plan_changes(conn, CustomerId(who), "fibre-900", NOW.date())
    me = in_conversation(customer(CustomerId(who), Assurance.VERIFIED), thread)
    cause = CorrelationId(uuid.uuid4())
    return await propose(forge, me, RequestPlanChange.of(change, NOW.date()), reason="they asked", correlation_id=cause)


async def ruled(forge: Forge, owner: Owner, proposed: Proposed, *, approved: bool) -> None:
    role = Role(proposed.approver_roles[0])
    number = await given.member(owner, "Lena Lead", role.value)
    lena = in_session(staff(StaffId(number), "Lena Lead", frozenset({role})), await given.session(owner, number))
    async with forge.atlas.transaction(EXECUTOR) as conn:
        seen = await card(forge, conn, proposed.action_id)
    await (approve if approved else reject)(forge, lena, proposed.action_id, digest_seen=seen.digest)
    await carry_out(forge, proposed.action_id)


async def notice(owner: Owner) -> tuple[str, str, str, str]:
    (row,) = await (
        await owner.execute("SELECT channel, address, template, words FROM helpdesk.notice WHERE purpose = 'ruling'")
    ).fetchall()
    return (row[0], row[1], row[2], row[3])


async def test_who_asked_is_told_that_it_is_done_where_they_asked(forge: Forge, owner: Owner) -> None:
    proposed = await asked(forge, owner)
    await ruled(forge, owner, proposed, approved=True)

    told = await tell_rulings(forge)

    channel, address, of, words = await notice(owner)
    assert (told, channel, address, of) == ([proposed.action_id], "whatsapp", PHONE, "ruling_done.en")
    assert f"Your request {proposed.reference} (change of plan) was approved and is done." in words


async def test_who_asked_is_told_that_it_was_rejected_in_their_language(forge: Forge, owner: Owner) -> None:
    proposed = await asked(forge, owner, "sms", "es")
    await ruled(forge, owner, proposed, approved=False)

    await tell_rulings(forge)

    channel, _, of, words = await notice(owner)
    assert (channel, of) == ("sms", "ruling_rejected.es")
    assert f"Su solicitud {proposed.reference} (cambio de plan) no fue aprobada." in words


async def test_who_asked_is_told_that_nobody_ruled_in_time(forge: Forge, owner: Owner) -> None:
    proposed = await asked(forge, owner)
    await owner.execute("UPDATE actions.action SET approve_by = now() - interval '1 minute' WHERE id = %s", (proposed.action_id,))
    await expire_overdue(forge)

    await tell_rulings(forge)

    assert (await notice(owner))[2] == "ruling_expired.en"


async def test_nobody_is_told_while_it_waits(forge: Forge, owner: Owner) -> None:
    await asked(forge, owner)

    assert await tell_rulings(forge) == []


async def test_nobody_is_told_twice(forge: Forge, owner: Owner) -> None:
    await ruled(forge, owner, await asked(forge, owner), approved=False)

    first, second = await tell_rulings(forge), await tell_rulings(forge)

    assert (len(first), len(second)) == (1, 0)
    assert await one(owner, "SELECT count(*) FROM helpdesk.notice WHERE purpose = 'ruling'") == 1


async def test_what_is_told_stands_in_the_conversation_too_and_in_a_chat_only_there(forge: Forge, owner: Owner) -> None:
    await ruled(forge, owner, await asked(forge, owner, "chat"), approved=False)

    await tell_rulings(forge)

    assert await one(owner, "SELECT count(*) FROM helpdesk.notice WHERE purpose = 'ruling'") == 0
    assert "was not approved" in await one(owner, "SELECT words FROM helpdesk.message WHERE is_from_us")


async def test_who_wants_no_messages_of_service_is_not_written_to(forge: Forge, owner: Owner) -> None:
    proposed = await asked(forge, owner, "sms")
    await given.row(owner, "crm.consent", customer_id=1, purpose="service", channel="sms", is_given=False, source="message:1")
    await ruled(forge, owner, proposed, approved=False)
    await tell_rulings(forge)

    number = await one(owner, "SELECT id FROM helpdesk.notice WHERE purpose = 'ruling'")
    async with forge.atlas.transaction(EXECUTOR) as conn:
        assert (await permits(conn, [number]))[number].may is May.NOT_HERE


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_has_its_words_in_every_language(language: str) -> None:
    for state in ("done", "rejected", "expired", "failed"):
        words = template(f"ruling_{state}", language).filled({"reference": "A-12", "what": request_in_words("cancel_visit", language)})
        assert "A-12" in words
    assert request_in_words("something_new", language) == request_in_words("other", language)
