"""The way in, step by step: a password and then a second factor, a passkey alone, or another house's word."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import StaffId
from atlas.staff import reads, writes
from atlas.staff.records import Factors, Purpose, SignedIn
from forge.sign_in import oidc, passkeys
from forge.sign_in.caller import Caller, marked_for
from forge.sign_in.limits import ACCOUNT, ADDRESS, CODE, DOOR, WHOLE, count, forgive
from forge.sign_in.passwords import GivenPasswordLapsed, SignInRefused, check, hashed, new_password
from forge.sign_in.relying_party import RelyingParty
from forge.sign_in.sealing import opened, seal
from forge.sign_in.sessions import Token, begin_session, happened, proved_again
from forge.sign_in.totp import check_code

log = structlog.get_logger()

SEALED_FOR = "second factor"
LAPSED = "that took too long; begin again"


@dataclass(frozen=True)
class In:
    """Somebody is in: who, and the token of the new session."""

    staff_id: StaffId
    token: Token


@dataclass(frozen=True)
class Halfway:
    """The first factor held; the second is still to come, under this token."""

    staff_id: StaffId
    token: Token
    factors: Factors


async def sign_in(atlas: Atlas, email: str, password: str, caller: Caller = Caller(), before: Token | None = None) -> In | Halfway:
    """With a password: in, or halfway where the person has a second factor. Raises SignInRefused and TriedTooOften.

    Nobody and somebody take as long, are counted alike and are told the same.
    """
    await knock(atlas, caller)
    staff_id = await _password_holds(atlas, email, password, caller)
    return await _after_one(atlas, staff_id, "password", caller, before)


async def sign_in_by_passkey(
    atlas: Atlas, here: RelyingParty, asked: Token, answer: str, caller: Caller = Caller(), before: Token | None = None
) -> In:
    """With a passkey alone: something they have, unlocked by something they know or are. Raises SignInRefused and TriedTooOften."""
    await knock(atlas, caller)
    staff_id = await passkeys.shown_by(atlas, here, asked, answer, None)
    return In(staff_id, await begin_session(atlas, staff_id, ["passkey"], caller, before))


async def sign_in_by_house(atlas: Atlas, vouched: oidc.Vouched, caller: Caller = Caller(), before: Token | None = None) -> In | Halfway:
    """On another house's word; where it asked for one factor only, a second of ours follows if there is one."""
    if vouched.has_many_factors:
        return In(vouched.staff_id, await begin_session(atlas, vouched.staff_id, ["oidc", "mfa"], caller, before))
    return await _after_one(atlas, vouched.staff_id, "oidc", caller, before)


async def halfway(atlas: Atlas, token: Token) -> Halfway:
    """Whose second factor is still to come. Raises SignInRefused where nobody's is."""
    async with atlas.transaction(DOOR) as conn:
        begun = await reads.unfinished(conn, token.fingerprint, Purpose.SECOND_FACTOR)
        if begun is None or begun.staff_id is None:
            raise SignInRefused(LAPSED)
        return Halfway(begun.staff_id, token, await reads.factors_of(conn, begun.staff_id))


async def finish_with_code(
    atlas: Atlas, here: Halfway, code: str, now: datetime, caller: Caller = Caller(), before: Token | None = None
) -> In:
    """With a code of the app, or a recovery code. Raises SignInRefused and TriedTooOften."""
    await knock(atlas, caller)
    kind = await check_code(atlas, here.staff_id, code, now)
    return await _finished(atlas, here, kind, caller, before)


async def finish_with_passkey(
    atlas: Atlas, at: RelyingParty, here: Halfway, asked: Token, answer: str, caller: Caller = Caller(), before: Token | None = None
) -> In:
    """With one of their own passkeys. Raises SignInRefused and TriedTooOften."""
    await knock(atlas, caller)
    await passkeys.shown_by(atlas, at, asked, answer, here.staff_id)
    return await _finished(atlas, here, "passkey", caller, before)


async def prove_again(
    atlas: Atlas, token: Token, me: SignedIn, password: str, code: str, now: datetime, caller: Caller = Caller()
) -> Token:
    """The password once more, and a code where there is an app, before money or a disconnection is ruled on; the session's new token.

    Raises SignInRefused and TriedTooOften.
    """
    await knock(atlas, caller)
    async with atlas.transaction(DOOR) as conn:
        factors = await reads.factors_of(conn, me.staff_id)
    if factors.passkeys and not factors.has_totp:
        raise SignInRefused("your second factor is a passkey: show that one")
    if await _password_holds(atlas, me.email, password, caller) != me.staff_id:
        raise SignInRefused
    kinds = ["password"]
    if factors.has_totp:
        kinds.append(await check_code(atlas, me.staff_id, code, now))
    return await proved_again(atlas, token, me.staff_id, kinds)


async def prove_again_by_passkey(atlas: Atlas, here: RelyingParty, token: Token, me: SignedIn, asked: Token, answer: str) -> Token:
    """A passkey once more; the session's new token. Raises SignInRefused."""
    await passkeys.shown_by(atlas, here, asked, answer, me.staff_id)
    return await proved_again(atlas, token, me.staff_id, ["passkey"])


async def change_password(
    atlas: Atlas, token: Token, me: SignedIn, old: str, new: str, about: list[str], caller: Caller = Caller()
) -> Token:
    """A new password; every other browser of theirs is signed out, and this one gets a new token.

    Raises SignInRefused, TriedTooOften and InvalidField.
    """
    await knock(atlas, caller)
    if await _password_holds(atlas, me.email, old, caller) != me.staff_id:
        raise SignInRefused
    if new == old:
        raise InvalidField("password", "another than the one before")
    password_hash = await hashed(new_password(new, [*about, *me.email.split("@"), *me.name.split()]))
    async with atlas.transaction(DOOR) as conn:
        await writes.record_password(conn, me.staff_id, password_hash)
        await writes.end_sessions(conn, me.staff_id, token.fingerprint)
        await happened(conn, me.staff_id, "password_changed")
    return await proved_again(atlas, token, me.staff_id, me.proved_by)


async def factors_of(atlas: Atlas, staff_id: StaffId) -> Factors:
    async with atlas.transaction(DOOR) as conn:
        return await reads.factors_of(conn, staff_id)


async def knock(atlas: Atlas, caller: Caller) -> None:
    """Counts one knock at the door, over all and of this address. Raises TriedTooOften."""
    await count(atlas, WHOLE, "sign-in")
    if caller.address:
        await count(atlas, ADDRESS, caller.address)


async def _password_holds(atlas: Atlas, email: str, password: str, caller: Caller) -> StaffId:
    """Whose password this is. Raises SignInRefused and TriedTooOften."""
    async with atlas.transaction(DOOR) as conn:
        known = await reads.credentials(conn, email)
    mark = marked_for(atlas.secret, caller.known_browser, known.staff_id) if known else None
    whose = (email.strip().lower(), mark or "")
    await count(atlas, ACCOUNT, *whose)
    try:
        stronger = await check(known.password_hash if known else None, password)
    except SignInRefused:
        log.info("sign_in_refused", staff_id=known.staff_id if known else None, address=caller.address, by="password")
        raise
    assert known is not None, "nobody's password was checked and refused"
    async with atlas.transaction(DOOR) as conn:
        await forgive(conn, ACCOUNT, *whose)
        if stronger:
            await writes.record_stronger_hash(conn, known.staff_id, stronger)
    if known.has_lapsed:
        log.info("sign_in_refused", staff_id=known.staff_id, address=caller.address, by="given password")
        raise GivenPasswordLapsed
    return known.staff_id


async def _after_one(atlas: Atlas, staff_id: StaffId, by: str, caller: Caller, before: Token | None) -> In | Halfway:
    factors = await factors_of(atlas, staff_id)
    if not (factors.has_totp or factors.passkeys):
        return In(staff_id, await begin_session(atlas, staff_id, [by], caller, before))
    token = Token.new()
    async with atlas.transaction(DOOR) as conn:
        await writes.begin_proof(conn, token.fingerprint, Purpose.SECOND_FACTOR, staff_id, seal(atlas.secret, SEALED_FOR, by.encode()))
    return Halfway(staff_id, token, factors)


async def _finished(atlas: Atlas, here: Halfway, kind: str, caller: Caller, before: Token | None) -> In:
    async with atlas.transaction(DOOR) as conn:
        begun = await writes.take_proof(conn, here.token.fingerprint, Purpose.SECOND_FACTOR)
        if begun is None or begun.staff_id != here.staff_id:
            raise SignInRefused(LAPSED)
        await forgive(conn, CODE, str(here.staff_id))
    first = opened(atlas.secret, SEALED_FOR, begun.sealed).decode()
    return In(here.staff_id, await begin_session(atlas, here.staff_id, [first, kind], caller, before))
