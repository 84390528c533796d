"""What waited for its device is replayed, and what was over at once leaves the board, without anybody asking."""

from datetime import UTC, datetime, timedelta

from api.inbound.upkeep import keep_up
from atlas.connection import Atlas
from evals.trap_encoding import encode_trap
from tests import given
from tests.doors.telling import now, standing, trapped
from tests.given import Owner

COLD_START = "1.3.6.1.6.3.1.1.5.1"


async def test_a_device_that_becomes_known_gets_what_it_said_before(atlas: Atlas, owner: Owner) -> None:
    await trapped(atlas, encode_trap(COLD_START, [], 100, agent="10.0.0.7"))
    device_id = await given.device(owner, "olt-1", management_address="10.0.0.7")

    await keep_up(atlas, now)

    assert [alarm.device_id for alarm in await standing(atlas)] == [device_id]


async def test_a_restart_leaves_the_board_by_itself(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1", management_address="127.0.0.1")
    await trapped(atlas, encode_trap(COLD_START, [], 100))

    await keep_up(atlas, lambda: datetime.now(UTC) + timedelta(minutes=20))

    assert await standing(atlas) == []
