"""Passwords: what counts as one, and argon2id."""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Iterable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from atlas.errors import InvalidField, NotPermitted
from forge.sign_in.leaked import is_leaked

# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# What nobody's password is checked against, so that an unknown address takes as long as a known one.
NOBODY: Final = HASHER.hash(secrets.token_hex(16))
# Each check holds 19 MiB and a core; a flood of sign-ins queues here and not in memory.
CHECKING: Final = asyncio.Semaphore(4)
SHORTEST: Final = 12
LONGEST: Final = 256
# What lists of leaked passwords are made of. With what people put before, behind and between them (digits, signs, 0 for o) they are tens
# of thousands of passwords of twelve characters and more.
COMMON: Final = (
    "password", "passwort", "contrasena", "motdepasse", "qwerty", "qwertz", "azerty", "letmein", "welcome", "willkommen", "bienvenido",
    "iloveyou", "teamo", "princess", "sunshine", "football", "baseball", "basketball", "superman", "batman", "spiderman", "pokemon",
    "dragon", "monkey", "shadow", "master", "michael", "jennifer", "jessica", "charlie", "jordan", "liverpool", "chelsea", "arsenal",
    "manchester", "barcelona", "realmadrid", "starwars", "whatever", "computer", "internet", "samsung", "google", "facebook", "linkedin",
    "trustno", "administrator", "admin", "root", "guest", "default", "changeme", "changethis", "secret", "login", "access", "freedom",
    "hello", "summer", "winter", "spring", "autumn", "monday", "friday", "january", "december", "qazwsx", "zaqxsw", "asdfgh", "zxcvbn",
    "abcdef", "abcabc", "aaaaaa", "test", "user", "bedrock", "broadband", "network", "router", "cisco", "juniper", "huawei", "support",
)  # fmt: skip
LEET: Final = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})


class SignInRefused(NotPermitted):
    """What was shown does not belong together; which half is wrong is not said."""

    def __init__(self, words: str = "that e-mail and password do not belong together") -> None:
        super().__init__(words)


class GivenPasswordLapsed(SignInRefused):
    """It was right, somebody else had chosen it, and it was not changed in time: told only to whoever knows it."""

    def __init__(self) -> None:
        super().__init__("that password was made for you too long ago; ask for another")


def new_password(password: str, about: Iterable[str] = ()) -> str:
    """The password as it is kept, in one form of Unicode. Raises InvalidField where a guesser would come to it early.

    Long and unlike what everybody takes, of any characters (NIST SP 800-63B, 5.1.1.2); `about` are words this person or house is known by.
    """
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < SHORTEST:
        raise InvalidField("password", f"a password has {SHORTEST} characters at least; three or four words are easily kept in mind")
    if len(normal) > LONGEST:
        raise InvalidField("password", f"a password has {LONGEST} characters at most")
    if is_common(normal, about) or is_leaked(normal):
        raise InvalidField("password", "this is among the first that a guesser tries")
    return normal


def is_common(password: str, about: Iterable[str] = ()) -> bool:
    """Whether little is left of it once what is common, counted up or repeated is taken out."""
    rest = password.lower().translate(LEET)
    for word in (*COMMON, *(word.lower().translate(LEET) for word in about if len(word) >= 4)):
        rest = rest.replace(word, " ")
    rest = re.sub(r"(.)\1+", r"\1", rest)
    return len({*_letters(rest)}) < 5 or _longest_rest(rest) < 4


def _letters(rest: str) -> str:
    return re.sub(r"[^\w]|[\d_]", "", rest)


def _longest_rest(rest: str) -> int:
    return max((len(_letters(part)) for part in rest.split()), default=0)


async def hashed(password: str) -> str:
    async with CHECKING:
        return await asyncio.to_thread(HASHER.hash, password)


async def check(password_hash: str | None, password: str) -> str | None:
    """A stronger hash of the same password where the old one's parameters are behind the times, else None. Raises SignInRefused.

    Takes as long for nobody (`password_hash` None) as for somebody.
    """
    normal = unicodedata.normalize("NFKC", password)
    async with CHECKING:
        try:
            await asyncio.to_thread(HASHER.verify, password_hash or NOBODY, normal)
        except (VerificationError, InvalidHashError):
            raise SignInRefused from None
        if password_hash is None:
            raise SignInRefused
        return await asyncio.to_thread(HASHER.hash, normal) if HASHER.check_needs_rehash(password_hash) else None
