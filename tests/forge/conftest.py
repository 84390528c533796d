"""A Forge over a fresh Atlas, with a matrix of two rows and a clock that tests turn."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from atlas.connection import Atlas
from forge.graph import Bookmarks, open_bookmarks
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load
from tests.forge.orders import Credits, Promise
from tests.given import Owner

MATRIX = """
quiet_hours: 21:00-08:00
defaults: {expires_in: 4h, execute_within: 30m}
rows:
  - rule: promise
    action: record_promise
    customers_up_to: 1
    verdict: auto
    because: what was promised to one customer is kept track of
  - rule: promises
    action: record_promise
    verdict: approve
    approvers: care_lead
    because: several customers are promised something at once
  - rule: credits-small
    action: issue_credits
    money_up_to: 25.00
    money_each_up_to: 25.00
    verdict: auto_and_tell
    tell: billing_lead
    because: small credits
  - rule: credits-large
    action: issue_credits
    money_up_to: 1000.00
    verdict: approve
    approvers: billing_lead
    because: credits above 25.00 together
  - rule: credits-very-large
    action: issue_credits
    verdict: approve
    approvers: [billing_lead, operations_director]
    because: credits above 1000.00 together
allowances:
  - rule: promises-to-a-customer-in-a-day
    action: record_promise
    per: customer
    within: 1d
    actions_up_to: 3
    then: approve
    approvers: care_lead
    because: this customer was promised three things today
hard_limits:
  record_promise: {alone: {customers: 1}, ever: {customers: 1000}}
  issue_credits: {alone: {customers: 500, money: 250.00, money_each: 25.00}, ever: {customers: 1000, money: 5000.00, money_each: 1000.00}}
"""


@dataclass
class Clock:
    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner, clock: Clock) -> Forge:
    await write_in_force(owner, load(MATRIX))
    # These credits are promises: the smallest table that an order of the register may write.
    await owner.execute("INSERT INTO actions.may_write (action, effect) VALUES ('issue_credits', 'helpdesk.promise')")
    return Forge(atlas, Register.of([Promise, Credits]), MatrixInForce(load(MATRIX)), clock, ZoneInfo("Europe/London"))


@pytest.fixture
async def bookmarks(atlas: Atlas) -> AsyncIterator[Bookmarks]:
    async with open_bookmarks(atlas) as opened:
        yield opened
