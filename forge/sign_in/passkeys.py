"""Passkeys (WebAuthn): a key in a device that its owner unlocks, bound to this site; two factors in one, and nothing to phish."""

import json
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.identity import StaffId
from atlas.staff import reads, writes
from atlas.staff.records import Passkey, Purpose, SignedIn
from atlas.statements import Connection
from forge.sign_in.limits import DOOR
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.relying_party import RelyingParty
from forge.sign_in.sealing import opened, seal
from forge.sign_in.sessions import Token, happened, log

REFUSED = "that passkey is not known here, or did not prove that it was you"
SEALED_FOR = "passkey"
LONGEST_NAME = 60


@dataclass(frozen=True)
class Asked:
    """What the browser is asked to sign, and the token that brings the answer back to it."""

    token: Token
    options: dict[str, Any]


async def ask_for_new(atlas: Atlas, here: RelyingParty, me: SignedIn) -> Asked:
    """A key of this device that is not theirs already; its owner must unlock it."""
    async with atlas.transaction(DOOR) as conn:
        held = await reads.passkeys_of(conn, me.staff_id)
    options = generate_registration_options(
        rp_id=here.host,
        rp_name=here.name,
        user_id=f"staff:{me.staff_id}".encode(),
        user_name=me.email,
        user_display_name=me.name,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in held],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return await _asked(atlas, Purpose.PASSKEY_NEW, me.staff_id, options.challenge, json.loads(options_to_json(options)))


async def add(atlas: Atlas, here: RelyingParty, me: SignedIn, token: Token, answer: str, name: str) -> None:
    """The device's key is theirs from now on. Raises SignInRefused."""
    async with atlas.transaction(DOOR) as conn:
        challenge = await _challenge(conn, atlas.secret, Purpose.PASSKEY_NEW, token, me.staff_id)
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=here.host,
            expected_origin=here.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        raise SignInRefused(REFUSED) from None
    async with atlas.transaction(DOOR) as conn:
        await writes.record_passkey(
            conn,
            me.staff_id,
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            name.strip()[:LONGEST_NAME] or "Passkey",
            is_backed_up=made.credential_backed_up,
        )
        await happened(conn, me.staff_id, "passkey_added")


async def ask_anybody(atlas: Atlas, here: RelyingParty) -> Asked:
    """Whoever has a key for this site may show it: no name is asked for, so that none can be tried."""
    options = generate_authentication_options(rp_id=here.host, user_verification=UserVerificationRequirement.REQUIRED)
    return await _asked(atlas, Purpose.PASSKEY_SIGN_IN, None, options.challenge, json.loads(options_to_json(options)))


async def ask_again(atlas: Atlas, here: RelyingParty, staff_id: StaffId) -> Asked:
    """One of the keys of whoever is signed in, or halfway."""
    async with atlas.transaction(DOOR) as conn:
        held = await reads.passkeys_of(conn, staff_id)
    allowed = [PublicKeyCredentialDescriptor(id=key.credential_id) for key in held]
    options = generate_authentication_options(
        rp_id=here.host, allow_credentials=allowed, user_verification=UserVerificationRequirement.REQUIRED
    )
    return await _asked(atlas, Purpose.PASSKEY_AGAIN, staff_id, options.challenge, json.loads(options_to_json(options)))


async def shown_by(atlas: Atlas, here: RelyingParty, token: Token, answer: str, staff_id: StaffId | None) -> StaffId:
    """Whose key signed our challenge, here, unlocked by its owner. Raises SignInRefused.

    `staff_id`: it must be theirs; None: anybody's who works here.
    """
    purpose = Purpose.PASSKEY_SIGN_IN if staff_id is None else Purpose.PASSKEY_AGAIN
    async with atlas.transaction(DOOR) as conn:
        challenge = await _challenge(conn, atlas.secret, purpose, token, staff_id)
    async with atlas.transaction(DOOR) as conn:
        key = await reads.passkey_held(conn, _credential_id(answer))
        if key is None or staff_id not in (None, key.staff_id):
            log.info("sign_in_refused", staff_id=staff_id, by="passkey")
            raise SignInRefused(REFUSED)
        await writes.record_passkey_use(conn, key.credential_id, _verified(here, key, challenge, answer))
    return key.staff_id


def _verified(here: RelyingParty, key: Passkey, challenge: bytes, answer: str) -> int:
    """The key's new count of signatures; one that did not grow is a copy's and is refused. Raises SignInRefused."""
    try:
        return verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=here.host,
            expected_origin=here.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        ).new_sign_count
    except (WebAuthnException, ValueError):
        log.info("sign_in_refused", staff_id=key.staff_id, by="passkey")
        raise SignInRefused(REFUSED) from None


def _credential_id(answer: str) -> bytes:
    try:
        return base64url_to_bytes(json.loads(answer)["id"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise SignInRefused(REFUSED) from None


async def passkeys_of(atlas: Atlas, staff_id: StaffId) -> list[Passkey]:
    async with atlas.transaction(DOOR) as conn:
        return await reads.passkeys_of(conn, staff_id)


async def remove(atlas: Atlas, staff_id: StaffId, passkey_id: int) -> None:
    """Raises NotFound, also for somebody else's."""
    async with atlas.transaction(DOOR) as conn:
        if not await writes.forget_passkey(conn, staff_id, passkey_id):
            raise NotFound("passkey", passkey_id)
        await happened(conn, staff_id, "passkey_removed", passkey_id=passkey_id)


async def _asked(atlas: Atlas, purpose: Purpose, staff_id: StaffId | None, challenge: bytes, options: dict[str, Any]) -> Asked:
    token = Token.new()
    async with atlas.transaction(DOOR) as conn:
        await writes.begin_proof(conn, token.fingerprint, purpose, staff_id, seal(atlas.secret, SEALED_FOR, challenge))
    return Asked(token, options)


async def _challenge(conn: Connection, secret: bytes, purpose: Purpose, token: Token, staff_id: StaffId | None) -> bytes:
    """What this browser was asked to sign, once. Raises SignInRefused."""
    begun = await writes.take_proof(conn, token.fingerprint, purpose)
    if begun is None or begun.staff_id != staff_id:
        raise SignInRefused(REFUSED)
    return opened(secret, SEALED_FOR, begun.sealed)
