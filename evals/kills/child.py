"""The process that is killed: made anew for each kill, by a fork of one that has everything loaded (`python -m evals.kills.child`).

It reads a line of JSON, forks, says the child's number, and, when it is over, how it ended and how many moments it passed. The child waits
for one byte before it begins, so that whoever is to kill it knows whom.
"""

import asyncio
import gc
import json
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from api.bootstrap import configure_logging
from atlas.connection import Atlas
from atlas.principal import Zone
from atlas.watchdog import WatchedConnection
from evals.kills.kinds import ALL, Subject, Works, now
from evals.kills.points import HERE, MortalConnection
from evals.kills.ports import ports
from forge.errands import run_errands
from forge.outbox import drain
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load
from governance.rows import Matrix

MATRIX: Final = Path(__file__).parents[2] / "governance" / "matrix.yaml"
ZONES: Final = (Zone.EXECUTOR, Zone.CUSTOMER)


@dataclass(frozen=True)
class House:
    """What does not change from one process to the next."""

    url: str
    secret: bytes
    register: Register
    matrix: Matrix

    @classmethod
    def at(cls, url: str, secret: bytes) -> "House":
        return cls(url, secret, Register.of_modules(), load(MATRIX))


async def works(stack: AsyncExitStack, house: House, port: int, kind: type[WatchedConnection[Any]], *, has_keys: bool) -> Works:
    """Opens what one process needs, for as long as the stack is open."""
    from_pool = Atlas.open(house.url, house.secret, ZONES, most=2, kind=kind)
    atlas = await stack.enter_async_context(from_pool)
    messenger, outside = await stack.enter_async_context(ports(atlas, port, has_keys=has_keys))
    forge = Forge(atlas, house.register, MatrixInForce(house.matrix), now, ZoneInfo("Europe/London"))
    return Works(forge, messenger, outside)


async def performed(house: House, asked: dict[str, Any]) -> None:
    subject = Subject(**asked["subject"])
    async with AsyncExitStack() as stack:
        mine = await works(stack, house, asked["port"], MortalConnection, has_keys=asked["has_keys"])
        HERE.passed, HERE.kill_at = 0, asked["kill_at"]
        await ALL[asked["kind"]].perform(mine, subject)
        HERE.kill_at = -1


async def warmed(house: House, port: int) -> None:
    """Once through everything, with nothing to do: what is loaded here no child loads again."""
    for has_keys in (True, False):
        async with AsyncExitStack() as stack:
            mine = await works(stack, house, port, MortalConnection, has_keys=has_keys)
            await drain(mine.forge.atlas, mine.messenger)
            await run_errands(mine.forge.atlas, mine.outside, now)


def begotten(house: House, asked: dict[str, Any]) -> tuple[int, int]:
    """Forks, lets the child do what is asked, and answers how it ended (the signal, negative) and the moments that it passed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            os.read(0, 1)
            gc.disable()
            asyncio.run(performed(house, asked))
            os.write(write, str(HERE.passed).encode())
            status = 0
        finally:
            # Nothing of the parent's is to be tidied up by its child.
            os._exit(status)
    os.close(write)
    said({"pid": child})
    _, status = os.waitpid(child, 0)
    moments = os.read(read, 32)
    os.close(read)
    return os.waitstatus_to_exitcode(status), int(moments or b"0")


def said(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def line() -> bytes:
    """One line of standard input, and not a byte more: what follows is the child's."""
    read = b""
    while not read.endswith(b"\n"):
        one = os.read(0, 1)
        if not one:
            return b""
        read += one
    return read


def main() -> None:
    configure_logging("json")
    first = json.loads(line())
    house = House.at(first["url"], bytes.fromhex(first["secret"]))
    asyncio.run(warmed(house, first["port"]))
    # What is loaded stays as it is: a child that collects garbage copies every page it touches.
    gc.freeze()
    said({"ready": True})
    while asked := line():
        code, moments = begotten(house, json.loads(asked))
        said({"code": code, "moments": moments})


if __name__ == "__main__":
    main()
