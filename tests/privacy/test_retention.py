"""Nothing is kept for longer than its rule says, and each night's proof says so."""

from datetime import UTC, datetime, timedelta

from atlas.connection import Atlas
from atlas.principal import executor
from atlas.privacy.reads import kept
from forge.privacy import apply_rules
from tests import given
from tests.billing.arranged import one
from tests.given import Owner
from tests.privacy.canaries import MAP

NOW = datetime.now(UTC)
RULES = {rule.rule: rule for rule in MAP.retention}


async def quarantined(owner: Owner, age: timedelta) -> None:
    odd = {"door": "syslog", "source_address": "192.0.2.7", "reason": "odd", "raw": b"x"}
    await given.row(owner, "nms.quarantine", received_at=NOW - age, **odd)


async def noticed(owner: Owner, customer: int, age: timedelta, state: str) -> int:
    said = {"purpose": "outage", "channel": "sms", "address": "+447700900001", "language": "en", "template": "outage", "words": "canary"}
    action = await given.action(owner)
    return await given.row(
        owner, "helpdesk.notice", customer_id=customer, key=f"{age}{state}", state=state, queued_at=NOW - age, action_id=action, **said
    )


async def test_what_is_older_than_its_rule_goes_and_what_is_younger_stays(atlas: Atlas, owner: Owner) -> None:
    keep = RULES["quarantine"].keep
    for age in (keep + timedelta(hours=1), keep + timedelta(days=300), keep - timedelta(hours=1)):
        await quarantined(owner, age)

    gone = await apply_rules(atlas, NOW)

    assert gone["quarantine"] == 2
    assert await one(owner, "SELECT count(*) FROM nms.quarantine") == 1


async def test_the_words_of_an_old_notice_go_and_that_it_was_sent_stays(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    keep = RULES["notices"].keep
    await noticed(owner, customer, keep + timedelta(days=1), "sent")
    await noticed(owner, customer, keep - timedelta(days=1), "sent")

    first, second = await apply_rules(atlas, NOW), await apply_rules(atlas, NOW)

    assert (first["notices"], second["notices"]) == (1, 0)
    left = await (await owner.execute("SELECT words, address, state FROM helpdesk.notice ORDER BY queued_at")).fetchall()
    assert left == [("[erased]", "[erased]", "sent"), ("canary", "+447700900001", "sent")]


async def test_the_name_of_a_landlord_in_whose_house_nothing_of_ours_is_goes_in_time(atlas: Atlas, owner: Owner) -> None:
    area, long_ago = await given.area(owner), NOW - RULES["landlords"].keep - timedelta(days=1)
    for name, consent, changed_at in (("Refused", "refused", long_ago), ("Given", "given", long_ago), ("Lately", "refused", NOW)):
        said = {"name": name, "consent": consent, "landlord": "Zinnia Zanzibar", "consent_changed_at": changed_at}
        await given.row(owner, "gis.building", area_id=area, **said)

    first, second = await apply_rules(atlas, NOW), await apply_rules(atlas, NOW)

    assert (first["landlords"], second["landlords"]) == (1, 0)
    left = await (await owner.execute("SELECT name FROM gis.building WHERE landlord <> '' ORDER BY id")).fetchall()
    assert left == [("Given",), ("Lately",)]


async def test_a_notice_that_is_still_to_be_sent_is_not_over_however_old(atlas: Atlas, owner: Owner) -> None:
    await noticed(owner, await given.customer(owner), RULES["notices"].keep * 2, "in_doubt")

    assert (await apply_rules(atlas, NOW))["notices"] == 0


async def test_each_night_leaves_a_row_of_proof_with_the_oldest_that_is_left(atlas: Atlas, owner: Owner) -> None:
    keep = RULES["quarantine"].keep
    for age in (keep * 2, keep / 2, keep / 4):
        await quarantined(owner, age)

    await apply_rules(atlas, NOW)
    await apply_rules(atlas, NOW)

    async with atlas.transaction(executor("test")) as conn:
        proof = {one.rule: one for one in await kept(conn)}
    assert proof.keys() == RULES.keys()
    assert (proof["quarantine"].removed, proof["quarantine"].removed_in_all) == (0, 1)
    assert proof["quarantine"].oldest_left == NOW - keep / 2


async def test_after_a_night_nothing_is_older_than_its_rule(atlas: Atlas, owner: Owner) -> None:
    await quarantined(owner, RULES["quarantine"].keep * 3)
    await noticed(owner, await given.customer(owner), RULES["notices"].keep * 3, "delivered")

    await apply_rules(atlas, NOW)

    async with atlas.transaction(executor("test")) as conn:
        late = [
            one.rule
            for one in await kept(conn)
            if one.how in ("delete", "rewrite") and one.oldest_left and NOW - one.oldest_left > one.keep
        ]
    assert late == []


async def test_every_rule_is_applied_and_an_empty_house_loses_nothing(atlas: Atlas) -> None:
    assert await apply_rules(atlas, NOW) == dict.fromkeys(RULES, 0)


async def test_the_books_are_only_shown(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    old = NOW - RULES["books"].keep * 2
    invoice = {"month": old.date().replace(day=1), "period_from": old.date(), "period_to": old.date() + timedelta(days=30)}
    await given.row(owner, "billing.invoice", customer_id=customer, issued_at=old, number=1, **invoice)

    assert (await apply_rules(atlas, NOW))["books"] == 0
    assert await one(owner, "SELECT count(*) FROM billing.invoice") == 1
