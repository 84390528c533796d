"""What a vector must be to be kept and compared. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Final

from atlas.errors import AtlasError

DIMENSIONS: Final = 384
# Of each of two lists; what neither ranks among its first is no answer.
MOST_RANKED: Final = 20
# Of reciprocal rank fusion (Cormack et al. 2009): the first of one list does not outweigh being good in both.
RANK_OFFSET: Final = 60
# Measured on the shipped articles: what asks for none of them lies below 0.2 of all, what asks for one above 0.3 of it.
LEAST_NEARNESS: Final = 0.3
# An article that nobody looked at for so long may have become wrong.
STALE_AFTER: Final = timedelta(days=365)


def is_stale(reviewed_on: date | None, today: date) -> bool:
    return reviewed_on is None or today - reviewed_on > STALE_AFTER


class VectorUnusable(AtlasError):
    """A vector that cannot be compared with ours: of another length, not finite, or nothing at all."""


def vector_text(vector: Sequence[float]) -> str:
    """The vector as pgvector reads it. Raises VectorUnusable: a vector of zeros has no direction, and is near to nothing."""
    if len(vector) != DIMENSIONS:
        raise VectorUnusable(f"a vector of {len(vector)} numbers where {DIMENSIONS} are kept")
    if not all(isfinite(part) for part in vector) or not any(vector):
        raise VectorUnusable("a vector with a number that is not finite, or with none that is not zero")
    return "[" + ",".join(f"{part:.7g}" for part in vector) + "]"
