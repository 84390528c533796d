"""Calls over a real wire, octet for octet, and a small reverse proxy that passes them on as operators' proxies do."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.inbound.twilio.signature import Call

PATIENCE_S: Final = 15.0
Head = list[bytes]


@dataclass(frozen=True)
class Target:
    """Where to call: an address, the Host header to say, and whether the way there is encrypted."""

    host: str
    port: int
    named: str
    is_tls: bool = False


async def posted(target: Target, call: Call) -> int:
    """The status of the answer. Raises OSError or TimeoutError where nobody answers."""
    head = [
        b"POST " + call.path + (b"?" + call.query if call.query else b"") + b" HTTP/1.1",
        b"Host: " + target.named.encode(),
        b"Content-Length: " + str(len(call.body)).encode(),
        b"Connection: close",
    ]
    if call.content_type:
        head.append(b"Content-Type: " + call.content_type)
    head += [b"X-Twilio-Signature: " + one for one in call.signatures]
    async with asyncio.timeout(PATIENCE_S), connected(target) as (reader, writer):
        writer.write(b"\r\n".join([*head, b"", b""]) + call.body)
        await writer.drain()
        status = (await reader.readline()).split()
        if len(status) < 2:
            raise ConnectionError("no answer")
        return int(status[1])


@asynccontextmanager
async def connected(target: Target) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = None
    if target.is_tls:
        # The peer is the one that was started a line above; what is tried is what it does to the call, not who it is.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def proxied(
    to_port: Callable[[], int], rewritten: Callable[[Head], Head], *, host: str = "127.0.0.1", is_tls: bool = False
) -> AsyncIterator[int]:
    """A reverse proxy before the port that `to_port` says, which rewrites the head of each call and leaves its body; its own port."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            await _passed_on(reader, writer, to_port(), rewritten)
        writer.close()

    server = await asyncio.start_server(pass_on, host, 0, ssl=own_certificate() if is_tls else None)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_port: int, rewritten: Callable[[Head], Head]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")), 0)
        body = await reader.readexactly(length)
        async with connected(Target("127.0.0.1", to_port, "")) as (there, back):
            back.write(b"\r\n".join(rewritten(head)) + b"\r\n\r\n" + body)
            await back.drain()
            writer.write(await there.read())
            await writer.drain()


def own_certificate() -> ssl.SSLContext:
    """A server's side of TLS, with a certificate made for this hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "isp.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "both.pem"
        both.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(encoding))
        context.load_cert_chain(both)
    return context
