"""Files encrypted at rest: AES-256-GCM in chunks, each bound to its place, so that a cut, swapped or changed file is refused."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from atlas.errors import AtlasError, InvalidField

MAGIC: Final = b"bedrock-sealed-1"
SALT: Final = 16
CHUNK: Final = 1024 * 1024
TAG: Final = 16
KEY_DIGITS: Final = 64


class SealBroken(AtlasError):
    """A sealed file does not open: another key, or not a single octet of it can be believed."""


def sealing_key(written: str) -> bytes:
    """The key as the operator keeps it: 64 hexadecimal digits (`openssl rand -hex 32`). Raises InvalidField."""
    try:
        key = bytes.fromhex(written)
    except ValueError:
        key = b""
    if len(key) * 2 != KEY_DIGITS:
        raise InvalidField("BEDROCK_BACKUP_KEY", f"must be {KEY_DIGITS} hexadecimal digits, as `openssl rand -hex 32` makes them")
    return key


def seal(source: Path, target: Path, key: bytes) -> None:
    """Writes `source` to `target` so that only the key opens it. Each file has a key of its own, derived with a fresh salt."""
    salt = os.urandom(SALT)
    cipher = AESGCM(_file_key(key, salt))
    with source.open("rb") as clear, target.open("wb") as sealed:
        sealed.write(MAGIC + salt)
        for number, chunk, is_last in _chunks(clear, CHUNK):
            sealed.write(cipher.encrypt(_nonce(number, is_last=is_last), chunk, MAGIC))


def unseal(source: Path, target: Path, key: bytes) -> None:
    """The reverse. Raises SealBroken and leaves nothing."""
    with source.open("rb") as sealed:
        head = sealed.read(len(MAGIC) + SALT)
        if head[: len(MAGIC)] != MAGIC:
            raise SealBroken(f"{source.name} is not a sealed file")
        cipher = AESGCM(_file_key(key, head[len(MAGIC) :]))
        try:
            with target.open("wb") as clear:
                for number, chunk, is_last in _chunks(sealed, CHUNK + TAG):
                    clear.write(cipher.decrypt(_nonce(number, is_last=is_last), chunk, MAGIC))
        except InvalidTag:
            target.unlink(missing_ok=True)
            raise SealBroken(f"{source.name} does not open: the key is another one, or the file was changed") from None


def _file_key(key: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, b"bedrock backup").derive(key)


def _nonce(number: int, *, is_last: bool) -> bytes:
    # The construction of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the place and the end are part of the nonce.
    return number.to_bytes(11) + bytes([is_last])


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Every chunk with its number and whether it is the last; an empty file has one empty chunk."""
    number, chunk = 0, file.read(size)
    while True:
        after = file.read(size)
        yield number, chunk, not after
        if not after:
            return
        number, chunk = number + 1, after
