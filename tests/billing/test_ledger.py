import asyncio
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.errors import (
    CheckViolation,
    InsufficientPrivilege,
    InvalidParameterValue,
    ObjectNotInPrerequisiteState,
    UniqueViolation,
)

from atlas.billing.reads.books import SQL, broken_invariants
from atlas.billing.records.books import INVARIANTS
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor, intake
from governance.facts import Facts
from tests import given
from tests.billing.arranged import bill, customer_with_line, one, open_of, owed, payment
from tests.given import NOW, Owner
from tests.layers import gate

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture
async def maya(owner: Owner) -> int:
    return (await customer_with_line(owner))[0]


@pytest.fixture(autouse=True)
async def books_hold(owner: Owner) -> Any:
    """Whatever a test did, at its end the books hold."""
    yield
    assert await broken_invariants(owner) == []


async def posted(owner: Owner, sides: dict[str, int], customer: int) -> None:
    async with owner.transaction():
        journal = await given.row(owner, "billing.journal", kind="opening", operation_key="opening:1")
        for account, amount in sides.items():
            row = {"journal_id": journal, "ledger_account": account, "customer_id": customer, "amount_minor": amount}
            await given.row(owner, "billing.posting", **row)


async def journal_of(owner: Owner, invoice: int) -> int:
    return int(await one(owner, "SELECT journal_id FROM billing.invoice WHERE id = %s", invoice))


async def reverse(owner: Owner, journal: int) -> None:
    await owner.execute("SELECT billing.reverse_journal(%s, %s, 'a mistake')", (journal, NOW))


async def test_a_journal_that_does_not_balance_is_not_committed(owner: Owner, maya: int) -> None:
    with pytest.raises(CheckViolation, match="does not balance"):
        await posted(owner, {"receivable": 100, "opening": -99}, maya)

    assert await one(owner, "SELECT count(*) FROM billing.journal") == 0


async def test_a_journal_is_balanced_by_the_end_of_its_transaction_not_before(owner: Owner, maya: int) -> None:
    await posted(owner, {"receivable": 100, "opening": -100}, maya)

    assert await owed(owner, maya) == 100


async def test_a_journal_without_postings_is_not_committed(owner: Owner) -> None:
    with pytest.raises(CheckViolation):
        await given.row(owner, "billing.journal", kind="opening", operation_key="opening:1")


async def test_nothing_is_added_to_a_journal_of_yesterday(owner: Owner, maya: int) -> None:
    journal = await journal_of(owner, await bill(owner, maya, MARCH, {"Fibre 100": 3000}))

    with pytest.raises(ObjectNotInPrerequisiteState, match="while it is being made"):
        await given.row(owner, "billing.posting", journal_id=journal, ledger_account="bank", customer_id=maya, amount_minor=0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE billing.posting SET amount_minor = 0",
        "DELETE FROM billing.posting",
        "UPDATE billing.journal SET kind = 'opening'",
        "UPDATE billing.payment SET amount_minor = 1",
        "DELETE FROM billing.payment",
        "UPDATE billing.allocation SET amount_minor = 1",
        "UPDATE billing.invoice SET due_on = '2030-01-01'",
        "UPDATE billing.invoice_line SET amount_minor = 1",
        "DELETE FROM billing.invoice_line",
        "INSERT INTO billing.invoice_line SELECT id + 1, invoice_id, label, kind, 1, 0, NULL, NULL, cause FROM billing.invoice_line",
    ],
)
async def test_what_is_in_the_books_is_not_changed_even_by_their_owner(owner: Owner, maya: int, change: str) -> None:
    await bill(owner, maya, MARCH, {"Fibre 100": 3000})
    await payment(owner, maya, 3000)

    with pytest.raises(ObjectNotInPrerequisiteState, match="never changed"):
        await owner.execute(change.encode())


async def test_money_settles_the_bill_that_was_due_first(owner: Owner, maya: int) -> None:
    march, february = await bill(owner, maya, MARCH, {"Fibre": 3000}), await bill(owner, maya, FEBRUARY, {"Fibre": 2000})

    await payment(owner, maya, 2500)

    assert (await open_of(owner, february), await open_of(owner, march)) == (0, 2500)
    assert await one(owner, "SELECT array_agg(state ORDER BY month) FROM billing.invoice") == ["settled", "partiallyPaid"]


async def test_what_was_paid_too_much_waits_for_the_next_bill(owner: Owner, maya: int) -> None:
    await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    await payment(owner, maya, 2500)

    march = await bill(owner, maya, MARCH, {"Fibre": 3000})

    assert (await open_of(owner, march), await owed(owner, maya)) == (2500, 2500)


async def test_a_bill_in_dispute_is_passed_over_until_the_dispute_ends(owner: Owner, maya: int) -> None:
    january = await bill(owner, maya, JANUARY, {"Fibre": 2000})
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    await owner.execute("SELECT billing.set_dispute(%s, true)", (january,))
    await payment(owner, maya, 3000)
    meanwhile = (await open_of(owner, january), await open_of(owner, february))

    await owner.execute("SELECT billing.set_dispute(%s, false)", (january,))

    assert (meanwhile, await open_of(owner, january)) == ((2000, 0), 1000)


async def test_a_bill_of_a_discount_alone_is_money_for_the_others(owner: Owner, maya: int) -> None:
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 2000})

    await bill(owner, maya, MARCH, {"Goodwill": -500})

    assert (await open_of(owner, february), await owed(owner, maya)) == (1500, 1500)


async def test_a_bill_of_nothing_is_settled_as_it_is_issued(owner: Owner, maya: int) -> None:
    await bill(owner, maya, MARCH, {"Fibre": 2000, "First month free": -2000})

    assert await one(owner, "SELECT state FROM billing.invoice") == "settled"


async def test_the_same_payment_told_twice_at_once_is_received_once(owner: Owner, maya: int, database_url: str) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as other:
        await asyncio.gather(payment(owner, maya, 900, reference="P1"), payment(other, maya, 900, reference="P1"))

    assert (await owed(owner, maya), await one(owner, "SELECT count(*) FROM billing.payment")) == (-900, 1)


async def test_one_reference_with_another_amount_is_refused(owner: Owner, maya: int) -> None:
    await payment(owner, maya, 900, reference="P1")

    with pytest.raises(UniqueViolation, match="was received before, with 900"):
        await payment(owner, maya, 901, reference="P1")


async def test_a_returned_payment_opens_the_debt_again_and_is_returned_once(owner: Owner, maya: int) -> None:
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    reference = await payment(owner, maya, 2000)

    await owner.execute("SELECT billing.return_payment(%s, %s, 'no funds')", (reference, NOW))

    assert (await open_of(owner, february), await owed(owner, maya)) == (2000, 2000)
    with pytest.raises(ObjectNotInPrerequisiteState, match="reversed before"):
        await owner.execute("SELECT billing.return_payment(%s, %s, 'no funds')", (reference, NOW))


async def test_a_cancelled_bill_sets_its_money_free_for_the_others(owner: Owner, maya: int) -> None:
    january = await bill(owner, maya, JANUARY, {"Fibre": 2000})
    await payment(owner, maya, 2000)
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 1500})

    await reverse(owner, await journal_of(owner, january))

    assert (await open_of(owner, february), await owed(owner, maya)) == (0, -500)


async def test_a_bill_is_cancelled_once_by_two_people_at_once(owner: Owner, maya: int, database_url: str) -> None:
    journal = await journal_of(owner, await bill(owner, maya, JANUARY, {"Fibre": 2000}))

    async with await AsyncConnection.connect(database_url, autocommit=True) as other:
        ended = await asyncio.gather(reverse(owner, journal), reverse(other, journal), return_exceptions=True)

    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "ObjectNotInPrerequisiteState"]
    assert await owed(owner, maya) == 0


async def test_a_reversal_is_not_reversed(owner: Owner, maya: int) -> None:
    journal = await journal_of(owner, await bill(owner, maya, JANUARY, {"Fibre": 2000}))
    await reverse(owner, journal)

    with pytest.raises(ObjectNotInPrerequisiteState, match="post it anew"):
        await reverse(owner, int(await one(owner, "SELECT id FROM billing.journal WHERE kind = 'reversal'")))


async def test_only_what_no_debt_used_of_a_payment_is_given_back(owner: Owner, maya: int) -> None:
    await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    reference = await payment(owner, maya, 2500)

    with pytest.raises(InvalidParameterValue, match="only 500"):
        await owner.execute("SELECT billing.refund('R1', %s, 501, %s, '')", (reference, NOW))
    for _ in range(2):
        await owner.execute("SELECT billing.refund('R1', %s, 500, %s, '')", (reference, NOW))

    assert await owed(owner, maya) == 0


async def test_no_more_is_written_off_than_is_open(owner: Owner, maya: int) -> None:
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    await payment(owner, maya, 1500)

    with pytest.raises(InvalidParameterValue, match="500 minor units are open"):
        await owner.execute("SELECT billing.write_off('W1', %s, 501, %s, 'gone away')", (february, NOW))
    await owner.execute("SELECT billing.write_off('W1', %s, 500, %s, 'gone away')", (february, NOW))

    assert (await open_of(owner, february), await owed(owner, maya)) == (0, 0)


async def test_money_from_nobody_known_waits_in_suspense_until_somebody_is_found(owner: Owner, maya: int) -> None:
    february = await bill(owner, maya, FEBRUARY, {"Fibre": 2000})
    reference = await payment(owner, None, 2000)
    waiting = await open_of(owner, february)

    await owner.execute("SELECT billing.match_payment(%s, %s, %s, 'name on the slip')", (reference, maya, NOW))

    assert (waiting, await open_of(owner, february)) == (2000, 0)
    assert await one(owner, "SELECT sum(amount_minor)::int FROM billing.posting WHERE ledger_account = 'suspense'") == 0


async def test_money_matched_to_the_wrong_customer_goes_back_and_to_the_right_one(owner: Owner, maya: int) -> None:
    tom = await given.customer(owner, "Tom Okafor", "+447700900002")
    reference = await payment(owner, None, 2000)
    await owner.execute("SELECT billing.match_payment(%s, %s, %s, '')", (reference, maya, NOW))

    await owner.execute("SELECT billing.unmatch_payment(%s, %s, 'another name')", (reference, NOW))
    await owner.execute("SELECT billing.match_payment(%s, %s, %s, '')", (reference, tom, NOW))

    assert (await owed(owner, maya), await owed(owner, tom)) == (0, -2000)


async def test_money_does_not_settle_somebody_elses_bill(owner: Owner, maya: int) -> None:
    tom = await given.customer(owner, "Tom Okafor", "+447700900002")
    his = await journal_of(owner, await bill(owner, tom, FEBRUARY, {"Fibre": 2000}))
    await payment(owner, maya, 900, reference="P1")
    hers = await one(owner, "SELECT journal_id FROM billing.payment")

    with pytest.raises(CheckViolation, match="same customer"):
        await given.row(owner, "billing.allocation", customer_id=tom, from_journal_id=hers, to_journal_id=his, amount_minor=900)


async def test_a_hundred_payments_of_one_customer_at_once_are_all_counted_and_none_is_refused(
    owner: Owner, maya: int, database_url: str
) -> None:
    async def pays(number: int) -> None:
        async with await AsyncConnection.connect(database_url, autocommit=True) as conn:
            for each in range(20):
                await payment(conn, maya, 100, NOW + timedelta(minutes=each), f"P{number}-{each}")

    await bill(owner, maya, FEBRUARY, {"Fibre": 5000})
    await asyncio.gather(*(pays(number) for number in range(5)))

    assert await owed(owner, maya) == -5000


async def test_a_door_for_machines_receives_a_payment_and_gives_nothing_back(atlas: Atlas, owner: Owner, maya: int) -> None:
    async with atlas.transaction(intake("payments")) as conn:
        await conn.execute("SELECT billing.receive_payment(%s, 900, %s, 'card', 'P1')", (maya, NOW))

    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(intake("payments")) as conn:
            await conn.execute("SELECT billing.refund('R1', 'P1', 900, %s, '')", (NOW,))
    assert await owed(owner, maya) == -900


@pytest.mark.parametrize(
    "effect",
    [
        "SELECT billing.refund('R1', 'P1', 900, now(), '')",
        "SELECT billing.reverse_journal((SELECT journal_id FROM billing.invoice), now(), '')",
        "SELECT billing.write_off('W1', (SELECT id FROM billing.invoice), 1, now(), '')",
        "SELECT billing.set_dispute((SELECT id FROM billing.invoice), true)",
        "SELECT * FROM billing.post_credits('x', ARRAY[1], ARRAY[1], ARRAY[1], ARRAY['x'], now())",
        "INSERT INTO billing.journal (kind, operation_key) VALUES ('opening', 'x')",
        "INSERT INTO billing.posting (journal_id, ledger_account, amount_minor) SELECT id, 'bank', 0 FROM billing.journal",
        "UPDATE billing.balance SET amount_minor = 0",
    ],
)
async def test_no_money_moves_without_an_action_that_was_allowed(atlas: Atlas, owner: Owner, maya: int, effect: str) -> None:
    await bill(owner, maya, FEBRUARY, {"Fibre": 2000}, is_disputed=True)
    await payment(owner, maya, 2900, reference="P1")

    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(executor("test")) as conn:
            await conn.execute(effect.encode())


async def test_a_part_of_the_system_that_lies_about_its_action_posts_nothing(atlas: Atlas, owner: Owner, maya: int) -> None:
    action = await given.action(owner, state="executing")
    await payment(owner, maya, 900, reference="P1")

    lie = "SELECT billing.refund('R1', 'P1', 900, %s, '') FROM set_config('bedrock.action', %s, true)"
    with pytest.raises(InsufficientPrivilege, match="no action was allowed"):
        async with atlas.transaction(executor("test")) as conn:
            await conn.execute(lie, (NOW, str(action)))


async def test_the_currency_of_the_books_stays_once_something_is_posted(owner: Owner, maya: int) -> None:
    await owner.execute("SELECT billing.set_currency('EUR')")
    await owner.execute("SELECT billing.set_currency('GBP')")
    await payment(owner, maya, 900)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="are kept in GBP"):
        await owner.execute("SELECT billing.set_currency('EUR')")


def test_every_invariant_that_is_asked_has_its_name_on_the_list() -> None:
    asked = re.findall(r"^SELECT '((?:[^']|'')+)'", SQL.texts["broken_invariants"], re.MULTILINE)

    assert {name.replace("''", "'") for name in asked} == set(INVARIANTS)


async def credited(atlas: Atlas, owner: Owner, judged_for: Facts, amount: int) -> None:
    """Claims an order that the gate allowed for these facts, and posts a credit under it."""
    customer, line = (await customer_with_line(owner))[:2]
    await owner.execute(
        "INSERT INTO actions.may_write (action, effect) VALUES ('credit', 'billing.journal.credit'), ('note', 'billing.journal.credit')"
    )
    action_id = await gate.judged_alone(atlas, owner, judged_for)
    given_now = "SELECT * FROM billing.post_credits('x', ARRAY[%s::bigint], ARRAY[%s::bigint], ARRAY[%s::bigint], ARRAY['x'], now())"
    async with atlas.transaction(gate.TEST) as conn:
        await gate.claimed(conn, action_id)
        await conn.execute(given_now, (customer, line, amount))


FIVE: Final = Facts("credit", money=Money("5.00"), money_each=Money("5.00"), customers=1)


async def test_an_action_posts_what_it_was_judged_for(atlas: Atlas, owner: Owner) -> None:
    await credited(atlas, owner, FIVE, 500)

    assert await one(owner, "SELECT amount_minor FROM billing.credit") == 500


async def test_an_order_judged_for_nobody_credits_nobody(atlas: Atlas, owner: Owner) -> None:
    with pytest.raises(InsufficientPrivilege, match="was judged for 0 customers"):
        await credited(atlas, owner, replace(FIVE, customers=0), 500)

    assert await one(owner, "SELECT count(*) FROM billing.credit") == 0


@pytest.mark.parametrize(
    ("judged_for", "amount"), [(FIVE, 501), (Facts("note", customers=1), 1)], ids=["a penny more", "an order about no money"]
)
async def test_an_action_posts_no_more_than_it_was_judged_for_whoever_claims_it(
    atlas: Atlas, owner: Owner, judged_for: Facts, amount: int
) -> None:
    with pytest.raises(InsufficientPrivilege, match="was judged for"):
        await credited(atlas, owner, judged_for, amount)

    assert await one(owner, "SELECT count(*) FROM billing.credit") == 0
