"""A storm of different alarms at a doors process of its own: none is lost, and its memory stays within bounds."""

from pathlib import Path

from pydantic import SecretStr

from api.settings import Settings
from evals.campaign.burst import MOST_MORE_MB, burst
from tests.conftest import SECRET


async def test_twenty_thousand_alarms_at_once_are_all_kept_in_bounded_memory(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "secret").write_text(SECRET.hex())
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))

    found = await burst(settings, alarms=20_000)

    assert found.http_accepted + found.tcp_written + found.udp_sent == 20_000
    assert found.lost == 0
    assert found.memory_more_mb <= MOST_MORE_MB
