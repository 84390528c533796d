"""Whose words came from an address: the one customer's who has it, one of several that said which, or whom somebody there acts for.

An address is a claim: nothing here makes anybody surer than that.
"""

from dataclasses import dataclass
from datetime import datetime

from atlas.crm.reads import acted_for_from, customers_at
from atlas.crm.reads import customer as customer_of
from atlas.crm.rules import the_one_named
from atlas.errors import InvalidField
from atlas.helpdesk.reads import asked_which_at, chosen_at
from atlas.identity import CustomerId
from atlas.principal import Principal, customer, stranger
from atlas.statements import Connection


@dataclass(frozen=True)
class Sender:
    """`is_choice`: these very words said which of several customers it is."""

    principal: Principal
    is_choice: bool = False


async def sender_at(conn: Connection, channel: str, address: str, words: str, now: datetime) -> Sender:
    """Nobody, where nothing says who: of several that share an address none is guessed."""
    try:
        owners = await customers_at(conn, address)
        acted_for = [] if owners else await acted_for_from(conn, address, now)
    except InvalidField:
        # A short code, a name or a withheld number instead of one: somebody wrote all the same.
        return Sender(stranger())
    if len(owners) > 1:
        return await _one_of(conn, channel, address, words, owners, now)
    only = owners or (acted_for if len(acted_for) == 1 else [])
    return Sender(customer(only[0]) if only else stranger())


async def _one_of(conn: Connection, channel: str, address: str, words: str, owners: list[CustomerId], now: datetime) -> Sender:
    """Whoever they last were within half a day; else whoever they say they are, once they were asked."""
    before = await chosen_at(conn, channel, address, owners, now)
    if before is not None:
        return Sender(customer(before))
    asked = await asked_which_at(conn, channel, address, now)
    named = the_one_named(words, [await customer_of(conn, one) for one in owners]) if asked else None
    return Sender(stranger()) if named is None else Sender(customer(named), is_choice=True)
