"""What Atlas keeps for us without being able to read it: AES-256-GCM under a key derived from the installation's secret."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from atlas.errors import NotPermitted

NONCE_OCTETS: Final = 12


class SealBroken(NotPermitted):
    """What Atlas gave back is not what was sealed, or was sealed for another purpose or by another installation."""

    def __init__(self, purpose: str) -> None:
        super().__init__(f"what was kept for {purpose} cannot be opened")
        self.purpose = purpose


def seal(secret: bytes, purpose: str, plain: bytes) -> bytes:
    """`plain` for nobody but `opened` with the same secret and purpose."""
    nonce = os.urandom(NONCE_OCTETS)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, plain, purpose.encode())


def opened(secret: bytes, purpose: str, sealed: bytes) -> bytes:
    """Raises SealBroken."""
    try:
        return AESGCM(_key(secret)).decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], purpose.encode())
    except (InvalidTag, ValueError):
        raise SealBroken(purpose) from None


def _key(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"bedrock sign-in sealing").derive(secret)
