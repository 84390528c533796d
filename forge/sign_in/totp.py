"""Codes of an authenticator app (RFC 6238), and the recovery codes for the day the phone is lost."""

import base64
import hashlib
import hmac
import io
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
import segno

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.staff import reads, writes
from atlas.staff.records import Purpose
from atlas.statements import Connection
from forge.sign_in.limits import CODE, DOOR, count, forgive
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sealing import opened, seal
from forge.sign_in.sessions import Token, happened, log

STEP_S: Final = 30
# A phone's clock may be half a minute off to either side.
DRIFT_STEPS: Final = 1
RECOVERY_CODES: Final = 10
# 24 letters of base32 are 120 bits: nobody guesses one, so that a plain hash keeps it.
RECOVERY_OCTETS: Final = 15
SEALED_FOR: Final = "authenticator app"
WRONG: Final = "that code is not right, or was used before"


@dataclass(frozen=True)
class Enrolment:
    """An authenticator app about to be added: what its owner scans or types, and the token that finishes it."""

    token: Token
    secret: str
    picture: str


def step_of(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The time step that this code is of, if it is right, within the drift, and later than the last one taken."""
    totp = pyotp.TOTP(secret, interval=STEP_S)
    middle = int(now.timestamp()) // STEP_S
    given = "".join(code.split()).encode()
    # Every step is compared, whether or not an earlier one fitted: how long it takes tells nothing.
    right = [
        step
        for step in range(middle - DRIFT_STEPS, middle + DRIFT_STEPS + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), given)
    ]
    return next((step for step in right if step > last_step), None)


async def begin_enrolment(atlas: Atlas, staff_id: StaffId, account: str, issuer: str) -> Enrolment:
    """A new secret, kept sealed until a first code proves that the app has it."""
    token, secret = Token.new(), pyotp.random_base32()
    async with atlas.transaction(DOOR) as conn:
        await writes.begin_proof(conn, token.fingerprint, Purpose.TOTP_NEW, staff_id, seal(atlas.secret, SEALED_FOR, secret.encode()))
    return Enrolment(token, secret, picture_of(secret, account, issuer))


async def enrolment(atlas: Atlas, staff_id: StaffId, token: Token, account: str, issuer: str) -> Enrolment:
    """The one that was begun, shown again after a wrong code. Raises NotFound where it lapsed or is somebody else's."""
    async with atlas.transaction(DOOR) as conn:
        begun = await reads.unfinished(conn, token.fingerprint, Purpose.TOTP_NEW)
    if begun is None or begun.staff_id != staff_id:
        raise NotFound("enrolment", "that was begun here; begin again")
    secret = opened(atlas.secret, SEALED_FOR, begun.sealed).decode()
    return Enrolment(token, secret, picture_of(secret, account, issuer))


async def finish_enrolment(atlas: Atlas, staff_id: StaffId, begun: Enrolment, code: str, now: datetime) -> list[str]:
    """The app is theirs from now on; their recovery codes, told this once. Raises SignInRefused and TriedTooOften."""
    await count(atlas, CODE, str(staff_id))
    step = step_of(begun.secret, code, now, last_step=0)
    if step is None:
        raise SignInRefused(WRONG)
    codes = new_recovery_codes()
    async with atlas.transaction(DOOR) as conn:
        await forgive(conn, CODE, str(staff_id))
        if await writes.take_proof(conn, begun.token.fingerprint, Purpose.TOTP_NEW) is None:
            raise NotFound("enrolment", "that was begun here; begin again")
        await writes.record_totp(conn, staff_id, seal(atlas.secret, SEALED_FOR, begun.secret.encode()), step)
        await writes.record_recovery_codes(conn, staff_id, [code_hash(code) for code in codes])
        await happened(conn, staff_id, "authenticator_app_added")
    return codes


async def check_code(atlas: Atlas, staff_id: StaffId, code: str, now: datetime) -> str:
    """Which kind of code it was: `totp` or `recovery_code`; either is used up. Raises SignInRefused and TriedTooOften."""
    await count(atlas, CODE, str(staff_id))
    async with atlas.transaction(DOOR) as conn:
        kind = await _taken(conn, atlas.secret, staff_id, code, now)
        if kind is not None:
            await forgive(conn, CODE, str(staff_id))
            if kind == "recovery_code":
                await happened(conn, staff_id, "recovery_code_used")
    if kind is None:
        log.info("sign_in_refused", staff_id=staff_id, by="code")
        raise SignInRefused(WRONG)
    return kind


async def _taken(conn: Connection, secret: bytes, staff_id: StaffId, code: str, now: datetime) -> str | None:
    kept = await reads.totp_held(conn, staff_id)
    if kept is None:
        return None
    step = step_of(opened(secret, SEALED_FOR, kept.sealed_secret).decode(), code, now, kept.last_step)
    if step is not None:
        await writes.record_totp_step(conn, staff_id, step)
        return "totp"
    return "recovery_code" if await writes.use_recovery_code(conn, staff_id, code_hash(code)) else None


async def renew_recovery_codes(atlas: Atlas, staff_id: StaffId) -> list[str]:
    """Ten new ones; those before open nothing any more."""
    codes = new_recovery_codes()
    async with atlas.transaction(DOOR) as conn:
        await writes.record_recovery_codes(conn, staff_id, [code_hash(code) for code in codes])
        await happened(conn, staff_id, "recovery_codes_renewed")
    return codes


async def remove_totp(atlas: Atlas, staff_id: StaffId) -> None:
    """The app and its recovery codes open nothing any more."""
    async with atlas.transaction(DOOR) as conn:
        await writes.forget_totp(conn, staff_id)
        await writes.record_recovery_codes(conn, staff_id, [])
        await happened(conn, staff_id, "authenticator_app_removed")


def new_recovery_codes() -> list[str]:
    letters = [base64.b32encode(secrets.token_bytes(RECOVERY_OCTETS)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(word[at : at + 6] for at in range(0, len(word), 6)) for word in letters]


def code_hash(code: str) -> bytes:
    """However it was typed: with or without dashes, in whatever case."""
    return hashlib.sha256("".join(letter for letter in code.lower() if letter.isalnum()).encode()).digest()


def picture_of(secret: str, account: str, issuer: str) -> str:
    """The QR code that an authenticator app scans, as SVG without any style of its own."""
    picture = io.BytesIO()
    uri = pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=account, issuer_name=issuer)
    segno.make(uri, micro=False, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=False, border=2, omitsize=True, svgclass="qr", lineclass=None
    )
    return picture.getvalue().decode()
