"""By what a provider's model could tell who is spoken of: read for the veil before a call, shown to no model."""

from collections.abc import Sequence
from typing import Final

from atlas.connection import Atlas
from atlas.principal import Principal, executor
from atlas.privacy.reads import known_of, named_among
from atlas.privacy.records import KnownValue

READER: Final = executor("veil")
# A name is at most so many words; of a long conversation so many words are looked at.
LONGEST_NAME: Final = 5
MOST_WORDS: Final = 4000


async def known_here(atlas: Atlas, principal: Principal, said: Sequence[str]) -> list[KnownValue]:
    """A customer's own names, addresses, logins and serial numbers; for staff those of whoever is named in full in what was said."""
    async with atlas.transaction(READER) as conn:
        if principal.customer_id is not None:
            return await known_of(conn, [principal.customer_id])
        return await known_of(conn, await named_among(conn, runs_of_words(said))) if principal.staff_id is not None else []


def runs_of_words(said: Sequence[str]) -> list[str]:
    """Every run of two to five words, in lower case and without the marks around them: one of them may be a name."""
    runs: set[str] = set()
    for one in said:
        words = [word.strip(".,;:!?()[]\"'").removesuffix("'s").casefold() for word in one.split()[:MOST_WORDS]]
        runs.update(" ".join(words[at : at + size]) for size in range(2, LONGEST_NAME + 1) for at in range(len(words) - size + 1))
    return sorted(runs)
