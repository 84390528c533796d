"""A way to PostgreSQL that can turn into a black hole: it stays open, acknowledges every packet, and carries nothing any more."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from psycopg import conninfo


@dataclass
class Hole:
    """`swallow` stops all traffic, of new connections too; `left` is set each time somebody in front of a hole gave up and closed."""

    url: str
    swallows: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def swallow(self) -> None:
        self.swallows = True

    def collapse(self) -> None:
        """Closes whatever is still open, so that nobody waits out their own patience."""
        self.swallows = False
        for writer in self.writers:
            writer.close()


@contextlib.asynccontextmanager
async def hole_before(url: str) -> AsyncGenerator[Hole, None]:
    """A listener on loopback in front of the server of `url`."""
    parts = conninfo.conninfo_to_dict(url)
    hole = Hole("")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_ours: bool) -> None:
        while some := await reader.read(65_536):
            if not hole.swallows:
                writer.write(some)
                await writer.drain()
        if is_ours and hole.swallows:
            hole.left.set()
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hole.writers.append(writer)
        host = str(parts["host"])
        there = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{parts.get('port', 5432)}") if host.startswith("/") else None
        far_reader, far_writer = await (there or asyncio.open_connection(host, int(str(parts["port"]))))
        with contextlib.suppress(OSError):
            await asyncio.gather(carry(reader, far_writer, is_ours=True), carry(far_reader, writer, is_ours=False))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hole.url = conninfo.make_conninfo(url, host="127.0.0.1", port=port)
    try:
        yield hole
    finally:
        server.close()
