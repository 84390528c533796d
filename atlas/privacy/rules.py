"""The map of what is kept of people: read, checked, and held against PostgreSQL's catalogue. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import yaml

from atlas.errors import AtlasError
from atlas.privacy.records import Collected, Column, Erasing, PersonalMap, Place, Reason, RetentionRule

TREATMENTS: Final = frozenset({"blank", "erased", "null", "empty", "numbered", "pseudonym", "no"})
HOW: Final = frozenset({"delete", "rewrite", "elsewhere", "kept"})
IN_DAYS: Final = {"day": 1, "days": 1, "year": 365, "years": 365}
# A row of a table that refers to one of these is somebody's, whatever its columns are called.
PEOPLE: Final = frozenset({"crm.customer", "crm.subscriber", "crm.contact"})
# In the copy that a person may have, these stand for what they are: a secret, a hash, a number for machines.
NOT_FOR_THE_COPY: Final = frozenset(
    {"secret", "code_mac", "seed", "thread", "digest", "seal", "previous_hash", "hash", "digest_seen", "claimed_xid", "salt"}
)


class MapMalformed(AtlasError):
    """The map of what is kept of people cannot be read; the place and what is wrong are named."""


def parsed_map(text: str) -> PersonalMap:
    """Raises MapMalformed."""
    written = yaml.safe_load(text)
    personal = tuple(_personal(place, said) for place, said in written["personal"].items())
    nobodys = tuple(_nobodys(place, said) for place, said in written["nobodys"].items())
    twice = {one.place for one in personal} & {one.place for one in nobodys}
    if twice:
        raise MapMalformed(f"both personal and nobody's: {', '.join(sorted(twice))}")
    return PersonalMap(personal, nobodys, tuple(_rule(name, said) for name, said in written["retention"].items()))


def _personal(place: str, said: Mapping[str, Any]) -> Place:
    treatments = dict(said.get("rewrite", {}))
    wrong = {name: how for name, how in treatments.items() if how not in TREATMENTS}
    if wrong or not said.get("whose"):
        raise MapMalformed(f"{place}: {wrong or 'it does not say whose its rows are'}")
    erasing = Erasing.REWRITE if treatments else Erasing(said.get("erasure", ""))
    needed = tuple(Reason(one) for one in said.get("needed", [Reason.HOLD]))
    how = (*treatments.items(), *_swept(said))
    return Place(place, tuple(said["whose"]), erasing, needed, said["because"], how, tuple(said.get("stays", "").split()))


def _nobodys(place: str, said: Mapping[str, Any]) -> Place:
    return Place(place, (), Erasing.KEEP, (), said["because"], _swept(said), tuple(said.get("stays", "").split()))


def _swept(said: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, how) for how in ("swept", "swept_row") for name in said.get(how, "").split())


def _rule(name: str, said: Mapping[str, Any]) -> RetentionRule:
    number, _, unit = str(said["keep"]).partition(" ")
    if said["how"] not in HOW or unit not in IN_DAYS or not number.isdigit():
        raise MapMalformed(f"retention {name}: {said['how']} after {said['keep']}")
    keep = timedelta(days=int(number) * IN_DAYS[unit])
    return RetentionRule(name, said["place"], said["since"], said.get("only_if"), keep, said["how"], said["basis"])


def unmapped(known: PersonalMap, catalogue: Iterable[Column]) -> list[str]:
    """What the catalogue has and the map does not: tables, columns, and somebody's rows in a table that was said to be nobody's."""
    personal = {one.place: one for one in known.personal}
    nobodys = {one.place: one for one in known.nobodys}
    missing = []
    for column in catalogue:
        place = personal.get(column.place) or nobodys.get(column.place)
        if place is None:
            missing.append(f"{column.place} is in no list")
        elif column.refers_to in PEOPLE and column.place not in personal and column.place not in {"staff.member"}:
            missing.append(f"{column.place}.{column.name} refers to {column.refers_to}: its rows are somebody's")
        elif column.type and place.erasing is not Erasing.DELETE and column.name not in place.columns:
            missing.append(f"{column.place}.{column.name} is not said to be erased, swept or to stay")
    return list(dict.fromkeys(missing))


def no_longer_there(known: PersonalMap, catalogue: Sequence[Column]) -> list[str]:
    """What the map names and the catalogue has not."""
    tables = {column.place for column in catalogue}
    columns = {(column.place, column.name) for column in catalogue}
    every = (*known.personal, *known.nobodys)
    gone = [one.place for one in every if one.place not in tables]
    return gone + [
        f"{one.place}.{name}" for one in every for name in one.columns if one.place in tables and (one.place, name) not in columns
    ]


def copy_of(customer_id: int, rows: Iterable[Collected], known: PersonalMap) -> dict[str, Any]:
    """The copy that a person may have: first in short what there is and why, then every row by table."""
    because = {one.place: one.because for one in known.personal}
    content: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        content.setdefault(row.place, []).append({key: value for key, value in row.content.items() if key not in NOT_FOR_THE_COPY})
    summary = [{"what": because[place], "table": place, "rows": len(found)} for place, found in content.items()]
    kept_for = {rule.place: f"{rule.keep.days} days: {rule.basis}" for rule in known.retention}
    return {
        "format": "bedrock personal data, version 1",
        "customer": customer_id,
        "summary": [{**one, "kept_for": kept_for[place]} if (place := str(one["table"])) in kept_for else one for one in summary],
        "content": content,
    }
