"""What each plan of the demo ISP is made of, and where one may go from it."""

from collections.abc import Iterator
from typing import Any

from evals.world.copying import Column
from evals.world.plan import World

Table = tuple[str, dict[str, Column]]
# The first of the specifications that come with the schema (0022): every plan here is Internet access and nothing besides.
INTERNET_ACCESS = 1


def offer_tables(world: World) -> Iterator[Table]:
    """Two versions of each offering, with ids from 1, as `evals.world.tables` makes them."""
    versions = 2 * len(world.offerings)
    yield (
        "catalogue.offered_service",
        {"offering_version_id": range(1, versions + 1), "cfs_id": [INTERNET_ACCESS] * versions},
    )
    changes = list(_changes(world))
    yield (
        "catalogue.plan_change",
        {column: [change[column] for change in changes] for column in ("from_id", "to_id", "timing", "fee_minor")},
    )


def _changes(world: World) -> Iterator[dict[str, Any]]:
    """Up at once and for nothing; down with the next bill, for a fee at business plans. Only among what is on sale and of one kind."""
    for from_id, held in enumerate(world.offerings, start=1):
        for to_id, wanted in enumerate(world.offerings, start=1):
            if from_id == to_id or wanted.retired or (held.technology, held.segment) != (wanted.technology, wanted.segment):
                continue
            is_up = wanted.price >= held.price
            fee = 0 if is_up or held.segment == "residential" else 2500
            yield {"from_id": from_id, "to_id": to_id, "timing": "immediate" if is_up else "next_bill", "fee_minor": fee}
