from datetime import timedelta
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from atlas.billing.reads.books import latest_invariants
from atlas.billing.records.books import GIVEN_BACK, INVARIANTS, RECONCILED
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.money import Money
from atlas.principal import executor
from forge.books import LOOKS_BACK, BooksInAnotherCurrency, check_books, check_payments, keep_books_in, reconciled
from forge.outside.statement import StatementFile
from tests import given
from tests.billing.arranged import bill, customer_with_line, payment
from tests.given import NOW, Owner, row

A_DAY = timedelta(days=1)


async def test_a_check_of_books_that_hold_is_on_record_with_every_invariant(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})

    checked = await check_books(atlas, NOW)

    async with atlas.transaction(executor("test")) as conn:
        kept = await latest_invariants(conn)
    assert (checked.broken, {one.invariant for one in kept}, sum(one.broken for one in kept)) == ((), set(INVARIANTS), 0)


async def test_a_balance_that_somebody_changed_behind_the_books_is_found(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    await owner.execute("UPDATE billing.balance SET amount_minor = 2999 WHERE ledger_account = 'receivable'")

    checked = await check_books(atlas, NOW)

    assert [(one.invariant, one.expected, one.found) for one in checked.broken] == [("a balance is the sum of its postings", 3000, 2999)]


async def test_what_the_provider_has_and_we_have_not_and_the_other_way_round_is_named(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer, _ = await customer_with_line(owner)
    for reference, minor in {"agrees": 900, "only ours": 100, "differs": 700, "returned": 300}.items():
        await payment(owner, customer, minor, reference=reference)
    await owner.execute("SELECT billing.return_payment('returned', %s, '')", (NOW,))
    statement = tmp_path / "provider.csv"
    rows = [f"agrees,9.00,{NOW}", f"differs,7.01,{NOW}", f"only theirs,5.00,{NOW}", f"last year's,1.00,{NOW - 365 * A_DAY}"]
    statement.write_text("\n".join(["reference,amount,at", *rows]))

    found = await reconciled(atlas, StatementFile(statement), NOW - A_DAY, NOW + A_DAY)

    assert found.agree == 1
    assert [(one.reference, one.kept, one.reported) for one in found.differences] == [
        ("differs", Money("7.00"), Money("7.01")),
        ("only ours", Money("1.00"), None),
        ("only theirs", None, Money("5.00")),
    ]


async def test_every_night_the_days_before_it_are_laid_beside_the_providers_list_and_the_result_is_kept(
    atlas: Atlas, owner: Owner, tmp_path: Path
) -> None:
    customer, _ = await customer_with_line(owner)
    await payment(owner, customer, 900, reference="agrees")
    await payment(owner, customer, 100, reference="only ours")
    statement = tmp_path / "provider.csv"
    statement.write_text(f"reference,amount,at\nagrees,9.00,{NOW}\n")

    await check_books(atlas, NOW)
    found = await check_payments(atlas, StatementFile(statement), NOW + A_DAY)

    async with atlas.transaction(executor("test")) as conn:
        kept = {one.invariant: one.broken for one in await latest_invariants(conn)}
    assert (found.agree, [one.reference for one in found.differences]) == (1, ["only ours"])
    assert (kept[RECONCILED], sum(kept.values()), set(kept)) == (1, 1, {*INVARIANTS, RECONCILED, GIVEN_BACK})


async def test_a_payment_at_the_edge_of_the_days_is_looked_for_on_both_sides_of_it(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    customer, _ = await customer_with_line(owner)
    await payment(owner, customer, 900, reference="a minute apart")
    statement = tmp_path / "provider.csv"
    statement.write_text(f"reference,amount,at\na minute apart,9.00,{NOW - timedelta(minutes=1)}\n")

    found = await reconciled(atlas, StatementFile(statement), NOW, NOW + LOOKS_BACK)

    assert (found.agree, found.differences) == (1, ())


async def test_a_statement_that_cannot_be_read_names_its_line(atlas: Atlas, tmp_path: Path) -> None:
    statement = tmp_path / "provider.csv"
    statement.write_text("reference,amount,at\nP1,nine pounds,2026-03-02\n")

    with pytest.raises(InvalidField, match="line 2"):
        await reconciled(atlas, StatementFile(statement), NOW, NOW + A_DAY)


async def test_nothing_starts_on_books_of_another_currency(atlas: Atlas, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await keep_books_in(atlas, "EUR")
    await payment(owner, customer, 900)

    with pytest.raises(BooksInAnotherCurrency, match="kept in EUR"):
        await keep_books_in(atlas, "GBP")


async def test_money_that_went_out_is_laid_beside_the_providers_refunds_too(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    for key, state, answer in (
        ("agrees", "done", {"reference": "re_1", "at": NOW.isoformat()}),
        ("differs", "done", {"reference": "re_2", "at": NOW.isoformat()}),
        ("refused", "failed", {"why": "card gone"}),
        ("on its way", "queued", None),
    ):
        await refund_ordered(owner, key, state, answer)
    statement = tmp_path / "provider.csv"
    rows = [f"re_1,-5.00,{NOW}", f"re_2,-4.99,{NOW}", f"re_at_their_desk,-1.00,{NOW}", f"re_old,-1.00,{NOW - 365 * A_DAY}"]
    statement.write_text("\n".join(["reference,amount,at", *rows]))

    found = await reconciled(atlas, StatementFile(statement), NOW - A_DAY, NOW + A_DAY)

    assert (found.agree, found.differences, found.refunds_agree) == (0, (), 1)
    assert [(one.reference, one.kept, one.reported) for one in found.refund_differences] == [
        ("re_2", Money("5.00"), Money("4.99")),
        ("re_at_their_desk", None, Money("1.00")),
        ("refused", Money("5.00"), None),
    ]


async def test_a_refund_that_the_provider_does_not_know_is_on_record_in_the_morning(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await refund_ordered(owner, "lost", "done", {"reference": "re_9", "at": NOW.isoformat()})
    statement = tmp_path / "provider.csv"
    statement.write_text("reference,amount,at\n")

    await check_payments(atlas, StatementFile(statement), NOW + A_DAY)

    async with atlas.transaction(executor("test")) as conn:
        kept = {one.invariant: one.broken for one in await latest_invariants(conn)}
    assert kept == {RECONCILED: 0, GIVEN_BACK: 1}


async def refund_ordered(owner: Owner, key: str, state: str, answer: dict[str, str] | None) -> None:
    """An errand to give 5.00 back, as it stands."""
    columns = {"port": "payments", "operation": "refund", "arguments": Jsonb({"reference": "pi_1", "amount_minor": 500}), "key": key}
    ended = {"state": state, "answer": Jsonb(answer) if answer else None, "finished_at": NOW if answer else None, "queued_at": NOW}
    await row(owner, "actions.errand", action_id=await given.action(owner), **columns, **ended)
