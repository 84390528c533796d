import asyncio
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from atlas.billing.reads.books import broken_invariants
from atlas.cmdb import reads as cmdb
from atlas.connection import Atlas
from atlas.principal import executor
from cortex.blast_radius import blast_radius
from cortex.findings import BlastRadius, Element
from cortex.topology import Topology
from evals.world.plan import world
from evals.world.seed import OtherRowsPresent, content_digest, seed, seeded
from tests.cortex.plants import searched
from tests.world.seeded import NOW, SUBSCRIBERS

Owner = AsyncConnection[tuple[Any, ...]]
ZONE = world().zone


async def topology_of(atlas: Atlas) -> Topology:
    async with atlas.transaction(executor("tests")) as conn:
        return Topology.build(await cmdb.network(conn), await cmdb.lines(conn))


async def link_named(owner: Owner, name: str) -> Element:
    row = await (await owner.execute("SELECT id FROM cmdb.link WHERE name = %s", (name,))).fetchone()
    assert row is not None
    return Element("link", row[0])


async def blast_of_the_cut(atlas: Atlas, owner: Owner) -> BlastRadius:
    return blast_radius(await topology_of(atlas), [await link_named(owner, ZONE.backhaul)])


async def count(owner: Owner, statement: str, *parameters: Any) -> int:
    row = await (await owner.execute(statement.encode(), parameters)).fetchone()
    assert row is not None
    return int(row[0])


async def test_the_cut_of_the_zones_backhaul_silences_47_devices_and_312_subscribers(harbour: Atlas, harbour_owner: Owner) -> None:
    blast = await blast_of_the_cut(harbour, harbour_owner)

    assert (len(blast.devices), len(blast.subscribers), blast.customers) == (47, 312, 312)


async def test_a_plain_search_finds_the_same_zone(harbour: Atlas, harbour_owner: Owner) -> None:
    topology = await topology_of(harbour)
    link = await link_named(harbour_owner, ZONE.backhaul)

    dark = searched(topology.network, [link])

    passive = await count(
        harbour_owner, "SELECT count(*) FROM cmdb.device WHERE id = ANY(%s) AND kind IN ('pon_port', 'splitter')", list(dark)
    )
    lines = await count(harbour_owner, "SELECT count(*) FROM cmdb.access WHERE device_id = ANY(%s)", list(dark))
    assert (len(dark) - passive, lines) == (47, 312)


async def test_the_zone_lies_in_three_areas_with_businesses_and_vulnerable_people(harbour: Atlas, harbour_owner: Owner) -> None:
    blast = await blast_of_the_cut(harbour, harbour_owner)

    assert len(blast.areas) >= 3
    assert (blast.businesses, blast.vulnerable) == (24, 7)


async def test_whoever_opted_out_of_a_channel_in_the_zone_can_be_reached_by_another(harbour: Atlas, harbour_owner: Owner) -> None:
    blast = await blast_of_the_cut(harbour, harbour_owner)

    out = await count(
        harbour_owner,
        "SELECT count(*) FROM crm.consent JOIN crm.subscriber USING (customer_id)"
        " WHERE purpose = 'service' AND NOT is_given AND subscriber.id = ANY(%s)",
        list(blast.subscribers),
    )
    unreachable = await count(
        harbour_owner,
        "SELECT count(*) FROM crm.subscriber WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM crm.contact"
        " WHERE contact.customer_id = subscriber.customer_id AND NOT EXISTS (SELECT FROM crm.consent WHERE consent.customer_id ="
        " contact.customer_id AND consent.channel = contact.channel AND purpose = 'service' AND NOT is_given))",
        list(blast.subscribers),
    )
    assert (out, unreachable) == (6, 0)


async def test_one_side_of_a_ring_cuts_nobody_off(harbour: Atlas, harbour_owner: Owner) -> None:
    topology = await topology_of(harbour)
    area_id = world().area_id(world().places["ring_link"].area)
    link = await count(
        harbour_owner,
        "SELECT min(link.id) FROM cmdb.link JOIN cmdb.device ON device.id = to_device_id"
        " WHERE device.kind = 'aggregation' AND area_id = %s AND link.kind = 'backhaul'",
        area_id,
    )

    blast = blast_radius(topology, [Element("link", link)])

    assert (blast.devices, blast.subscribers) == ((), ())


async def test_a_duct_that_both_sides_of_a_ring_share_cuts_everybody_on_it_off(harbour: Atlas, harbour_owner: Owner) -> None:
    topology = await topology_of(harbour)
    conduit = await count(
        harbour_owner, "SELECT conduit_id FROM cmdb.link WHERE kind = 'backhaul' GROUP BY conduit_id HAVING count(conduit_id) = 2 LIMIT 1"
    )

    assert blast_radius(topology, [Element("conduit", conduit)]).subscribers


async def test_every_line_is_fed_from_a_gateway(harbour: Atlas) -> None:
    topology = await topology_of(harbour)

    assert not topology.unfed


async def test_every_line_that_is_sold_has_an_access_and_a_session(harbour_owner: Owner) -> None:
    statement = (
        "SELECT count(*) FROM crm.subscriber JOIN cmdb.access ON access.subscriber_id = subscriber.id"
        " JOIN cmdb.session ON session.subscriber_id = subscriber.id"
    )

    assert await count(harbour_owner, statement) == SUBSCRIBERS


async def test_mayas_last_bill_is_higher_by_620_of_international_calls(harbour_owner: Owner) -> None:
    lines = await (
        await harbour_owner.execute(
            "SELECT label, sum(CASE WHEN month = '2026-11-01' THEN 1 ELSE -1 END * (amount_minor + tax_minor))::bigint"
            " FROM billing.invoice_line JOIN billing.invoice ON invoice.id = invoice_id JOIN crm.contact USING (customer_id)"
            " WHERE address = %s AND channel = 'sms' GROUP BY label",
            (world().persona("maya").phone,),
        )
    ).fetchall()

    assert dict(lines) == {"Fibre 500": 0, "International calls": 620}


@pytest.mark.parametrize("persona", world().personas, ids=lambda persona: persona.key)
async def test_a_named_person_is_who_the_file_says(harbour_owner: Owner, persona: Any) -> None:
    row = await (
        await harbour_owner.execute(
            "SELECT customer.name, language, vulnerability, offering.code, subscriber.state"
            " FROM crm.contact JOIN crm.customer ON customer.id = customer_id"
            " JOIN crm.subscriber USING (customer_id) JOIN catalogue.offering_version AS version ON version.id = offering_version_id"
            " JOIN catalogue.offering ON offering.id = offering_id WHERE address = %s AND channel IN ('sms', 'voice')",
            (persona.phone,),
        )
    ).fetchone()

    state = "suspended" if persona.suspended else "active"
    assert row == (persona.name, persona.language, persona.vulnerability, persona.offering, state)


async def test_every_invoice_adds_up_to_what_was_posted_for_it(harbour_owner: Owner) -> None:
    billed = await count(harbour_owner, "SELECT sum(amount_minor + tax_minor) FROM billing.invoice_line")
    posted = await count(
        harbour_owner,
        "SELECT sum(amount_minor) FROM billing.posting JOIN billing.journal ON journal.id = journal_id"
        " WHERE kind = 'invoice' AND ledger_account = 'receivable'",
    )

    assert billed == posted


async def test_only_whoever_is_behind_with_a_bill_owes_more_than_what_is_not_yet_due(harbour_owner: Owner) -> None:
    owing = await count(
        harbour_owner,
        "SELECT count(*) FROM (SELECT customer_id, sum(amount_minor) AS owed FROM billing.posting WHERE ledger_account = 'receivable'"
        " GROUP BY customer_id) AS balance WHERE owed <> (SELECT coalesce(sum(amount_minor + tax_minor), 0) FROM billing.invoice"
        " JOIN billing.invoice_line ON invoice_id = invoice.id WHERE invoice.customer_id = balance.customer_id AND state = 'sent')",
    )

    assert owing == 0


@pytest.mark.parametrize(
    "role", ["noc_lead", "noc_engineer", "billing_lead", "care_lead", "customer_care", "field_lead", "operations_director"]
)
async def test_somebody_of_each_role_is_on_shift_at_any_hour(harbour_owner: Owner, role: str) -> None:
    uncovered = await count(
        harbour_owner,
        "SELECT count(*) FROM generate_series(%s - interval '2 days', %s + interval '7 days', interval '1 hour') AS hour WHERE NOT EXISTS"
        " (SELECT FROM staff.shift JOIN staff.role_held USING (staff_id) WHERE role = %s AND starts_at <= hour AND ends_at > hour)",
        NOW,
        NOW,
        role,
    )

    assert uncovered == 0


async def test_numbers_are_of_the_drama_range_or_too_long_to_be_dialled(harbour_owner: Owner) -> None:
    real = await count(
        harbour_owner,
        "SELECT count(*) FROM crm.contact WHERE channel <> 'email' AND address !~ '^\\+447700900(\\d{3}|\\d{6})$'"
        " OR channel = 'email' AND address NOT LIKE '%%@example.com'",
    )

    assert real == 0


async def test_the_same_seed_makes_the_same_isp(harbour_url: str, database_url: str) -> None:
    tables = (
        "crm.customer",
        "crm.contact",
        "gis.premise",
        "cmdb.device",
        "cmdb.link",
        "cmdb.access",
        "billing.invoice_line",
        "staff.shift",
    )

    await asyncio.to_thread(seed, database_url, subscribers=SUBSCRIBERS, now=NOW)

    with psycopg.connect(harbour_url) as one, psycopg.connect(database_url) as other:
        assert content_digest(one, tables) == content_digest(other, tables)


async def test_seeding_twice_changes_nothing(harbour_url: str) -> None:
    again = await asyncio.to_thread(seed, harbour_url, subscribers=SUBSCRIBERS, now=NOW)

    assert again.rows == 0
    assert again == await asyncio.to_thread(seeded, harbour_url)


async def test_the_demo_is_not_put_over_somebody_elses_customers(database_url: str, owner: Owner) -> None:
    await owner.execute("INSERT INTO crm.customer (kind, name, customer_since) VALUES ('individual', 'Somebody', '2020-01-01')")

    with pytest.raises(OtherRowsPresent):
        await asyncio.to_thread(seed, database_url, now=NOW)


async def test_the_schema_is_as_it_was_after_seeding(harbour_owner: Owner, owner: Owner) -> None:
    statement = (
        "SELECT array_agg(line ORDER BY line) FROM (SELECT pg_get_indexdef(indexrelid) AS line FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace::regnamespace::text NOT LIKE 'pg_%'"
        " UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0) AS definition"
    )

    after = await (await harbour_owner.execute(statement)).fetchone()
    before = await (await owner.execute(statement)).fetchone()

    assert after == before


async def test_the_books_of_the_seeded_isp_hold(harbour_owner: Owner) -> None:
    assert await broken_invariants(harbour_owner) == []
    assert await count(harbour_owner, "SELECT count(*) FROM billing.journal") > SUBSCRIBERS
