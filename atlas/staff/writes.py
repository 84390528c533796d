"""Who signs in and out, and with what. A sign-in is a fact that arrived, proven by the console's door."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from psycopg.types.json import Jsonb

from atlas.identity import StaffId
from atlas.staff.records import Purpose, Unfinished
from atlas.staff.rules import PROOF_LIVES, SESSION_LIVES
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def record_sign_in(
    conn: Connection, token_hash: bytes, staff_id: StaffId, proved_by: Sequence[str], address: str = "", browser: str = ""
) -> None:
    """A new session; of the token only the hash is kept. Whatever lapsed, of anybody, goes."""
    await SQL.run(conn, "forget_lapsed_sessions", staff_id=staff_id)
    await SQL.run(conn, "forget_lapsed_proofs")
    await SQL.run(conn, "forget_attempts")
    await SQL.run(
        conn,
        "record_sign_in",
        token_hash=token_hash,
        staff_id=staff_id,
        lives=SESSION_LIVES,
        proved_by=list(proved_by),
        address=address,
        browser=browser[:200],
    )


async def record_proof(conn: Connection, token_hash: bytes, new_token_hash: bytes, proved_by: Sequence[str]) -> bool:
    """The person proved themselves again: the session is fresh, under a new token. False where it ended meanwhile."""
    touched = await SQL.run(conn, "record_proof", token_hash=token_hash, new_token_hash=new_token_hash, proved_by=list(proved_by))
    return touched == 1


async def record_use(conn: Connection, token_hash: bytes) -> None:
    """Somebody did something at this browser; written once a minute at most."""
    await SQL.run(conn, "record_use", token_hash=token_hash)


async def record_sign_out(conn: Connection, token_hash: bytes) -> None:
    await SQL.run(conn, "record_sign_out", token_hash=token_hash)


async def end_session(conn: Connection, staff_id: StaffId, session_id: int) -> bool:
    """Signs one browser of theirs out; False where they have no such session."""
    return await SQL.run(conn, "end_session", staff_id=staff_id, session_id=session_id) == 1


async def end_sessions(conn: Connection, staff_id: StaffId, but_token_hash: bytes | None = None) -> int:
    """Signs them out everywhere, but at the browser they sit at; how many there were."""
    return await SQL.run(conn, "end_sessions", staff_id=staff_id, but_token_hash=but_token_hash)


async def record_password(conn: Connection, staff_id: StaffId, password_hash: str) -> None:
    """A new password, of their own choice."""
    await SQL.run(conn, "record_password", staff_id=staff_id, password_hash=password_hash)


async def record_given_password(conn: Connection, staff_id: StaffId, password_hash: str) -> None:
    """A password that somebody else chose for them."""
    await SQL.run(conn, "record_given_password", staff_id=staff_id, password_hash=password_hash)


async def record_stronger_hash(conn: Connection, staff_id: StaffId, password_hash: str) -> None:
    """The same password under stronger parameters."""
    await SQL.run(conn, "record_stronger_hash", staff_id=staff_id, password_hash=password_hash)


async def count_attempt(
    conn: Connection, scope: str, key: bytes, *, free: int, window: timedelta, first: timedelta, longest: timedelta
) -> timedelta | None:
    """Counts a try; None where it may go on, else how long until the next is heard."""
    wait: timedelta | None = await SQL.value(
        conn, "count_attempt", scope=scope, key=key, free=free, window=window, first=first, longest=longest
    )
    return wait


async def forgive_attempts(conn: Connection, scope: str, key: bytes) -> None:
    """It was them after all: what was counted against this key is forgotten."""
    await SQL.run(conn, "forgive_attempts", scope=scope, key=key)


async def begin_proof(conn: Connection, token_hash: bytes, purpose: Purpose, staff_id: StaffId | None, sealed: bytes) -> None:
    await SQL.run(conn, "begin_proof", token_hash=token_hash, purpose=purpose, staff_id=staff_id, sealed=sealed, lives=PROOF_LIVES)


async def take_proof(conn: Connection, token_hash: bytes, purpose: Purpose) -> Unfinished | None:
    """What was begun under this token, which nobody takes a second time."""
    return await SQL.first(conn, Unfinished, "take_proof", token_hash=token_hash, purpose=purpose)


async def record_totp(conn: Connection, staff_id: StaffId, sealed_secret: bytes, last_step: int) -> None:
    """A new authenticator app, in place of any before it; the code that proved it is used up."""
    await SQL.run(conn, "record_totp", staff_id=staff_id, sealed_secret=sealed_secret, last_step=last_step)


async def record_totp_step(conn: Connection, staff_id: StaffId, step: int) -> None:
    await SQL.run(conn, "record_totp_step", staff_id=staff_id, step=step)


async def forget_totp(conn: Connection, staff_id: StaffId) -> None:
    await SQL.run(conn, "forget_totp", staff_id=staff_id)


async def record_recovery_codes(conn: Connection, staff_id: StaffId, code_hashes: Collection[bytes]) -> None:
    """These, and none of those before."""
    await SQL.run(conn, "forget_recovery_codes", staff_id=staff_id)
    await SQL.run_each(conn, "record_recovery_code", rows=[{"staff_id": staff_id, "code_hash": one} for one in code_hashes])


async def use_recovery_code(conn: Connection, staff_id: StaffId, code_hash: bytes) -> bool:
    """Takes the code out; False where it is not one of theirs, or not any more."""
    return await SQL.run(conn, "use_recovery_code", staff_id=staff_id, code_hash=code_hash) == 1


async def record_passkey(
    conn: Connection, staff_id: StaffId, credential_id: bytes, public_key: bytes, sign_count: int, name: str, *, is_backed_up: bool
) -> None:
    await SQL.run(
        conn,
        "record_passkey",
        staff_id=staff_id,
        credential=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        name=name,
        is_backed_up=is_backed_up,
    )


async def record_passkey_use(conn: Connection, credential_id: bytes, sign_count: int) -> None:
    await SQL.run(conn, "record_passkey_use", credential=credential_id, sign_count=sign_count)


async def forget_passkey(conn: Connection, staff_id: StaffId, passkey_id: int) -> bool:
    """False where they have no such key."""
    return await SQL.run(conn, "forget_passkey", staff_id=staff_id, passkey_id=passkey_id) == 1


async def forget_passkeys(conn: Connection, staff_id: StaffId) -> None:
    await SQL.run(conn, "forget_passkeys", staff_id=staff_id)


async def link_outside_account(conn: Connection, issuer: str, subject: str, staff_id: StaffId, linked_by: str) -> None:
    """From now on that account of another house is this person. Raises UniqueViolation where it is somebody's already."""
    await SQL.run(conn, "link_outside_account", issuer=issuer, subject=subject, staff_id=staff_id, linked_by=linked_by)


async def unlink_outside_accounts(conn: Connection, staff_id: StaffId) -> int:
    return await SQL.run(conn, "unlink_outside_accounts", staff_id=staff_id)


async def record_api_token(
    conn: Connection, token_hash: bytes, name: str, staff_id: StaffId, scopes: Collection[str], lives: timedelta
) -> int:
    """A machine's key; its number."""
    made: int = await SQL.value(
        conn, "record_api_token", token_hash=token_hash, name=name, staff_id=staff_id, scopes=sorted(scopes), lives=lives
    )
    return made


async def revoke_api_token(conn: Connection, token_id: int) -> bool:
    """False where there is none of that number, or it was revoked before."""
    return await SQL.run(conn, "revoke_api_token", token_id=token_id) == 1


async def record_event(conn: Connection, actor: str, event: str, detail: dict[str, Any]) -> None:
    """A line of the audit trail: who proved what, who changed how somebody gets in."""
    await SQL.run(conn, "record_event", actor=actor, event=event, detail=Jsonb(detail))
