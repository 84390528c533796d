"""Engineers for tests: who can do what, where they start from, and when they work."""

from datetime import datetime, timedelta

from tests import given
from tests.given import NOW, Owner

EIGHT_HOURS = timedelta(hours=8)


async def engineer(
    owner: Owner,
    name: str,
    *skills: str,
    area: str = "Harbour",
    starts_at: datetime = NOW - timedelta(hours=1),
    lasts: timedelta = EIGHT_HOURS,
) -> int:
    """A member of staff with the skills and one shift; NOW is a Monday at 09:00 in Harbour."""
    made = await given.member(owner, name, "field_engineer")
    await owner.execute(
        "INSERT INTO field_service.engineer (staff_id, area_id, skills) VALUES (%s, %s, %s)",
        (made, await given.area(owner, area), list(skills)),
    )
    await given.row(owner, "staff.shift", staff_id=made, starts_at=starts_at, ends_at=starts_at + lasts)
    return made
