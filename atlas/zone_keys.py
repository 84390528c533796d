"""A key of its own for each trust zone: a process that is given one can be that zone and no other."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Final, Self

from atlas.errors import AtlasError
from atlas.principal import Zone

CODES: Final = b"one-time code"


class KeyMissing(AtlasError):
    """This process was given the key of one zone, and is asked to be another."""

    def __init__(self, zone: Zone) -> None:
        super().__init__(f"this process has no key of the zone {zone}")
        self.zone = zone


class KeyUnreadable(AtlasError):
    """A file that holds no key of a zone; what it holds is not said."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} holds no key of a zone; `bedrock keys write` makes one")


class ZoneSecret(bytes):
    """All that a process of one zone is given. `codes`: the key of one-time codes, which the doors must hide and the executor must make."""

    zone: Zone
    codes: bytes

    @classmethod
    def of(cls, zone: Zone, secret: bytes, codes: bytes) -> Self:
        made = cls(secret)
        made.zone, made.codes = zone, codes
        return made

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises KeyUnreadable."""
        try:
            held = json.loads(path.read_text())
            return cls.of(Zone(held["zone"]), bytes.fromhex(held["secret"]), bytes.fromhex(held["codes"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyUnreadable(path) from error

    def written(self, path: Path) -> None:
        """Into a new file that only its owner reads."""
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(json.dumps({"zone": self.zone.value, "secret": self.hex(), "codes": self.codes.hex()}))


def zone_secret(zone: Zone, secret: bytes) -> bytes:
    """The zone's own secret, from the installation's, or the one that this process was given. Raises KeyMissing."""
    if not isinstance(secret, ZoneSecret):
        return hmac.new(secret, f"zone:{zone.value}".encode(), hashlib.sha256).digest()
    if secret.zone is not zone:
        raise KeyMissing(zone)
    return bytes(secret)


def secret_of_codes(secret: bytes) -> bytes:
    """What the key of one-time codes is made from: who reads the database alone can neither make nor guess one."""
    return secret.codes if isinstance(secret, ZoneSecret) else hmac.new(secret, CODES, hashlib.sha256).digest()


def for_zone(zone: Zone, secret: bytes) -> ZoneSecret:
    """What a process of this zone is to be given. Raises KeyMissing where the caller has not the installation's secret."""
    return ZoneSecret.of(zone, zone_secret(zone, secret), secret_of_codes(secret))
