"""`bedrock billing`: each command on a database of its own, and what it says to whoever types it wrong."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from api.cli import console
from atlas.connection import Atlas
from evals.cli import app
from tests import given
from tests.billing.arranged import bill, customer_with_line, one, payment
from tests.billing.billed import billed, charged_line, plan
from tests.cmdb import aaa
from tests.conftest import SECRET
from tests.given import Owner, row

Bedrock = Callable[..., Awaitable[Result]]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def bedrock(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    """The command line, on this test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("BEDROCK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(console, "width", 200)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret").write_text(SECRET.hex())

    async def typed(*words: object) -> Result:
        # A command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, ["billing", *map(str, words)])

    yield typed
    # What a command logged to is gone with its output.
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


def said(result: Result) -> Any:
    return json.loads(result.stdout)


async def due(owner: Owner) -> int:
    """A customer whose billing day is today, and who was never billed."""
    version = await plan(owner, "p", 3000)
    await owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'launched' WHERE code = 'p'")
    customer, _, _ = await charged_line(owner, version, TODAY, cycle_day=TODAY.day)
    return customer


async def test_the_books_hold_and_what_does_not_is_named_with_exit_one(bedrock: Bedrock, owner: Owner) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, date(2026, 1, 1), {"Fibre 100": 3000})
    whole = await bedrock("invariants")
    await owner.execute("SET session_replication_role = 'replica'")
    await owner.execute("UPDATE billing.balance SET amount_minor = amount_minor + 1 WHERE ledger_account = 'receivable'")

    broken, as_json = await bedrock("invariants"), await bedrock("invariants", "--json")

    assert (whole.exit_code, "The books hold" in whole.stdout) == (0, True)
    assert (broken.exit_code, "What must hold" in broken.stdout) == (1, True)
    assert (as_json.exit_code, len(said(as_json)["broken"]) > 0) == (1, True)


async def test_an_invoice_is_written_as_the_very_pdf_and_one_that_is_not_there_is_said(
    bedrock: Bedrock, owner: Owner, tmp_path: Path
) -> None:
    customer, _ = await customer_with_line(owner)
    await bill(owner, customer, date(2026, 1, 1), {"Fibre 100": 3000})
    number = await one(owner, "SELECT number FROM billing.invoice")
    first, second = tmp_path / "first.pdf", tmp_path / "second.pdf"

    written = [await bedrock("invoice", number, "--pdf", path) for path in (first, second)]
    unknown = await bedrock("invoice", number + 1, "--pdf", tmp_path / "none.pdf")

    assert [each.exit_code for each in written] == [0, 0]
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"%PDF-")
    assert (unknown.exit_code, "NotFound" in unknown.stdout, (tmp_path / "none.pdf").exists()) == (1, True, False)


async def test_nothing_leaks_or_each_leak_is_listed_with_its_money(bedrock: Bedrock, atlas: Atlas, owner: Owner) -> None:
    clean = await bedrock("leaks")
    async with aaa.radius_of(atlas, owner) as radius:
        await radius.tell("Start", address="100.64.0.7")
    leaking, as_json = await bedrock("leaks"), await bedrock("leaks", "--json")

    assert (clean.exit_code, clean.stdout.strip()) == (0, "Nothing leaks.")
    assert (leaking.exit_code, "session_without_charge" in leaking.stdout) == (1, True)
    assert [(each["kind"], each["monthly"]) for each in said(as_json)] == [("session_without_charge", "30.00")]


async def test_a_preview_issues_nothing_and_the_run_does_with_a_number(bedrock: Bedrock, owner: Owner) -> None:
    customer = await due(owner)

    shown = await bedrock("preview", "--json")
    unissued = await one(owner, "SELECT count(*) FROM billing.invoice WHERE number IS NOT NULL")
    ran = await bedrock("run", "--json")
    again = await bedrock("run")

    assert (shown.exit_code, said(shown)["totals"]["bills"], unissued) == (0, 1, 0)
    assert (ran.exit_code, said(ran)["run"]["state"], again.exit_code) == (0, "done", 0)
    issued = await (await owner.execute("SELECT customer_id, number, total_net_minor FROM billing.invoice")).fetchall()
    assert issued == [(customer, 100001, 3000)]


async def test_a_run_above_the_matrix_waits_with_exit_two_and_issues_nothing(bedrock: Bedrock, owner: Owner) -> None:
    version = await plan(owner, "dear", 250_000)
    await charged_line(owner, version, TODAY, cycle_day=TODAY.day)

    ran = await bedrock("run", TODAY.isoformat())

    assert (ran.exit_code, "waits for somebody's approval" in ran.stdout) == (2, True)
    assert await one(owner, "SELECT count(*) FROM billing.invoice WHERE number IS NOT NULL") == 0


async def test_each_line_of_a_bill_says_how_it_came_about(bedrock: Bedrock, owner: Owner) -> None:
    version = await plan(owner, "p", 3000)
    customer, _, _ = await charged_line(owner, version, date(2026, 3, 1))
    await billed(owner, date(2026, 3, 1), customer)

    table, as_json, empty = (
        await bedrock("explain", customer, "2026-03"),
        await bedrock("explain", customer, "2026-03", "--json"),
        await bedrock("explain", customer, "2026-04", "--json"),
    )

    assert (table.exit_code, "3000 * 31 / 31" in table.stdout, "accounting_start:1" in table.stdout) == (0, True, True)
    assert [(line["net"], line["catalogue_code"]) for line in said(as_json)] == [("30.00", "p")]
    assert said(empty) == []


async def test_the_providers_list_is_laid_beside_ours(bedrock: Bedrock, owner: Owner, tmp_path: Path) -> None:
    customer, _ = await customer_with_line(owner)
    at = datetime.now(UTC) - timedelta(days=1)
    await payment(owner, customer, 3000, received_at=at, reference="pi_1")
    same, other = tmp_path / "same.csv", tmp_path / "other.csv"
    same.write_text(f"reference,amount,at\npi_1,30.00,{at.isoformat()}\n")
    other.write_text(f"reference,amount,at\npi_1,31.00,{at.isoformat()}\n")

    agree, differ = await bedrock("reconcile", same), await bedrock("reconcile", other)
    as_json = await bedrock("reconcile", other, "--json")

    assert (agree.exit_code, "1 payments agree, 0 do not" in agree.stdout) == (0, True)
    assert (differ.exit_code, "we have 30.00, the provider 31.00" in differ.stdout) == (1, True)
    assert [each["reference"] for each in said(as_json)["differences"]] == ["pi_1"]


@pytest.mark.parametrize(
    ("words", "exit_code", "complaint"),
    [
        (("explain", "twelve", "2026-03"), 2, "should be a valid integer"),
        (("explain", "12", "March"), 2, "'March' does not match the format"),
        (("explain", "12"), 2, "Missing argument 'month'"),
        (("preview", "31.12.2026"), 2, "does not match the format"),
        (("run", "tomorrow"), 2, "does not match the format"),
        (("invoice", "100001"), 2, "Missing option '--pdf'"),
        (("reconcile", "/nowhere/at/all.csv"), 2, "does not exist"),
        (("undo",), 2, "No such command 'undo'"),
    ],
)
async def test_what_is_typed_wrong_is_said_and_nothing_is_done(
    bedrock: Bedrock, owner: Owner, words: tuple[str, ...], exit_code: int, complaint: str
) -> None:
    result = await bedrock(*words)

    assert (result.exit_code, complaint in result.output) == (exit_code, True), result.output
    assert await one(owner, "SELECT count(*) FROM billing.bill_run") == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("reference,amount,at\npi_1,thirty,2026-03-01\n", "line 2"),
        ("reference,amount\npi_1,30.00\n", "line 2"),
        ("reference,amount,at\npi_1,30.005,2026-03-01\n", "line 2"),
        ("reference,amount,at\npi_1,30.00,2026-03-01\npi_2,1.00,yesterday\n", "line 3"),
    ],
)
async def test_a_list_that_cannot_be_read_is_refused_with_its_line(bedrock: Bedrock, tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)

    result = await bedrock("reconcile", file)

    assert (result.exit_code, complaint in result.stdout) == (1, True), result.output


async def test_what_we_owe_to_leavers_is_listed_with_its_reason_and_answers_no_while_anything_is_owed(
    bedrock: Bedrock, owner: Owner
) -> None:
    nobody = await bedrock("leavers")
    customer, line = await customer_with_line(owner, "Omar Haddad")
    await payment(owner, customer, 1250)
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated' WHERE id = %s", (line,))

    found = await bedrock("leavers", "--json")

    assert (nobody.exit_code, "Nobody who left" in nobody.stdout, found.exit_code) == (0, True, 1)
    assert [(each["name"], each["owed"], each["why"]) for each in json.loads(found.stdout)] == [("Omar Haddad", "12.50", "")]


async def test_letters_are_listed_exported_with_their_index_and_kept_as_returned(bedrock: Bedrock, owner: Owner, tmp_path: Path) -> None:
    customer, _ = await customer_with_line(owner)
    words = {
        "purpose": "reminder",
        "key": "k",
        "channel": "letter",
        "address": "Maya\nHarbour",
        "language": "en",
        "template": "",
        "words": "pay",
    }
    sent = {"state": "sent", "provider_reference": "LT-7", "action_id": await given.action(owner)}
    await row(owner, "helpdesk.notice", customer_id=customer, **words, **sent)
    await row(owner, "helpdesk.letter", id=7, key="k", notice_key="k", address="Maya\nHarbour", pages=1, pdf=b"%PDF-1")

    async def letters(*said: object) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["letters", *map(str, said)])

    exported, again = await letters("export", tmp_path / "post"), await letters("export", tmp_path / "post")
    posted, returned, listed = await letters("list"), await letters("returned", "LT-7"), await letters("list", "--json")

    assert ("1 letters are in" in exported.stdout, "No letter waits" in again.stdout, "posted" in posted.stdout) == (True, True, True)
    assert (tmp_path / "post" / "index.csv").read_text().splitlines()[1].startswith("LT-7,Maya,Harbour,,,,,1,")
    assert (returned.exit_code, json.loads(listed.stdout)[0]["returned_at"] is not None) == (0, True)
