"""A mail server on loopback that speaks SMTP with STARTTLS and AUTH, keeps what it is given, and fails as it is told to."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class MailPeer:
    """`answers`: what it says to a command instead, by the command's first word; `hangs_up_after` a command it closes the connection."""

    certificate: ssl.SSLContext | None = None
    answers: dict[str, str] = field(default_factory=dict)
    hangs_up_after: str = ""
    offers_tls: bool = True
    letters: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    @property
    def read(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=default) for one in self.letters]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_encrypted = False
        writer.write(b"220 mail.isp.example\r\n")
        while line := (await reader.readline()).decode().strip():
            command = line.split(" ")[0].upper()
            self.commands.append(command)
            if command == self.hangs_up_after and command != "DATA":
                break
            answer = self.answers.get(command) or await self._answer(command, line, reader, writer, is_encrypted=is_encrypted)
            if not answer:
                break
            writer.write(answer.encode() + b"\r\n")
            await writer.drain()
            if command == "STARTTLS" and answer.startswith("220") and self.certificate is not None:
                await writer.start_tls(self.certificate)
                is_encrypted = True
            if command == "QUIT":
                break
        writer.close()

    async def _answer(
        self, command: str, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_encrypted: bool
    ) -> str:
        if command == "EHLO":
            offered = ["250-mail.isp.example"] + (["250-STARTTLS"] if self.offers_tls and not is_encrypted else [])
            return "\r\n".join([*offered, "250-AUTH PLAIN", "250 8BITMIME"])
        if command == "STARTTLS":
            return "220 go on"
        if command == "AUTH":
            self.passwords.append(base64.b64decode(line.split(" ")[2]).decode())
            return "235 known"
        if command == "DATA":
            return await self._letter(reader, writer, is_encrypted=is_encrypted)
        return "221 bye" if command == "QUIT" else "250 yes"

    async def _letter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_encrypted: bool) -> str:
        writer.write(b"354 go on\r\n")
        await writer.drain()
        octets = await reader.readuntil(b"\r\n.\r\n")
        # A line that begins with a point came with one more.
        self.letters.append(octets.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."))
        self.was_encrypted.append(is_encrypted)
        return "" if self.hangs_up_after == "DATA" else "250 taken"


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for loopback, and a client's that trusts that one alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - timedelta(hours=1), now + timedelta(hours=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    whole = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    whole.write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(whole)
    return server, ssl.create_default_context(cadata=pem.decode())
