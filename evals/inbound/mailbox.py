"""A mailbox on loopback that speaks as much IMAP as is needed to fetch letters and to mark them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class BoxPeer:
    """`letters` by their number, `seen` the marked ones; `refuses` the commands that are answered NO."""

    letters: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)
    port: int = 0

    def deliver(self, octets: bytes) -> None:
        self.letters[len(self.letters) + 1] = octets

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, _, asked = line.partition(" ")
            command = asked.removeprefix("UID ").split(" ")[0].upper()
            if command in self.refuses:
                writer.write(f"{tag} NO not now\r\n".encode())
                continue
            for said in self._said(command, asked):
                writer.write(said)
            writer.write(f"{tag} OK done\r\n".encode())
            if command == "LOGOUT":
                break
        writer.close()

    def _said(self, command: str, asked: str) -> list[bytes]:
        if command == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1\r\n"]
        if command == "SELECT":
            return [f"* {len(self.letters)} EXISTS\r\n".encode()]
        if command == "SEARCH":
            unseen = " ".join(str(number) for number in self.letters if number not in self.seen)
            return [f"* SEARCH {unseen}\r\n".encode()]
        if command == "FETCH":
            return [self._fetched(asked)]
        if command == "STORE":
            self.seen.update(int(number) for number in asked.split(" ")[2].split(","))
        return [b"* BYE\r\n"] if command == "LOGOUT" else []

    def _fetched(self, asked: str) -> bytes:
        number = int(asked.split(" ")[2])
        found = re.search(r"<0\.(\d+)>", asked)
        octets = self.letters[number][: int(found[1]) if found else None]
        return b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (number, number, len(octets), octets)
