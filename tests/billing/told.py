"""Customers who are billed, and what was said to them of it: what the tests of telling start from."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas.billing.records.documents import Paper
from atlas.connection import Atlas
from atlas.identity import CustomerId
from forge.matrix_in_force import write_in_force
from forge.outside.ports import Message, Never
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import given
from tests.billing.arranged import one
from tests.billing.billed import charged_line, plan
from tests.given import NOW, Owner, row

MARCH = date(2026, 3, 1)
PHONE = "+447700900123"
SAID = "SELECT string_agg(purpose || ' ' || address || ' ' || words, E'\\n' ORDER BY id) FROM helpdesk.notice WHERE purpose LIKE %s"


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


class Refusing:
    """A carrier that every address is wrong for."""

    async def send(self, message: Message) -> str:
        raise Never(f"{message.channel}: no such address")

    async def find(self, message: Message) -> str | None:  # noqa: ARG002
        return None


@dataclass
class Recording:
    """A carrier that keeps what it was given, in the order in which it came."""

    words: list[str] = field(default_factory=list)

    async def send(self, message: Message) -> str:
        self.words.append(message.words)
        return message.key

    async def find(self, message: Message) -> str | None:  # noqa: ARG002
        return None


def broken(bill: Paper, operator: str) -> bytes:
    raise RuntimeError("no font")


async def charged(owner: Owner, phone: str | None = PHONE, name: str = "Maya Patel") -> CustomerId:
    """Somebody who is charged 36.00 a month with tax."""
    customer, _, _ = await charged_line(owner, await plan(owner, f"p-{name}"), MARCH, name=name)
    if phone is not None:
        await row(owner, "crm.contact", customer_id=customer, channel="sms", address=phone, is_preferred=True)
    return CustomerId(customer)


async def pays(owner: Owner, customer: CustomerId, address: str = "ann@example.com", **columns: Any) -> None:
    known = {"role": "payer", "name": "Ann Smith", "channel": "email", "may": ["pay"], "valid_from": NOW - timedelta(days=9)}
    columns = {**known, "action_id": await given.action(owner), **columns}
    await row(owner, "crm.party_role", customer_id=customer, address=address, **columns)


async def said(owner: Owner, purpose: str = "bill%") -> str | None:
    found: str | None = await one(owner, SAID, purpose)
    return found


async def failed(owner: Owner, purpose: str) -> None:
    await owner.execute("UPDATE helpdesk.notice SET state = 'failed', failure = 'no such address' WHERE purpose = %s", (purpose,))
