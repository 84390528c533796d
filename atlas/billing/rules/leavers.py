"""How what we owe to somebody who left goes back to them, and why some of it does not go by itself. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from atlas.billing.records.leavers import FinalStatement, OwedToLeaver, PartBack, WayBack
from atlas.billing.rules.money_in import checked_transfer
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CustomerId
from atlas.money import ZERO, Money

# What a last bill in somebody's favour is by itself; anything else that stands out of it is looked at first.
OF_ITSELF: Final = frozenset({"zero", "negative"})


class NothingOwedToThem(AtlasError):
    """Somebody is still served, or has nothing to come."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(f"customer {customer_id} is still served, or has nothing to come")
        self.customer_id = customer_id


class PayoutExceedsOwed(AtlasError):
    """More would go out than is owed to them, or than their payments brought."""

    def __init__(self, customer_id: CustomerId, amount: Money, why: str) -> None:
        super().__init__(f"amount: {amount} cannot be paid to customer {customer_id}: {why}")
        self.customer_id = customer_id


def goes_alone(statement: FinalStatement) -> bool:
    return OF_ITSELF.issuperset(statement.anomalies)


def moved_by(statement: FinalStatement) -> Money:
    """What issuing it moves in the books: lines against each other count by the larger side."""
    return max(-statement.net, ZERO) + max(-statement.tax, ZERO)


def parts_of(owed: Money, ways: Iterable[WayBack]) -> tuple[PartBack, ...]:
    """`owed`, split over the payments by whose way it goes back, in their order; less than all of it where they do not bear it."""
    parts: list[PartBack] = []
    for way in ways:
        part = min(way.left, owed)
        if part > ZERO:
            parts.append(PartBack(way.reference, part, way.left))
            owed -= part
    return tuple(parts)


def why_it_waits(one: OwedToLeaver) -> str:
    """One word for what keeps it: what has to come first, who decides, or why no way leads back. Empty: it goes at the next look."""
    if one.statement_id is not None:
        return "final_statement_to_come" if OF_ITSELF.issuperset(one.anomalies) else "look_at_final_statement"
    if one.action_id is not None:
        return "waits_for_approval"
    if one.is_deceased:
        return "deceased"
    if one.can_go_back >= one.owed:
        return ""
    return _no_way(one)


def _no_way(one: OwedToLeaver) -> str:
    if one.can_go_back > ZERO:
        return "more_than_they_paid_this_way"
    if one.taken_back:
        return "their_bank_took_it_back"
    return "paid_over_the_counter" if one.paid_by_hand else "never_paid"


def is_due(one: OwedToLeaver) -> bool:
    """Whether it, or a part of it, can be sent back now without anybody being asked first how."""
    return one.owed > ZERO and one.can_go_back > ZERO and one.statement_id is None and one.action_id is None and not one.is_deceased


def checked_payout(one: OwedToLeaver, amount: Money, reference: str, paid_on: date, today: date) -> Money:
    """`amount`, if a person may have transferred so much. Raises PayoutExceedsOwed or InvalidField."""
    if amount <= ZERO:
        raise InvalidField("amount", "more than nothing is paid out")
    if amount > one.owed:
        raise PayoutExceedsOwed(one.customer_id, amount, f"{one.owed} is owed to them")
    checked_transfer(reference, paid_on, today)
    return amount


def only(found: Sequence[OwedToLeaver], customer_id: CustomerId) -> OwedToLeaver:
    """Raises NothingOwedToThem."""
    for one in found:
        if one.customer_id == customer_id and one.owed > ZERO:
            return one
    raise NothingOwedToThem(customer_id)
