"""A person is forgotten: nothing of theirs is left anywhere but what the law wants, and that names nobody."""

import uuid
from datetime import timedelta
from typing import Final

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.actions.reads import broken_links
from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import executor
from atlas.privacy.writes import erase
from forge.actions.crm.customers import EraseCustomer
from forge.privacy import KEEPER, finish_erasures
from forge.propose import Forge, propose
from tests import given
from tests.billing.arranged import bill, customer_with_line, one
from tests.given import NOW, Owner
from tests.privacy.canaries import asked_to_erase, canaries_laid, canary, erased, forge_of, found_anywhere, two_households

# The law wants the books, whoever's they were; and a word of ours (a kind, a state, a channel) says nothing of anybody.
BOOKS: Final = "billing."
OURS: Final = frozenset(
    {
        *(("actions.action", name) for name in ("name", "facts", "rule", "verdict_reason", "matrix_digest", "approver_roles", "part")),
        *(("actions.action", name) for name in ("digest", "seal")),
        ("actions.errand", "operation"),
        ("actions.ruling", "digest_seen"),
        ("actions.sequence", "kind"),
        *(("actions.sequence_step", name) for name in ("name", "after", "cause")),
        ("cmdb.asset_event", "state"),
        ("actions.budget_spent", "scope"),
        ("crm.customer", "timezone"),
        *(("field_service.job", name) for name in ("kind", "skill", "state")),
        ("helpdesk.conversation", "owner"),
        *(("helpdesk.notice", name) for name in ("purpose", "language", "template", "delivery")),
        *(("nms.alarm", name) for name in ("managed_object", "probable_cause", "alarm_type", "door")),
        ("gis.building", "name"),
        # A house of the plant: after an erasure no line, visit or person is tied to it any more.
        *(("gis.premise", name) for name in ("unit", "number", "street", "town", "postcode", "external_id")),
        ("oms.order_event", "state"),
    }
)


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    return await forge_of(atlas, owner)


async def at_an_end(owner: Owner, customer_id: int) -> None:
    """Their lines have ended and they owe nothing."""
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated', suspended_for = NULL WHERE customer_id = %s", (customer_id,))
    await owner.execute("UPDATE billing.open_item SET open_minor = 0 WHERE customer_id = %s", (customer_id,))
    await owner.execute("UPDATE actions.errand SET state = 'done'")
    await owner.execute("UPDATE privacy.legal_hold SET lifted_at = now() WHERE customer_id = %s", (customer_id,))
    await owner.execute("UPDATE actions.action SET state = 'done' WHERE proposed_for = %s", (customer_id,))
    await owner.execute("SET session_replication_role = origin")


async def test_of_a_person_with_a_canary_in_every_column_none_is_left_in_any_table(atlas: Atlas, owner: Owner) -> None:
    (customer, _), forge = await two_households(owner), await forge_of(atlas, owner)
    await at_an_end(owner, customer)
    laid = await canaries_laid(owner, customer)
    by_words = {canary(customer, *column): column for column in laid}

    outcome = await erased(forge, owner, customer)

    left = {by_words[words] for words in await found_anywhere(owner, by_words)}
    assert outcome["is_whole"], outcome
    assert len(laid) >= 60
    assert {column for column in left if not column[0].startswith(BOOKS)} - OURS == set()


async def test_the_row_of_a_neighbour_is_as_it_was(atlas: Atlas, owner: Owner) -> None:
    (customer, neighbour), forge = await two_households(owner), await forge_of(atlas, owner)
    await at_an_end(owner, customer)
    theirs = {canary(neighbour, *column) for column in await canaries_laid(owner, neighbour)}
    before = await found_anywhere(owner, theirs)

    await erased(forge, owner, customer)

    assert await found_anywhere(owner, theirs) == before


async def test_who_is_named_in_texts_of_the_network_is_taken_out_of_them_and_the_texts_stay(forge: Forge, owner: Owner) -> None:
    customer, line = await customer_with_line(owner, "Zinnia Zanzibar", "+447700900444")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    olt = await given.device(owner, "olt-7")
    await given.row(owner, "cmdb.session", subscriber_id=line, username="zz-login-77", nas_device_id=olt, started_at=NOW)
    alarm = {"device_id": olt, "probable_cause": "x", "alarm_type": "y", "severity": "minor", "door": "syslog"}
    times = {"first_received_at": NOW, "last_received_at": NOW}
    await given.row(owner, "nms.alarm", text="login zz-login-77 of Zinnia Zanzibar refused", **alarm, **times)
    quarantine = {"received_at": NOW, "door": "syslog", "source_address": "192.0.2.7", "reason": "odd"}
    await given.row(owner, "nms.quarantine", raw=b"\x00\xffcall +447700900444", **quarantine)
    await given.row(owner, "nms.quarantine", raw=b"\x00\xffsomebody else", **quarantine)

    await erased(forge, owner, customer)

    names = ("Zinnia", "zz-login-77", "+447700900444")
    assert await found_anywhere(owner, names) == {}
    assert await one(owner, "SELECT text FROM nms.alarm") == "login [erased] of [erased] refused"
    assert await one(owner, "SELECT count(*) FROM nms.quarantine") == 1


@pytest.mark.parametrize("written", ["a4:b1:c2:00:00:01", "A4-B1-C2-00-00-01", "a4b1.c200.0001", "A4B1C2000001"])
async def test_the_hardware_address_of_a_box_is_forgotten_with_its_owner_however_it_is_written(
    forge: Forge, owner: Owner, written: str
) -> None:
    customer, line = await customer_with_line(owner, "Zinnia Zanzibar", "+447700900444")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    bng = await given.device(owner, "bng-1", "bng")
    for mac, whose in (("a4:b1:c2:00:00:01", line), ("a4:b1:c2:00:00:02", None)):
        await owner.execute(
            "INSERT INTO cmdb.mac_sighting (mac, device_id, managed_object, first_seen_at, last_seen_at, subscriber_id)"
            " VALUES (%s, %s, 'eth1', now(), now(), %s)",
            (mac, bng, whose),
        )
        await owner.execute(
            "INSERT INTO cmdb.port_doubt (nas_device_id, circuit_id, station, reason) VALUES (%s, %s, %s, 'no_line')", (bng, mac[-1], mac)
        )
    quarantine = {"received_at": NOW, "door": "syslog", "source_address": "192.0.2.7", "reason": "odd"}
    await given.row(owner, "nms.quarantine", raw=f"dhcp: {written} on eth1".encode(), **quarantine)

    await erased(forge, owner, customer)

    assert await found_anywhere(owner, ("a4:b1:c2:00:00:01", written)) == {}
    assert await one(owner, "SELECT string_agg(mac::text, ',') FROM cmdb.mac_sighting") == "a4:b1:c2:00:00:02"
    assert await one(owner, "SELECT string_agg(station, ',') FROM cmdb.port_doubt") == "a4:b1:c2:00:00:02"


async def test_a_landlord_is_taken_out_of_the_plan_and_the_building_and_its_consent_stay(forge: Forge, owner: Owner) -> None:
    landlord, area = await given.customer(owner, "Zinnia Zanzibar"), await given.area(owner)
    await given.row(
        owner, "gis.building", area_id=area, name="Quay House", landlord="Z. Zanzibar Estates", landlord_id=landlord, consent="given"
    )
    await given.row(owner, "gis.building", area_id=area, name="Dock House", landlord="Zinnia Zanzibar, by letter", consent="asked")

    await erased(forge, owner, landlord)

    left = await (await owner.execute("SELECT name, landlord, landlord_id, consent FROM gis.building ORDER BY id")).fetchall()
    assert await found_anywhere(owner, ["Zanzibar"]) == {}
    assert left == [("Quay House", "", None, "given"), ("Dock House", "[erased], by letter", None, "asked")]


async def test_the_chain_of_the_trail_holds_though_its_words_are_gone(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    for said in ("my canary", "another"):
        words = {"reason": said, "digest": "d", "amount": 5}
        await given.row(owner, "actions.action", **_asked_for(customer, said))
        await owner.execute(
            "SELECT actions.append_audit('customer:' || %s::text, 'proposed', max(id), NULL, %s) FROM actions.action",
            (customer, given.Jsonb(words)),
        )

    await erased(forge, owner, customer)

    async with forge.atlas.transaction(executor("test")) as conn:
        assert await broken_links(conn) == []
    assert await found_anywhere(owner, ["my canary"]) == {}
    assert await one(owner, "SELECT detail ->> 'amount' FROM actions.audit WHERE event = 'proposed' LIMIT 1") == "5"


def _asked_for(customer: int, key: str) -> dict[str, object]:
    return {
        "name": "record_interaction",
        "arguments": given.Jsonb({}),
        "facts": given.Jsonb({}),
        "digest": b"x",
        "operation_key": key,
        "proposer": f"customer:{customer}",
        "proposed_for": customer,
        "reason": key,
        "correlation_id": "00000000-0000-0000-0000-000000000001",
        "state": "done",
    }


async def test_words_that_were_exchanged_beside_the_chain_are_found(atlas: Atlas, owner: Owner) -> None:
    await owner.execute("SELECT actions.append_audit('staff:1', 'noted', 8, NULL, '{\"note\": \"as it was\"}')")

    await owner.execute("""UPDATE actions.audit_words SET words = '{"note": "as I wish"}'""")

    async with atlas.transaction(executor("test")) as conn:
        assert [link.why for link in await broken_links(conn)] == ["its words were exchanged"]


async def test_the_books_are_what_they_were_and_name_nobody(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Zinnia Zanzibar")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    await _paid(owner, customer, 3000)

    outcome = await erased(forge, owner, customer)

    assert await one(owner, "SELECT sum(amount_minor) FROM billing.posting WHERE ledger_account = 'receivable'") == 0
    assert await one(owner, "SELECT count(*) FROM billing.invoice_line") == 1
    assert await one(owner, "SELECT name FROM crm.customer") == f"Erased customer {customer}"
    assert outcome["ledger_until"] > "2032"


async def _paid(owner: Owner, customer: int, minor: int) -> None:
    await owner.execute("SELECT billing.receive_payment(%s, %s, %s, 'card', 'p-1')", (customer, minor, NOW))
    await owner.execute("SELECT billing.allocate(ARRAY[%s::bigint])", (customer,))


async def talked(owner: Owner, customer: int) -> None:
    conversation = await given.row(owner, "helpdesk.conversation", customer_id=customer, channel="sms", address="+447700900001")
    said = {"conversation_id": conversation, "customer_id": customer, "is_from_us": False, "author": "x"}
    await given.row(owner, "helpdesk.message", words="my canary", **said)


async def test_who_owes_something_is_forgotten_in_part_with_the_reason_and_the_rest_when_it_is_paid(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Zinnia Zanzibar")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    await talked(owner, customer)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})

    outcome = await erased(forge, owner, customer)

    assert (outcome["is_whole"], outcome["because"]) == (False, ["debt"])
    assert await found_anywhere(owner, ["my canary"]) == {}
    assert await one(owner, "SELECT name FROM crm.customer") == "Zinnia Zanzibar"

    assert await finish_erasures(forge) == []
    await _paid(owner, customer, 3000)
    assert await finish_erasures(forge) == [customer]
    assert await one(owner, "SELECT name FROM crm.customer") == f"Erased customer {customer}"


async def test_under_a_legal_hold_nothing_that_was_said_goes(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    await talked(owner, customer)
    action = await given.action(owner)
    await given.row(owner, "privacy.legal_hold", customer_id=customer, reason="a court asked", action_id=action)

    outcome = await erased(forge, owner, customer)

    assert (outcome["is_whole"], outcome["because"]) == (False, ["hold"])
    assert await one(owner, "SELECT words FROM helpdesk.message") == "my canary"


async def test_an_erasure_waits_for_a_care_lead_and_nothing_goes_before(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await talked(owner, customer)

    proposed = await asked_to_erase(forge, owner, customer)

    assert (proposed.state, proposed.approver_roles) == (ActionState.WAITING, ("care_lead",))
    assert await one(owner, "SELECT words FROM helpdesk.message") == "my canary"


async def test_nobody_erases_without_the_claimed_action(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)

    with pytest.raises(InsufficientPrivilege):
        async with forge.atlas.transaction(executor("test")) as conn:
            await erase(conn, CustomerId(customer), [])


async def test_the_system_begins_no_erasure_of_its_own(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Zinnia Zanzibar")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")

    asked = EraseCustomer(CustomerId(customer), "a whim")
    made = await propose(forge, KEEPER, asked, reason="a whim", correlation_id=CorrelationId(uuid.uuid4()))

    assert made.state is ActionState.FAILED
    assert await one(owner, "SELECT name FROM crm.customer") == "Zinnia Zanzibar"


async def test_where_somebody_lived_is_no_longer_tied_to_them(forge: Forge, owner: Owner) -> None:
    customer, line = await customer_with_line(owner)
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    home = await one(owner, "SELECT premise_id FROM crm.subscriber")
    await given.row(
        owner,
        "field_service.job",
        kind="repair",
        customer_id=customer,
        premise_id=home,
        latitude=50.71234,
        longitude=-3.51234,
        skill="fibre",
        window_from=NOW,
        window_until=NOW + timedelta(hours=2),
        action_id=await given.action(owner),
    )

    await erased(forge, owner, customer)

    street = "SELECT street FROM gis.premise JOIN crm.subscriber ON premise.id = premise_id WHERE subscriber.id = %s"
    assert await one(owner, street, line) == "[erased]"
    assert await one(owner, "SELECT count(*) FROM field_service.job WHERE premise_id IS NULL AND latitude = 50.7 AND longitude = -3.5") == 1


async def test_what_the_agents_remember_of_a_conversation_is_forgotten(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await talked(owner, customer)
    thread = await one(owner, "SELECT thread FROM helpdesk.conversation")
    for name in (thread, uuid.uuid5(thread, "verified"), uuid.uuid4()):
        await owner.execute(
            "INSERT INTO checkpoints.checkpoints (thread_id, checkpoint_id, checkpoint) VALUES (%s, '1', '{}')", (str(name),)
        )

    await erased(forge, owner, customer)

    assert await one(owner, "SELECT count(*) FROM checkpoints.checkpoints") == 1


async def test_nothing_is_erased_while_something_for_them_is_on_its_way(forge: Forge, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner, "Zinnia Zanzibar")
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated'")
    action = await given.row(owner, "actions.action", **_asked_for(customer, "k"))
    await given.row(
        owner, "actions.errand", action_id=action, port="payments", operation="refund", arguments=given.Jsonb({}), key="e-1", state="queued"
    )

    with pytest.raises(AssertionError, match="on its way"):
        await erased(forge, owner, customer)

    assert await one(owner, "SELECT name FROM crm.customer") == "Zinnia Zanzibar"
