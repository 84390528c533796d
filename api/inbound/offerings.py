"""Offerings out of a YAML file, as a product manager writes them: each checked, and asked for by an order that somebody agrees to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

from atlas.billing.reads.bills import currency
from atlas.catalogue.records import NewOffering, Phase, PriceComponent
from atlas.catalogue.rules.offers import normalised_speed
from atlas.catalogue.rules.pricing import checked_amount, discounted
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CorrelationId
from atlas.money import Money
from atlas.principal import Principal, executor
from forge.actions.catalogue import DefineOffering
from forge.propose import Forge, propose

READER: Final = executor("import")
NEEDED: Final = ("code", "name", "technology", "segment", "from", "down", "up", "services", "prices", "pool")
OPTIONAL: Final = (
    "category",
    "contract_months",
    "line_profile",
    "service_profile",
    "dhcp_class",
    "areas",
    "currency",
    "requires",
    "excludes",
    "included_in",
)
OF_PRICE: Final = ("label", "amount", "kind", "tax", "tax_inclusive", "charged", "discount")


@dataclass(frozen=True)
class OfferingRead:
    """One offering of the file, counted from 1: what it is to be, or which field of it is wrong and why."""

    place: int
    code: str
    new: NewOffering | None
    field: str = ""
    reason: str = ""


@dataclass(frozen=True)
class OfferingTaken:
    """What became of one: the state of its order (`wrong` where none was made, `would_be_asked` dry), its reference, and why."""

    place: int
    code: str
    became: str
    reference: str = ""
    why: str = ""


def offerings_read(text: str, operators_currency: str) -> list[OfferingRead]:
    """Every offering of the file. Raises InvalidField where it is no list of them."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidField("file", f"no YAML: {str(error)[:200]}") from None
    if not isinstance(document, list) or not all(isinstance(one, Mapping) for one in document):
        raise InvalidField("file", "a list of offerings is needed")
    return [_read(place, one, operators_currency) for place, one in enumerate(document, 1)]


def _read(place: int, said: Mapping[str, Any], operators_currency: str) -> OfferingRead:
    code = str(said.get("code", ""))[:40]
    try:
        return OfferingRead(place, code, _offering(said, operators_currency))
    except InvalidField as wrong:
        return OfferingRead(place, code, None, wrong.field, wrong.reason)


def _offering(said: Mapping[str, Any], operators_currency: str) -> NewOffering:
    _only(said, NEEDED, OPTIONAL)
    money = str(said.get("currency", operators_currency))
    prices = tuple(_within(f"prices[{at}]", one, money, operators_currency) for at, one in enumerate(_list(said, "prices")))
    if type(said["from"]) is not date:
        raise InvalidField("from", "a day such as 2027-03-31")
    months = said.get("contract_months", 0)
    if not isinstance(months, int) or isinstance(months, bool):
        raise InvalidField("contract_months", "a whole number of months")
    words = {name: str(said.get(name, "")) for name in ("line_profile", "service_profile", "dhcp_class")}
    return NewOffering(
        code=str(said["code"]),
        name=str(said["name"]),
        technology=str(said["technology"]),
        segment=str(said["segment"]),
        category=str(said.get("category", "base")),
        valid_from=said["from"],
        down_kbps=_speed("down", said["down"]),
        up_kbps=_speed("up", said["up"]),
        contract_months=months,
        services=tuple(str(one) for one in _list(said, "services")),
        prices=prices,
        address_pool=str(said["pool"]),
        areas=tuple(str(one) for one in _list(said, "areas")),
        requires=tuple(str(one) for one in _list(said, "requires")),
        excludes=tuple(str(one) for one in _list(said, "excludes")),
        included_in=tuple(str(one) for one in _list(said, "included_in")),
        **words,
    )


def _only(said: Mapping[str, Any], needed: Sequence[str], optional: Sequence[str] = ()) -> None:
    for name in needed:
        if said.get(name) in (None, ""):
            raise InvalidField(name, "it is missing")
    for name in said:
        if name not in (*needed, *optional):
            raise InvalidField(str(name)[:40], f"nobody knows it; there are {', '.join((*needed, *optional))}")


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    found = said.get(name) or []
    if not isinstance(found, list):
        raise InvalidField(name, "a list is needed")
    return found


def _speed(field: str, said: Any) -> int:
    try:
        return normalised_speed(str(said))
    except InvalidField as wrong:
        raise InvalidField(field, wrong.reason) from None


def _within(field: str, said: Any, money: str, operators_currency: str) -> PriceComponent:
    try:
        return _price(said, money, operators_currency)
    except InvalidField as wrong:
        raise InvalidField(f"{field}.{wrong.field}", wrong.reason) from None


def _price(said: Any, money: str, operators_currency: str) -> PriceComponent:
    if not isinstance(said, Mapping):
        raise InvalidField("label", "a price has a label, an amount and a tax")
    _only(said, ("label", "amount"), OF_PRICE)
    amount = checked_amount(str(said["amount"]), money, operators_currency)
    tax, charged = str(said.get("tax") or ""), str(said.get("charged", "in_advance"))
    plain = (tax, said.get("tax_inclusive") is True, charged, "", "", 1, 0, False, "graduated")
    return PriceComponent(0, str(said.get("kind", "recurring")), str(said["label"]), amount, *plain, _discount(said, amount))


def _discount(said: Mapping[str, Any], amount: Money) -> tuple[Phase, ...]:
    off = said.get("discount")
    if off is None:
        return ()
    if not isinstance(off, Mapping) or not isinstance(off.get("months"), int):
        raise InvalidField("discount", "so many percent for so many months")
    try:
        return (discounted(amount, Decimal(str(off.get("percent"))), off["months"]),)
    except InvalidOperation:
        raise InvalidField("percent", f"{str(off.get('percent'))[:20]} is no number") from None


async def import_offerings(forge: Forge, who: Principal, text: str, correlation: CorrelationId, *, is_dry: bool) -> list[OfferingTaken]:
    """Asks for each offering that can be; one that is wrong holds up no other. Raises InvalidField for a file that is none."""
    async with forge.atlas.transaction(READER) as conn:
        read = offerings_read(text, await currency(conn))
    return [await _taken(forge, who, one, correlation, is_dry=is_dry) for one in read]


async def _taken(forge: Forge, who: Principal, one: OfferingRead, correlation: CorrelationId, *, is_dry: bool) -> OfferingTaken:
    if one.new is None:
        return OfferingTaken(one.place, one.code, "wrong", why=f"{one.field}: {one.reason}")
    try:
        async with forge.atlas.transaction(READER) as conn:
            action = await DefineOffering.of(conn, one.new, forge.now())
        if is_dry:
            return OfferingTaken(one.place, one.code, "would_be_asked")
        asked = await propose(forge, who, action, reason=f"a new offering, {one.code}", correlation_id=correlation)
    except AtlasError as error:
        return OfferingTaken(one.place, one.code, "wrong", why=str(error))
    return OfferingTaken(one.place, one.code, asked.state.value, asked.reference, asked.failure or asked.verdict_reason)
