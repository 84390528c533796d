"""More than one of each part on one database."""

from pathlib import Path

from pydantic import SecretStr

from api.serve import own_of, parts_of
from api.settings import Settings
from api.web import serve_web
from api.worker import run_worker
from evals.drills.several import several
from tests.conftest import SECRET


async def test_two_workers_send_each_message_once_and_the_pages_of_both_webs_hear_of_it(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET.hex())
    settings = Settings(home=tmp_path, port=0).model_copy(update={"database_url": SecretStr(database_url)})

    async with run_worker(settings), run_worker(settings), serve_web(settings) as one, serve_web(settings) as other:
        drill = await several(database_url, SECRET, [one["console"], other["console"]], notices=60)

    assert (drill.sent, drill.times, drill.jobs_left) == (60, 1, 0)
    assert drill.pages_told == 2


def test_each_of_several_processes_has_a_name_and_ports_of_its_own() -> None:
    settings = Settings(workers=2, webs=2, port=8080, metrics_port=9400)
    own = {name: own_of(settings, name) for name in parts_of(settings)}

    assert {"doors", "worker", "worker-2", "web", "web-2"} <= own.keys()
    assert [own["web"]["BEDROCK_PORT"], own["web-2"]["BEDROCK_PORT"]] == ["8080", "8180"]
    assert len({each["BEDROCK_METRICS_PORT"] for each in own.values()}) == len(own)
    assert {each["BEDROCK_PART"] for each in own.values()} == own.keys()
