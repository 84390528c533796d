"""What a vector must be to be kept and compared. Pure."""

from collections.abc import Sequence
from math import isfinite
from typing import Final

from atlas.errors import AtlasError

DIMENSIONS: Final = 384


class VectorUnusable(AtlasError):
    """A vector that cannot be compared with ours: of another length, not finite, or nothing at all."""


def vector_text(vector: Sequence[float]) -> str:
    """The vector as pgvector reads it. Raises VectorUnusable: a vector of zeros has no direction, and is near to nothing."""
    if len(vector) != DIMENSIONS:
        raise VectorUnusable(f"a vector of {len(vector)} numbers where {DIMENSIONS} are kept")
    if not all(isfinite(part) for part in vector) or not any(vector):
        raise VectorUnusable("a vector with a number that is not finite, or with none that is not zero")
    return "[" + ",".join(f"{part:.7g}" for part in vector) + "]"
