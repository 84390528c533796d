"""Questions about places."""

import re
from typing import Final

from atlas.errors import InvalidField, NotFound
from atlas.gis.records import Area, Candidate, LineArea, Premise
from atlas.gis.rules import candidates, taken_apart
from atlas.identity import CustomerId, PremiseId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# More than any street or postcode holds; what is cut off is ordered last.
MOST_LOOKED_AT: Final = 500


async def areas(conn: Connection) -> list[Area]:
    """Every area by name, with how many premises it has."""
    return await SQL.all(conn, Area, "areas")


async def premise(conn: Connection, premise_id: PremiseId) -> Premise:
    """Raises NotFound."""
    found = await SQL.first(conn, Premise, "premise", premise_id=premise_id)
    if found is None:
        raise NotFound("premise", premise_id)
    return found


async def premises_meant(conn: Connection, written: str) -> list[Candidate]:
    """The premises that an address may mean, the likeliest first, at most ten.

    Raises InvalidField where it names neither street nor postcode.
    """
    address = taken_apart(written)
    if not address.words and not address.postcode:
        raise InvalidField("address", "say a street or a postcode")
    building = re.match(r"\d*", address.number)
    found = await SQL.all(
        conn,
        Premise,
        "premises_like",
        postcode=address.postcode,
        streets=streets_in(address.words),
        building=building[0] if building else "",
        most=MOST_LOOKED_AT,
    )
    return candidates(address, found)


def streets_in(words: tuple[str, ...]) -> list[str]:
    """Every run of the words: one of them may be the street's name."""
    places = range(len(words))
    return [" ".join(words[start : end + 1]) for start in places for end in places if start <= end < start + 5]


async def areas_of_lines(conn: Connection, customer_id: CustomerId) -> list[LineArea]:
    """The area of each line the customer has."""
    return await SQL.all(conn, LineArea, "areas_of_lines", customer_id=customer_id)
