"""The doors part: SNMP, syslog, machine HTTP and the mailbox, in one process of their own, so that no decoding ever delays Cortex."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from api.edge.front import fronted
from api.errors import translate_errors
from api.inbound import alertmanager, tmf642
from api.inbound.batch import AlarmIntake
from api.inbound.mail.mailbox import Access, Fetching
from api.inbound.mail.parsing import Mailbox
from api.inbound.rehearsal import rehearse
from api.inbound.snmp import listening as snmp
from api.inbound.snmp.parsing import Traps
from api.inbound.snmp.usm import SnmpUser, UserSecurity
from api.inbound.sources import TrustedForwarders
from api.inbound.syslog import listening as syslog
from api.inbound.syslog.parsing import Lines
from api.inbound.upkeep import upkeep
from api.inbound.web import LONGEST_BODY
from api.listening import listening
from api.operations.disk import refusing_when_low
from api.operations.measures import OBSERVED
from api.settings import Settings, value_of
from atlas.connection import BUSY, Atlas
from atlas.principal import Zone
from atlas.zone_keys import zone_secret
from forge.api_tokens import Keyring


@asynccontextmanager
async def open_doors(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """Listens on every door while the block runs; where. At the end what still waits is written before this returns."""
    url = value_of(settings.database_url) or ""
    async with AsyncExitStack() as stack:
        atlas = await stack.enter_async_context(Atlas.open(url, settings.secret, (Zone.INTAKE,), most=BUSY))
        intake = AlarmIntake(atlas)
        await stack.enter_async_context(intake.running())
        await stack.enter_async_context(upkeep(atlas, atlas.clock.now, timedelta(seconds=settings.hold_down_s)))
        trusted = TrustedForwarders.of(settings.trusted_forwarders)
        traps = Traps(forwarders=trusted, users=UserSecurity([snmp_user(settings)]))
        heard = await snmp.listen(settings.host, settings.snmp_port, traps, intake, atlas.clock.now)
        stack.callback(heard.close)
        datagrams, streams = await syslog.listen(settings.host, settings.syslog_port, Lines(), intake, atlas.clock.now)
        stack.callback(datagrams.close)
        stack.callback(streams.close)
        await stack.enter_async_context(refusing_when_low(intake, settings))
        if post := fetching(atlas, settings):
            await stack.enter_async_context(post.running(settings.mail_every_s))
        stack.enter_context(OBSERVED.watching(atlas, (intake,), (heard, datagrams, streams)))
        port = await stack.enter_async_context(listening(machine_app(atlas, intake, settings), settings.host, settings.intake_port))
        await rehearse(atlas, atlas.clock.now())
        yield {
            "snmp": f"udp://{settings.host}:{heard.port}",
            "syslog": f"udp+tcp://{settings.host}:{datagrams.port}",
            "intake": f"http://{settings.host}:{port}",
        }


def machine_app(atlas: Atlas, intake: AlarmIntake, settings: Settings) -> FastAPI:
    """TMF642 and Alertmanager's webhook, behind the operator's bearer token or a key of their own."""
    app = FastAPI(title="Bedrock intake", version="0.1.0", docs_url=None, redoc_url=None, openapi_url=None)
    translate_errors(app)
    keys = Keyring(atlas)
    for door in (tmf642, alertmanager):
        app.include_router(door.router(intake, intake_token(settings), atlas.clock.now, keys))
    return fronted(app, None, longest=LONGEST_BODY)


def fetching(atlas: Atlas, settings: Settings) -> Fetching | None:
    """The operator's mailbox, where there is one."""
    password = value_of(settings.imap_password)
    if settings.imap_host is None or password is None or not settings.mail_address:
        return None
    user = settings.imap_user or settings.mail_address
    access = Access(settings.imap_host, settings.imap_port, user, password, settings.imap_folder, settings.imap_tls)
    return Fetching(atlas, access, Mailbox(settings.mail_address, settings.mail_checked_by), atlas.clock.now)


def intake_token(settings: Settings) -> str:
    """The operator's own, or one derived from the installation's secret."""
    return value_of(settings.intake_token) or derived(zone_secret(Zone.INTAKE, settings.secret), "intake token")


def snmp_user(settings: Settings) -> SnmpUser:
    """The user our own gear sends as: authenticated and encrypted, with the operator's pass phrases or derived ones."""
    auth_key = value_of(settings.snmp_v3_auth_key) or derived(zone_secret(Zone.INTAKE, settings.secret), "snmp authentication")
    privacy_key = value_of(settings.snmp_v3_privacy_key) or derived(zone_secret(Zone.INTAKE, settings.secret), "snmp privacy")
    return SnmpUser(settings.snmp_v3_user, "sha256", auth_key, "aes128", privacy_key)


def derived(secret: bytes, purpose: str) -> str:
    return hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest()[:32]
