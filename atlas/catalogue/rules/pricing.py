"""Prices that may be sold, what one costs on a day of somebody's life with it, and what a change of price would do. Pure."""

import calendar
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from atlas.catalogue.records import Held, Migration, Phase, PriceChange, PriceComponent, PriceMove, Relation
from atlas.errors import AtlasError, InvalidField
from atlas.identity import OfferingVersionId
from atlas.money import ZERO, Money, decimals

SAID: Final = {0: "no", 2: "two", 3: "three"}
# No price of anything sold to households and offices is near it; beyond some thirty digits arithmetic itself gives up.
MOST: Final = Decimal(1_000_000_000)


class BundleHoldsItself(AtlasError):
    """A bundle that is, however deep, a part of itself."""

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__(f"a bundle cannot hold itself: {' > '.join(path)}")
        self.path = tuple(path)


class AddOnUnfit(AtlasError):
    """An add-on that cannot be had beside what is there; the reason is in the message."""


def checked_amount(written: str, currency: str, operators_currency: str, field: str = "amount") -> Money:
    """A price as somebody wrote it. Raises InvalidField: no number, nothing or less, finer than a minor unit, too much, other currency."""
    if currency != operators_currency:
        raise InvalidField("currency", f"{currency[:10]!r} is not the operator's currency, {operators_currency}")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise InvalidField(field, f"{written[:40]!r} is no amount") from None
    if not amount.is_finite() or amount <= 0:
        raise InvalidField(field, f"a price is more than nothing, not {written[:40]}")
    if amount >= MOST:
        raise InvalidField(field, f"{written[:40]} is more than any price")
    if amount != round(amount, decimals()):
        raise InvalidField(field, f"{written[:40]} has more than {SAID[decimals()]} decimals")
    return Money(amount)


def checked_tax_category(code: str, known: Iterable[str]) -> str:
    """Raises InvalidField where none is given, or one that nobody has a rate for."""
    if code not in set(known):
        raise InvalidField("tax_category", f"{code!r} is none of {', '.join(sorted(known))}" if code else "a price needs a tax category")
    return code


def checked_phases(price: PriceComponent, contract_months: int) -> PriceComponent:
    """Raises InvalidField for a discount that lasts longer than the contract it is given for, or costs more than no discount at all."""
    months = sum(phase.months for phase in price.phases)
    if contract_months and months > contract_months:
        raise InvalidField("phases", f"{months} months of discount are longer than the contract of {contract_months}")
    for phase in price.phases:
        if phase.kind == "discount" and phase.amount > price.amount:
            raise InvalidField("phases", f"a discount to {phase.amount} is dearer than the price of {price.amount}")
    return price


def checked_prices(prices: Sequence[PriceComponent], contract_months: int, tax_categories: Iterable[str]) -> None:
    """Raises InvalidField, naming the price and what of it cannot be: none by the month, two of one name, no price, tax or discount."""
    known = frozenset(tax_categories)
    if not any(price.kind == "recurring" for price in prices):
        raise InvalidField("prices", "one of them is charged again and again, or nothing is sold")
    for at, price in enumerate(prices):
        try:
            _checked_price(price, {other.label for other in prices[:at]}, contract_months, known)
        except InvalidField as wrong:
            raise InvalidField(f"prices[{at}].{wrong.field}", wrong.reason) from None


def _checked_price(price: PriceComponent, others: Collection[str], contract_months: int, tax_categories: Collection[str]) -> None:
    if price.kind not in ("recurring", "one_off") or price.label in others:
        raise InvalidField("label", f"{price.label[:60]!r} is there twice, or is neither recurring nor one_off")
    if price.charged not in ("in_advance", "in_arrears"):
        raise InvalidField("charged", f"{price.charged[:20]!r} is neither in_advance nor in_arrears")
    if price.amount <= ZERO:
        raise InvalidField("amount", f"a price is more than nothing, not {price.amount}")
    checked_tax_category(price.tax_category, tax_categories)
    checked_phases(price, contract_months)


def discounted(price: Money, percent: Decimal, months: int) -> Phase:
    """So many months at `percent` less, rounded half away from zero. Raises InvalidField beyond nothing and everything."""
    if not 0 < percent <= 100:
        raise InvalidField("percent", f"a discount is more than 0 % and at most 100 %, not {percent}")
    if months <= 0:
        raise InvalidField("months", "a discount lasts for a month or more")
    return Phase("discount", months, Money.rounded(price.amount * (100 - percent) / 100))


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months later; the last one where that month has no such day."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def amount_on(price: PriceComponent, activated_on: date, day: date) -> Money:
    """What a recurring price is on `day`, both by the customer's own calendar: exactly one price a day, whatever a clock does that night.

    A phase lasts to the end of the day before the same day of its last month; counted from activation each time, so that a month's end
    that was clamped comes back.
    """
    months = 0
    for phase in price.phases:
        months += phase.months
        if day < months_later(activated_on, months):
            return phase.amount
    return price.amount


def monthly_on(prices: Iterable[PriceComponent], activated_on: date, day: date) -> Money:
    return sum((amount_on(price, activated_on, day) for price in prices if price.kind == "recurring"), ZERO)


def simulated_change(change: PriceChange, held: Iterable[Held]) -> PriceMove:
    """What moving everybody who has the offering to its new prices would do, from `change.day` on.

    `held` counts subscribers by the version they have, and by the day they got it. In breach is whoever is within their contract and would
    pay more; each amount is for a month, in whatever form of tax the price is in.
    """
    subscribers = affected = breaches = 0
    before = after = ZERO
    for each in held:
        was = monthly_on(each.prices, each.activated_on, change.day)
        becomes = monthly_on(change.prices, each.activated_on, change.day)
        subscribers += each.subscribers
        before, after = before + was * each.subscribers, after + becomes * each.subscribers
        if was != becomes:
            affected += each.subscribers
        if is_bound(each, change.prices, change.day):
            breaches += each.subscribers
    return PriceMove(subscribers, affected, before, after, after - before, breaches)


def is_bound(held: Held, prices: Iterable[PriceComponent], day: date) -> bool:
    """Within their contract on `day`, and dearer for them by these prices than by their own."""
    known = list(prices)
    dearer = monthly_on(known, held.activated_on, day) > monthly_on(held.prices, held.activated_on, day)
    return dearer and day < months_later(held.activated_on, held.contract_months)


def movable(change: PriceChange, held: Iterable[Held], onto: OfferingVersionId) -> list[Held]:
    """Of those on other versions than `onto`, whoever is bound by no contract and would get the same service for another price."""
    return [
        each for each in held if each.offering_version_id != onto and each.is_same_service and not is_bound(each, change.prices, change.day)
    ]


def migration(change: PriceChange, held: Iterable[Held], onto: OfferingVersionId) -> Migration:
    """What moving everybody who may be moved onto that version would do, from `change.day` on; amounts as `simulated_change` has them."""
    older = [each for each in held if each.offering_version_id != onto]
    moved = movable(change, older, onto)
    return Migration(
        code=change.code,
        offering_version_id=onto,
        day=change.day,
        lines=sum(each.subscribers for each in moved),
        customers=sum(each.customers for each in moved),
        before=sum((monthly_on(each.prices, each.activated_on, change.day) * each.subscribers for each in moved), ZERO),
        after=sum((monthly_on(change.prices, each.activated_on, change.day) * each.subscribers for each in moved), ZERO),
        bound=sum(each.subscribers for each in older if each.is_same_service and is_bound(each, change.prices, change.day)),
        other_service=sum(each.subscribers for each in older if not each.is_same_service),
    )


def checked_day(day: date, today: date) -> date:
    """Raises InvalidField for a day that is over: what was sold was sold at its price."""
    if day < today:
        raise InvalidField("wanted_on", f"{day} is over; a price changes from {today} on at the earliest")
    return day


def repriced(prices: Iterable[PriceComponent], label: str, amount: Money) -> tuple[PriceComponent, ...]:
    """The prices with one of them changed. Raises InvalidField where none is called so, or it would stay as it is."""
    known = list(prices)
    if label not in {price.label for price in known}:
        raise InvalidField("label", f"no price is called {label[:60]!r}; there are {', '.join(price.label for price in known)}")
    changed = tuple(replace(price, amount=amount) if price.label == label else price for price in known)
    if changed == tuple(known):
        raise InvalidField("amount", f"{label} costs {amount} already")
    return changed


def checked_bundle(bundle: str, parts: Iterable[tuple[str, str]]) -> None:
    """Raises BundleHoldsItself. `parts`: every (bundle, part) there would be."""
    inside: dict[str, list[str]] = {}
    for whole, part in parts:
        inside.setdefault(whole, []).append(part)
    waiting = [[bundle]]
    while waiting:
        path = waiting.pop()
        for part in inside.get(path[-1], ()):
            if part == bundle:
                raise BundleHoldsItself([*path, part])
            if part not in path:
                waiting.append([*path, part])


def checked_add_on(code: str, beside: Iterable[str], relations: Iterable[Relation]) -> None:
    """Raises AddOnUnfit where the add-on lacks what it requires, is excluded by what is there, or comes with it anyway."""
    there, known = set(beside), list(relations)
    required = [relation.other_code for relation in known if (relation.code, relation.kind) == (code, "requires")]
    if required and not there & set(required):
        raise AddOnUnfit(f"{code} needs {' or '.join(required)}")
    for relation in known:
        pair = {relation.code, relation.other_code}
        if relation.kind == "excludes" and code in pair and (pair - {code}) & there:
            raise AddOnUnfit(f"{code} cannot be had beside {', '.join(sorted(pair - {code}))}")
        if (relation.code, relation.kind) == (code, "included_in") and relation.other_code in there:
            raise AddOnUnfit(f"{code} is included in {relation.other_code}")


def lost_add_ons(held: Iterable[str], new_plan: str, relations: Iterable[Relation]) -> list[str]:
    """The add-ons that end with a change to `new_plan`: no longer to be had beside it, or now included in it."""
    known, had = list(relations), list(held)
    lost: list[str] = []
    # One that goes may take others with it: those that needed it.
    while gone := next((code for code in had if code not in lost and not _fits(code, {new_plan, *had} - {code, *lost}, known)), None):
        lost.append(gone)
    return [code for code in had if code in lost]


def _fits(code: str, beside: Iterable[str], relations: Iterable[Relation]) -> bool:
    try:
        checked_add_on(code, beside, relations)
    except AddOnUnfit:
        return False
    return True
