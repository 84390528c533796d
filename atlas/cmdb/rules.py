"""How a device ranks, what a reading means, which numbers a pool has, how serials and strands are called, where a box may go. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import unified_diff
from enum import StrEnum
from ipaddress import ip_network
from itertools import groupby, islice
from typing import Final

from atlas.cmdb.records.fibre import Cable, FibreWay, Glass, LineEnd, Met, Strand, StrandEnds
from atlas.cmdb.records.numbers import Astray, PoolForecast, PoolUse, Sighting, StationSeen
from atlas.cmdb.records.plant import DeviceKind, LineCheck, LineVerdict
from atlas.errors import AtlasError, InvalidField

_CORE: Final = frozenset({DeviceKind.GATEWAY, DeviceKind.CORE})
_METRO: Final = frozenset({DeviceKind.METRO, DeviceKind.BNG})

# ITU-T G.984.2 class B+: below the receiver's sensitivity bits are lost, above its overload they are too. The margin is the
# difference between a clean line and one that a bent patch cord will silence.
WEAKEST_DBM: Final = -27.0
STRONGEST_DBM: Final = -8.0
MARGIN_DB: Final = 2.0

# An older reading says how the line was, and not how it is.
FRESH: Final = timedelta(hours=24)
# What a BNG writes when the far end fell silent: usually the box at home lost its power.
WENT_SILENT: Final = frozenset({"Lost-Carrier", "Lost-Service", "Idle-Timeout", "Port-Error"})

SUSPENDED: Final = {
    "non_payment": ("suspended_for_non_payment", "pay"),
    "voluntary": ("suspended_at_own_wish", "speak_to_us"),
    "abuse": ("suspended_for_abuse", "speak_to_us"),
    # Whoever deceives us is not told what we know: a person speaks to them.
    "fraud": ("suspended_for_abuse", "speak_to_us"),
}


class OpticalVerdict(StrEnum):
    GOOD = "good"
    MARGINAL = "marginal"
    TOO_WEAK = "too_weak"
    TOO_STRONG = "too_strong"


def level_of(kind: DeviceKind) -> int:
    """How far up the network a device stands: 2 access, 3 aggregation, 4 metro, 5 core. (1 is a customer's own equipment.)"""
    if kind in _CORE:
        return 5
    if kind in _METRO:
        return 4
    return 3 if kind is DeviceKind.AGGREGATION else 2


def optical_verdict(received_power_dbm: float) -> OpticalVerdict:
    """What light at an ONT means for its line."""
    if received_power_dbm < WEAKEST_DBM:
        return OpticalVerdict.TOO_WEAK
    if received_power_dbm > STRONGEST_DBM:
        return OpticalVerdict.TOO_STRONG
    if received_power_dbm < WEAKEST_DBM + MARGIN_DB:
        return OpticalVerdict.MARGINAL
    return OpticalVerdict.GOOD


def first_cause(check: LineCheck, now: datetime) -> LineVerdict:
    """Looks in the field's order (suspended, a fault that holds the line, the light, the session, then the home) and stops at the first."""
    for look in (_suspension, _fault, _light, _session):
        if found := look(check, now):
            return found
    if _light_is(check, now) is OpticalVerdict.MARGINAL:
        return _verdict(check, "light_marginal", "book_visit", check.measured_at)
    return _verdict(check, "home_network", "check_wifi", None)


def _verdict(check: LineCheck, cause: str, next_step: str, since: datetime | None) -> LineVerdict:
    return LineVerdict(
        check.subscriber_id, check.offering, check.technology, cause, next_step, since, check.incident_id, check.received_power_dbm
    )


def _suspension(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.suspended_for is None:
        return None
    return _verdict(check, *SUSPENDED[check.suspended_for], None)


def _fault(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.incident_id is None or not check.incident_is_outage:
        return None
    if check.incident_cause == "drop":
        return _verdict(check, "own_line_fault", "book_visit", check.lost_at)
    return _verdict(check, "area_fault", "wait", check.lost_at)


def _light_is(check: LineCheck, now: datetime) -> OpticalVerdict | None:
    if check.technology != "fibre" or check.received_power_dbm is None or check.measured_at is None or now - check.measured_at > FRESH:
        return None
    return optical_verdict(check.received_power_dbm)


def _light(check: LineCheck, now: datetime) -> LineVerdict | None:
    found = _light_is(check, now)
    if found in (OpticalVerdict.TOO_WEAK, OpticalVerdict.TOO_STRONG):
        return _verdict(check, f"light_{found}", "book_visit", check.measured_at)
    return None


def _session(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.session_started_at is None:
        return _verdict(check, "never_connected", "speak_to_us", None)
    if check.session_ended_at is None:
        return None
    if check.session_end_cause in WENT_SILENT:
        return _verdict(check, "equipment_without_power", "check_power", check.session_ended_at)
    return _verdict(check, "no_session", "restart", check.session_ended_at)


# Numbers

LONGEST: Final = 2**62


class PoolExhausted(AtlasError):
    """No number is left in any pool that would do."""

    def __init__(self, kind: str, pools: Sequence[str]) -> None:
        super().__init__(f"exhausted: no {kind} is left in {', '.join(pools) or 'any pool, for there is none that would do'}")
        self.kind = kind
        self.pools = tuple(pools)


def places_of(network: str, block_length: int) -> tuple[int, int]:
    """The first and last place of a pool. A subnet keeps its network and broadcast address to itself, but for /31 (RFC 3021) and /32; a
    subnet of IPv6 its first (the routers' anycast, RFC 4291). Raises InvalidField.
    """
    try:
        net = ip_network(network, strict=True)
    except ValueError as error:
        raise InvalidField("network", str(error)) from None
    if not net.prefixlen <= block_length <= net.max_prefixlen:
        raise InvalidField("block_length", f"from {net.prefixlen} to {net.max_prefixlen} inside {network}")
    if net.version == 6 and net.prefixlen < 64 < block_length:
        raise InvalidField("block_length", "addresses of IPv6 are handed out from a subnet of /64 or longer")
    last = min(2 ** (block_length - net.prefixlen), LONGEST) - 1
    is_address = block_length == net.max_prefixlen
    if not is_address or last <= 1:
        return 0, last
    return (1, last - 1) if net.version == 4 else (1, last)


def forecast(use: PoolUse, horizon: timedelta) -> PoolForecast:
    """What is free now, and what will be when the order book is carried out and as many lines leave as left lately."""
    free = use.size - use.in_use - use.in_quarantine
    # Whoever leaves late in the horizon gives back a number that is still in quarantine at its end.
    in_time = max(0.0, 1 - use.quarantine / horizon)
    return PoolForecast(use, free, free + use.returning + use.due_out + int(use.lost_lately * in_time) - use.due_in)


# Equipment

SERIAL: Final = re.compile(r"^[A-Z0-9]{6,24}$")
# ITU-T G.984.3: four letters of the maker and eight hexadecimal digits; some write the letters as hexadecimal too.
ONT_SERIAL: Final = re.compile(r"^[A-Z]{4}[0-9A-F]{8}$")
ONT_SERIAL_HEX: Final = re.compile(r"^(?:4[1-9A-F]|5[0-9A])(?:[0-9A-F]{2}){3}[0-9A-F]{8}$")
KINDS_OF_TECHNOLOGY: Final = {"fibre": "ont", "docsis": "modem", "fixed_wireless": "radio"}
# What may become of a box; a retired one stays retired.
ASSET_LEGAL: Final[dict[str, frozenset[str]]] = {
    "stock": frozenset({"assigned", "rma", "retired"}),
    "assigned": frozenset({"installed", "stock", "rma"}),
    "installed": frozenset({"stock", "rma"}),
    "rma": frozenset({"stock", "retired"}),
    "retired": frozenset(),
}


class NotInStock(AtlasError):
    """The box cannot be given out; the reason is in the message."""


class SerialTaken(AtlasError):
    """The box stands at another line already."""

    def __init__(self, serial: str) -> None:
        super().__init__(f"{serial} stands at another line already: check the label, or take it back from there first")
        self.serial = serial


class DeviceInUse(AtlasError):
    """Something still hangs from the device."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name} is in use: {what}")
        self.name = name


class RelationCycle(AtlasError):
    """What depends on something cannot be what that depends on."""


def serial_key(text: str, kind: str = "") -> str:
    """A serial as it is kept: upper case, without separators; an ONT's in its form of letters. Raises InvalidField."""
    key = re.sub(r"[\s:._-]", "", text).upper()
    if kind == "ont" and ONT_SERIAL_HEX.match(key):
        key = bytes.fromhex(key[:8]).decode("ascii") + key[8:]
    if kind == "ont" and not ONT_SERIAL.match(key):
        raise InvalidField("serial", f"{key[:24]!r} is no ONT's: four letters and eight hexadecimal digits")
    if not SERIAL.match(key):
        raise InvalidField("serial", "6 to 24 letters and digits")
    return key


def mac_key(text: str) -> str:
    """A hardware address as aa:bb:cc:dd:ee:ff, however it is written. Raises InvalidField for none, and for one of a group."""
    digits = re.sub(r"[\s:.-]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits) or digits == "0" * 12:
        raise InvalidField("mac", "twelve hexadecimal digits")
    if int(digits[1], 16) & 1:
        raise InvalidField("mac", "it is a group's address, and no box has one")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def checked_asset_move(serial: str, now: str, wanted: str) -> str:
    """`wanted`, where a box may go there from `now`; raises NotInStock."""
    if wanted not in ASSET_LEGAL[now]:
        raise NotInStock(f"{serial} is {now} and cannot become {wanted}")
    return wanted


# Still seen there within this stretch: it is in two places at once. Longer than any MAC table keeps an address that fell silent.
AT_ONCE: Final = timedelta(minutes=5)
# A visit that exchanges a box is written down the same day.
SWAP_WITHIN: Final = timedelta(hours=24)
# Three reports of a BNG: a place that fell silent for longer has the box no more, and it only went back to where it was.
SILENT: Final = timedelta(minutes=15)


def mac_verdict(sightings: Sequence[Sighting]) -> str:
    """`one_place`, `moved` (it is gone where it was), `swapped` (gone, and a box was exchanged) or `cloned` (in two places at once)."""
    if len(sightings) <= 1:
        return "one_place"
    *_, before, latest = sorted(sightings, key=lambda one: one.first_seen_at)
    if before.last_seen_at > latest.first_seen_at + AT_ONCE and latest.last_seen_at + SILENT > before.last_seen_at:
        return "cloned"
    swaps = [one.swapped_at for one in (before, latest) if one.swapped_at]
    return "swapped" if any(abs(latest.first_seen_at - at) <= SWAP_WITHIN for at in swaps) else "moved"


def astray(seen: Iterable[StationSeen], verdict: str) -> list[Astray]:
    """The boxes of which `mac_verdict` says this."""
    boxes = groupby(sorted(seen, key=lambda one: (one.mac, one.first_seen_at)), key=lambda one: one.mac)
    places = [list(each) for _, each in boxes]
    return [
        Astray(each[0].subscriber_id, tuple(f"{one.device} {one.managed_object}".strip() for one in each))
        for each in places
        if mac_verdict([one.sighting for one in each]) == verdict
    ]


# Signing in

# What every BNG sends as it was typed: no space, no quote, nothing that is escaped on the way.
_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._@:+-]{2,252}", re.ASCII)
_STATION: Final = re.compile(
    r"[0-9a-f]{12}|([0-9a-f]{2}[:-]){5}[0-9a-f]{2}|([0-9a-f]{4}[.:-]){2}[0-9a-f]{4}|[0-9a-f]{6}[:-][0-9a-f]{6}", re.ASCII
)


def canonical_username(username: str) -> str:
    """As Atlas keeps it: lower case, a MAC address in any notation as aa:bb:cc:dd:ee:ff; radius.canonical says the same.

    Raises InvalidField.
    """
    name = username.strip().lower()
    if _STATION.fullmatch(name):
        digits = re.sub("[^0-9a-f]", "", name)
        return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    if not _USERNAME.fullmatch(name):
        raise InvalidField("username", "3 to 253 letters, digits and . _ @ : + -, as every BNG sends them unchanged")
    return name


# What stands behind such a word in a configuration is a secret, however the maker writes it.
SECRET: Final = re.compile(
    r"(?i)\b((?:password|passwd|secret|community|key|cipher|psk|hash|token)\b[\s:=]*(?:(?:\d{1,2}|sha\d*|md5|encrypted|hidden)\s+)?)(\S+)"
)


def config_diff(before: str, after: str, most: int = 200) -> tuple[str, ...]:
    """What changed from one configuration to another: lines with - went, with + came, each with its surroundings; secrets are hidden.

    A secret that changed is a line that went and one that came, alike.
    """
    lines = unified_diff(before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=2)
    return tuple(SECRET.sub(r"\1***", line)[:200] for line in islice(lines, 2, 2 + most))


# Glass

# TIA-598: of tubes and of the strands in a tube, in this order; from the thirteenth on the same again, with a stripe.
COLOURS: Final = ("blue", "orange", "green", "brown", "slate", "white", "red", "black", "yellow", "violet", "rose", "aqua")
_STRAND_END: Final = re.compile(r"(?P<cable>[^/@#]+)/(?P<strand>[\w .-]+)@(?P<end>from|to)", re.IGNORECASE)
_PORT_END: Final = re.compile(r"(?P<device>[^/@#]+)#(?P<port>.{1,60})")
_LEG: Final = re.compile(r"leg (\d{1,3})")


def colour_of(number: int) -> str:
    """The colour of the tube or strand of this number, counted from 1."""
    again, at = divmod(number - 1, len(COLOURS))
    return COLOURS[at] + (" striped" if again else "") + (f" {again} times" if again > 1 else "")


def in_tube(strand: int, per_tube: int) -> tuple[int, int]:
    """The tube of a strand that is counted through its cable, and its place in it; both from 1."""
    tube, place = divmod(strand - 1, per_tube)
    return tube + 1, place + 1


def strand_meant(written: str, cable: Cable) -> int:
    """`15`, or tube and strand by number or colour: `2.green`, `orange.green`. Raises InvalidField for what the cable has not."""
    if written.isdecimal() and 1 <= int(written) <= cable.strands:
        return int(written)
    tube, dot, place = written.partition(".")
    found = (_numbered(tube, cable.tubes), _numbered(place, cable.strands_per_tube))
    if not dot or not all(found):
        raise InvalidField("strand", f"{cable.name} has strands 1 to {cable.strands}, in tubes as 1.blue: {written[:40]} is none of them")
    return (found[0] - 1) * cable.strands_per_tube + found[1]


def strands_meant(written: str, cable: Cable) -> list[int]:
    """`1-12,15`, single strands as `strand_meant` reads them, the colour of a whole tube, or empty for all. Raises InvalidField."""
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in written.split(","))) if written.strip() else [f"1-{cable.strands}"]:
        first, dash, last = part.partition("-")
        tube = 0 if part.isdecimal() else _numbered(part, cable.tubes)
        start = (tube - 1) * cable.strands_per_tube + 1 if tube else strand_meant(first.strip(), cable)
        end = tube * cable.strands_per_tube if tube else strand_meant(last.strip(), cable) if dash else start
        found |= set(range(start, end + 1))
    return sorted(found)


def _numbered(written: str, most: int) -> int:
    """The number of a tube or strand that is written as one or as its colour; 0 where there is none of it."""
    word = written.strip().lower()
    if word.isdecimal():
        return int(word) if int(word) <= most else 0
    return next((number for number in range(1, most + 1) if colour_of(number) == word), 0)


def end_meant(written: str) -> tuple[str, str, str]:
    """What people write for an end of a splice: cable, strand and `from` or `to`; or device, `""` and its port. Raises InvalidField."""
    if found := _STRAND_END.fullmatch(written.strip()):
        return found["cable"].strip(), found["strand"].strip(), found["end"].lower()
    if found := _PORT_END.fullmatch(written.strip()):
        return found["device"].strip(), "", found["port"].strip().lower()
    raise InvalidField("end", f"CABLE/STRAND@from, CABLE/STRAND@to or DEVICE#PORT, as F-01/3@to or spl-01#leg 7: {written[:60]} is neither")


def checked_port(kind: str, port: str, legs: int | None) -> str:
    """A port that a device of this kind has, as far as we know its ports. Raises InvalidField."""
    if kind == DeviceKind.PON_PORT and port != "pon":
        raise InvalidField("port", f"a PON port has one, pon: {port} is none")
    if kind == DeviceKind.SPLITTER and port != "in":
        leg = _LEG.fullmatch(port)
        if leg is None or not 1 <= int(leg[1]) <= (legs or 128):
            raise InvalidField("port", f"a splitter has in and leg 1 to leg {legs or 128}: {port} is none")
    return port


def leg_of(entered: str) -> int | None:
    found = _LEG.fullmatch(entered)
    return int(found[1]) if found else None


def glass_of(met: Met) -> Glass:
    """What light met, with its colours."""
    if met.cable is None or met.strand is None:
        return Glass(met.kind, met.device or "", port=met.entered, splice_id=met.splice_id)
    tube, place = in_tube(met.strand, met.strands_per_tube or met.strand)
    return Glass("strand", met.cable, tube, colour_of(tube), met.strand, colour_of(place), "", met.length_m, met.splice_id)


def fibre_way(end: LineEnd, upwards: Sequence[Met], downwards: Sequence[Met], olt_port: str | None) -> FibreWay:
    """The way of a line from its OLT down; `upwards` from the splitter's input, `downwards` from its leg."""
    above = [glass_of(met) for met in reversed(upwards)]
    splitter = Glass(end.kind, end.splitter, port=f"leg {end.leg}" if end.leg else "")
    below = [glass_of(met) for met in downwards] or ([Glass("drop", "drop", length_m=end.drop_m)] if end.drop_m is not None else [])
    is_whole = bool(above) and above[0].kind == DeviceKind.PON_PORT
    return FibreWay(end.subscriber_id, end.olt, olt_port or end.managed_object, end.ont, is_whole, (*above, splitter, *below))


def strands_of(cable: Cable, ends: Mapping[int, StrandEnds], lit: Mapping[int, int]) -> list[Strand]:
    """Every strand of a cable, free ones too; `lit`: the lines that each reaches."""
    found = []
    for number in range(1, cable.strands + 1):
        tube, place = in_tube(number, cable.strands_per_tube)
        at = ends.get(number, StrandEnds(number, None, None))
        found.append(Strand(number, tube, colour_of(tube), colour_of(place), at.at_from or "", at.at_to or "", lit.get(number, 0)))
    return found
