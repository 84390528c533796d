"""SNMPv3's User-based Security Model, by pysnmp's engine: who sent it, was it changed, and what does it say."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from cryptography.hazmat import asn1
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto import errind, rfc1902

from api.inbound.snmp.decoding import Heard, plain_bindings
from api.inbound.snmp.notification import NotUnderstood, notification_of

AuthProtocol = Literal["none", "md5", "sha", "sha224", "sha256", "sha384", "sha512"]
PrivProtocol = Literal["none", "des", "aes128", "aes192", "aes256"]

AUTH: Final = {
    "none": config.USM_AUTH_NONE,
    "md5": config.USM_AUTH_HMAC96_MD5,
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
PRIV: Final = {
    "none": config.USM_PRIV_NONE,
    "des": config.USM_PRIV_CBC56_DES,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES,
    "aes256": config.USM_PRIV_CFB256_AES,
}
DOMAIN: Final = (1, 3, 6, 1, 6, 1, 1)
# What RFC 3414 answers a stranger who is about to synchronise with us; everything else is a real refusal.
SYNCHRONISING: Final = frozenset({str(errind.unknownEngineID), str(errind.notInTimeWindow)})
# Keys of this many (engine, user) pairs are kept; anybody can make up engine identifiers, so the oldest go.
MOST_PEERS: Final = 10_000
LONGEST: Final = 8192


@dataclass(frozen=True, slots=True)
class SnmpUser:
    """One user of SNMPv3 and its pass phrases. A user with keys is never believed without them."""

    name: str
    auth: AuthProtocol = "none"
    auth_key: str = ""
    priv: PrivProtocol = "none"
    priv_key: str = ""

    @property
    def level(self) -> int:
        """1 noAuthNoPriv, 2 authNoPriv, 3 authPriv."""
        return 1 + (self.auth != "none") + (self.priv != "none")


NOBODY: Final = SnmpUser("")


@asn1.sequence
class _Header:
    message_id: int
    longest: int
    flags: bytes
    model: int


@asn1.sequence
class _Message:
    version: int
    header: _Header
    security: bytes
    body: asn1.TLV


@asn1.sequence
class _Security:
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    authentication: bytes
    privacy: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What the sender of an inform must learn first: our engine identifier, then our time. No notification yet."""

    answer: bytes


class _Collector(AbstractTransportDispatcher):  # type: ignore[misc]  # pysnmp has no types
    """Stands where pysnmp expects its network: hands messages in, and keeps what the engine wants to send."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bytes] = []
        self.receive: Any = None

    def register_recv_callback(self, recv_callback: Any, _recv_id: Any = None) -> None:
        self.receive = recv_callback

    def send_message(self, message: Any, _domain: Any, _address: Any) -> None:
        self.answers.append(bytes(message))


class UserSecurity:
    """One SNMP engine that only listens. Not to be shared between threads.

    Senders of traps are their own authority (RFC 3414), each with its own engine identifier and its own localised keys: a known user at a
    new engine is learned when first heard, and believed only if the message authenticates.
    """

    def __init__(self, users: Iterable[SnmpUser], engine_id: bytes | None = None) -> None:
        self.users = {user.name.encode(): user for user in users}
        # A pass phrase is stretched over a megabyte (RFC 3414 A.2), once; localising the result for an engine is cheap.
        self.master_keys = {user.name: _master_keys(user) for user in self.users.values()}
        self.engine = engine.SnmpEngine(engine_id and rfc1902.OctetString(engine_id))
        self.collector = _Collector()
        self.engine.register_transport_dispatcher(self.collector)
        self.heard: list[tuple[Any, ...]] = []
        self.trouble: list[str] = []
        self.peers: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()
        ntfrcv.NotificationReceiver(self.engine, self._notified)
        self.engine.observer.register_observer(self._failed, "rfc3412.prepareDataElements:sm-failure")
        for user in self.users.values():
            self._learn(self.engine.snmpEngineID.asOctets(), user)

    def opened(self, datagram: bytes, source: str) -> Heard | Report:
        """Authenticates, decrypts and reads one message, or answers one that asks who we are.

        Raises NotUnderstood saying what was wrong, never with key material.
        """
        if len(datagram) > LONGEST:
            raise NotUnderstood(f"{len(datagram)} octets of SNMPv3")
        user = self._sender(datagram)
        self.heard.clear()
        self.trouble.clear()
        self.collector.answers.clear()
        try:
            self.collector.receive(self.collector, DOMAIN, (source, 0), datagram)
        except Exception as error:
            # pyasn1 answers malformed input with whatever its innards raise.
            raise NotUnderstood(f"SNMPv3: {type(error).__name__}") from error
        answer = self.collector.answers[-1] if self.collector.answers else None
        if self.heard:
            return Heard(user.name.encode(), notification_of(plain_bindings(self.heard[-1])), answer)
        trouble = self.trouble[-1] if self.trouble else "message refused"
        if answer is not None and trouble in SYNCHRONISING:
            return Report(answer)
        raise NotUnderstood(f"SNMPv3 user {user.name}: {trouble}")

    def _sender(self, datagram: bytes) -> SnmpUser:
        """The configured user the message claims to be from; its keys are localised for the claimed engine."""
        try:
            message = asn1.decode_der(_Message, datagram)
            security = asn1.decode_der(_Security, message.security)
        except (ValueError, OverflowError) as error:
            raise NotUnderstood("malformed BER in an SNMPv3 header") from error
        if not security.user and not security.engine_id:
            return NOBODY
        user = self.users.get(security.user)
        if user is None:
            raise NotUnderstood("SNMPv3 user is not one of ours")
        if _level(message.header.flags) < user.level:
            raise NotUnderstood(f"SNMPv3 user {user.name}: sent with less security than agreed")
        if 5 <= len(security.engine_id) <= 32:
            self._learn(security.engine_id, user)
        return user

    def _learn(self, engine_id: bytes, user: SnmpUser) -> None:
        peer = (engine_id, user.name.encode())
        if peer not in self.peers:
            auth_key, priv_key = self.master_keys[user.name]
            config.add_v3_user(
                self.engine,
                user.name,
                AUTH[user.auth],
                auth_key,
                PRIV[user.priv],
                priv_key,
                rfc1902.OctetString(engine_id),
                authKeyType=config.USM_KEY_TYPE_MASTER,
                privKeyType=config.USM_KEY_TYPE_MASTER,
            )
        self.peers[peer] = None
        self.peers.move_to_end(peer)
        if len(self.peers) > MOST_PEERS:
            (oldest, name), _ = self.peers.popitem(last=False)
            config.delete_v3_user(self.engine, name.decode(), rfc1902.OctetString(oldest))

    def _notified(self, _engine: Any, _reference: Any, _context_id: Any, _context: Any, varbinds: Any, _extra: Any) -> None:
        self.heard.append(tuple(varbinds))

    def _failed(self, _engine: Any, _point: str, variables: Any, _extra: Any) -> None:
        self.trouble.append(str(variables["statusInformation"].get("errorIndication", "message refused")))


def _level(flags: bytes) -> int:
    """msgFlags of RFC 3412: bit 0 authenticated, bit 1 encrypted."""
    bits = flags[-1] if flags else 0
    return 1 + (bits & 1) + (bits >> 1 & 1)


def _master_keys(user: SnmpUser) -> tuple[Any, Any]:
    auth, priv = AUTH[user.auth], PRIV[user.priv]
    return (
        config.AUTH_SERVICES[auth].hash_passphrase(user.auth_key.encode()) if user.auth != "none" else None,
        config.PRIV_SERVICES[priv].hash_passphrase(auth, user.priv_key.encode()) if user.priv != "none" else None,
    )
