"""A customer's timeline only grows: DOMAIN.md 2.3, feature 6. Nobody takes a word of it back, but the law."""

from typing import Any

import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, RestrictViolation

from atlas.connection import Atlas
from atlas.crm.reads import customer_page
from atlas.crm.records import Amendment
from atlas.identity import CustomerId, StaffId
from atlas.principal import Assurance, Principal, customer, executor, intake, staff, stranger
from forge.actions.crm.customers import AmendCustomer, MergeCustomers, RecordInteraction
from tests import carried, given
from tests.given import NOW, Owner

CHANGES = (
    "UPDATE {} SET summary = 'never said'",
    "DELETE FROM {}",
    "TRUNCATE {}",
)
TIMELINE = sql.Identifier("crm", "interaction")


async def said(atlas: Atlas, owner: Owner, summary: str = "was promised a call") -> CustomerId:
    """A customer with one line in their timeline, kept by an order that governance let through."""
    maya = CustomerId(await given.customer(owner))
    await carried.out(atlas, RecordInteraction(maya, "call", summary, "test:1"), NOW)
    return maya


async def timeline(atlas: Atlas, whose: CustomerId) -> list[str]:
    async with atlas.transaction(executor("test")) as conn:
        return [one.summary for one in (await customer_page(conn, whose, NOW)).interactions]


def everybody(maya: CustomerId) -> dict[str, Principal]:
    return {
        "the customer": customer(maya, Assurance.VERIFIED),
        "a known number": customer(maya),
        "a stranger": stranger(),
        "staff": staff(StaffId(1), "Finn Desk", frozenset()),
        "intake": intake("test"),
        "executor": executor("test"),
    }


@pytest.mark.parametrize("who", list(everybody(CustomerId(0))))
@pytest.mark.parametrize("change", CHANGES, ids=["change", "remove", "empty"])
async def test_no_role_changes_or_removes_what_stands_in_a_timeline(atlas: Atlas, owner: Owner, who: str, change: str) -> None:
    maya = await said(atlas, owner)

    async with atlas.transaction(everybody(maya)[who]) as conn:
        with pytest.raises(InsufficientPrivilege):
            async with conn.transaction():
                await conn.execute(sql.SQL(change).format(TIMELINE))

    assert await timeline(atlas, maya) == ["was promised a call"]


@pytest.mark.parametrize("change", CHANGES, ids=["change", "remove", "empty"])
async def test_not_even_the_owner_of_the_schema_changes_or_removes_what_stands_in_a_timeline(
    atlas: Atlas, owner: Owner, change: str
) -> None:
    maya = await said(atlas, owner)

    with pytest.raises(RestrictViolation, match="neither changed nor removed"):
        await owner.execute(sql.SQL(change).format(TIMELINE))

    assert await timeline(atlas, maya) == ["was promised a call"]


async def test_a_function_of_ours_that_runs_as_the_owner_changes_no_timeline(atlas: Atlas, owner: Owner) -> None:
    maya = await said(atlas, owner)
    await owner.execute(
        "CREATE FUNCTION crm.tidy() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN DELETE FROM crm.interaction; END $$"
    )

    with pytest.raises(RestrictViolation):
        await owner.execute("SELECT crm.tidy()")

    assert await timeline(atlas, maya) == ["was promised a call"]


async def test_no_order_changes_what_stands_in_a_timeline_it_only_adds(atlas: Atlas, owner: Owner) -> None:
    """Of all orders, those that change who somebody is: amended, then merged away."""
    maya = await said(atlas, owner)
    again = CustomerId(await given.customer(owner, phone="+447700900009"))
    before = await rows(owner)

    await carried.out(atlas, AmendCustomer(maya, 1, Amendment(name="Maya Shah")), NOW)
    async with atlas.transaction(executor("test")) as conn:
        merging = await MergeCustomers.of(conn, again, maya)
    await carried.out(atlas, merging, NOW)

    after = await rows(owner)
    assert (before, len(after) > len(before)) == (after[: len(before)], True)
    assert "was promised a call" in await timeline(atlas, again)


async def rows(owner: Owner) -> list[tuple[Any, ...]]:
    found = await owner.execute("SELECT id, customer_id, at, kind, channel, summary, action_id FROM crm.interaction ORDER BY id")
    return await found.fetchall()


async def test_messages_that_were_exchanged_are_changed_by_no_role_either(owner: Owner) -> None:
    granted = await owner.execute(
        "SELECT grantee, privilege FROM ("
        "  SELECT grantee, privilege_type, table_schema, table_name FROM information_schema.column_privileges"
        "  UNION SELECT grantee, privilege_type, table_schema, table_name FROM information_schema.role_table_grants"
        " ) AS granted (grantee, privilege, in_schema, in_table)"
        " WHERE (in_schema, in_table) = ('helpdesk', 'message') AND grantee LIKE 'bedrock%' AND privilege NOT IN ('SELECT', 'INSERT')"
    )

    assert await granted.fetchall() == []
