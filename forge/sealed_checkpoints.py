"""Checkpoints that only this installation reads: AES-256-GCM under a key derived from its secret; what does not open is refused."""

import hashlib
import hmac
import secrets
from typing import Any, Final
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg.rows import DictRow, dict_row

from atlas.connection import CONNECT_S, LEASE_S
from atlas.errors import AtlasError
from atlas.watchdog import WatchedConnection

log = structlog.get_logger()

CIPHER: Final = "aes256gcm"
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class CheckpointRefused(AtlasError):
    """A kept checkpoint was not sealed by this installation, or not a single octet of it can be believed."""


class Cipher:
    """LangGraph's CipherProtocol. The key's id is part of the cipher's name and authenticated with the text."""

    def __init__(self, secret: bytes) -> None:
        key = _derived(secret, b"bedrock checkpoint cipher")
        self._aes = AESGCM(key)
        self._name = f"{CIPHER}.{hashlib.sha256(b'key id' + key).hexdigest()[:8]}"

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._name, nonce + self._aes.encrypt(nonce, plaintext, self._name.encode())

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        if ciphername != self._name:
            raise CheckpointRefused(f"a checkpoint is sealed with {ciphername}, not with {self._name}")
        try:
            return self._aes.decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], ciphername.encode())
        except (InvalidTag, ValueError):
            raise CheckpointRefused(f"a checkpoint under {ciphername} was changed") from None


class SealedSerializer(EncryptedSerializer):
    """Plain types only: no class is imported because a checkpoint names it, and nothing is read that is not sealed."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(Cipher(secret), JsonPlusSerializer(allowed_msgpack_modules=None))

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        # LangGraph's own reads what is not encrypted: whoever can write a row would choose to be believed.
        if "+" not in data[0]:
            raise CheckpointRefused(f"a checkpoint of type {data[0]} is not sealed")
        return super().loads_typed(data)


class SealedSaver(AsyncPostgresSaver):
    """A thread that cannot be believed is forgotten, and begins anew from what Atlas says."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        try:
            return await super().aget_tuple(config)
        except CheckpointRefused as refused:
            thread = config["configurable"]["thread_id"]
            log.warning("checkpoint_refused", thread=thread, reason=str(refused))
            await self.adelete_thread(thread)
            return None


def pool_options(most: int) -> dict[str, Any]:
    """How a pool of `most` connections, not yet open, reaches the checkpoints: in their own schema, and given up as Atlas' own are."""
    return {
        "connection_class": WatchedConnection[DictRow],
        "min_size": 1,
        "max_size": most,
        "open": False,
        "timeout": LEASE_S,
        "reconnect_timeout": LEASE_S,
        "max_idle": 60,
        "kwargs": {
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "options": "-c search_path=checkpoints",
            "connect_timeout": CONNECT_S,
        },
    }


class ThreadNames:
    """Thread ids of what has a guessable number: the same for the same subject, and told by nobody without the secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = _derived(secret, b"bedrock checkpoint threads")

    def of(self, kind: str, number: int) -> str:
        return str(UUID(bytes=hmac.digest(self._key, f"{kind}-{number}".encode(), "sha256")[:16], version=4))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, purpose).derive(secret)
