"""Puts the house together from settings: the one place that knows every part by name."""

import logging
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import structlog
from pysnmp.hlapi.v3arch.asyncio import CommunityData
from structlog.typing import Processor

from api.operations.measures import OBSERVED
from api.operations.redaction import redacted
from api.settings import Settings, value_of
from atlas.billing.records.dunning import Ladder
from atlas.connection import Atlas
from atlas.crm.records import Channel
from atlas.errors import AtlasError
from atlas.money import count_in
from atlas.principal import WORKING, Zone
from cortex.pictures import WarmTopology
from forge.books import keep_books_in
from forge.errands import Outside
from forge.matrix_in_force import put_in_force
from forge.outside.carriers import ByChannel
from forge.outside.codes import WithCodes
from forge.outside.letters import Sender
from forge.outside.paper import LETTER, PaperPost
from forge.outside.ports import Messenger, Payments, Prober, Provisioner
from forge.outside.radius import RadiusProvisioner
from forge.outside.recorded import RecordedMessenger, RecordedPayments, RecordedProber, RecordedProvisioner
from forge.outside.smtp import MailServer, SmtpMessenger
from forge.outside.snmp import SnmpProber
from forge.outside.stop_links import StopLinks
from forge.outside.stripe import StripePayments
from forge.outside.twilio import TwilioMessenger, TwilioSenders
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.dunning import SHIPPED as SHIPPED_LADDER
from governance.dunning import load as load_ladder
from governance.matrix import load


class NoDatabase(AtlasError):
    """A part was started by itself, without the database's address."""


@dataclass(frozen=True)
class House:
    """What every part of the platform is handed; `parts` says which of two possible ones it runs with (Twilio or recorded, ...)."""

    settings: Settings
    atlas: Atlas
    forge: Forge
    warm: WarmTopology
    parts: dict[str, str]
    ladder: Ladder = field(default_factory=lambda: load_ladder(SHIPPED_LADDER))


@asynccontextmanager
async def house(settings: Settings, zones: Collection[Zone] = WORKING, most: int = 8) -> AsyncIterator[House]:
    """Opens Atlas at the database of the settings, with a pool per zone, and builds Forge on it.

    Raises MatrixRefused, LadderRefused or MatrixAndRegisterDisagree where a file of the operator's is not sound: nothing starts on it.
    """
    url = value_of(settings.database_url)
    if url is None:
        raise NoDatabase("DATABASE_URL is not set; `bedrock serve` starts the embedded PostgreSQL and hands it on")
    count_in(settings.currency)
    matrix = load(settings.matrix)
    async with Atlas.open(url, settings.secret, zones, most) as atlas:
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), atlas.clock.now, ZoneInfo(settings.timezone))
        if Zone.EXECUTOR in atlas.pools:
            await put_in_force(atlas, matrix)
            await keep_books_in(atlas, settings.currency)
        with OBSERVED.watching(atlas):
            yield House(settings, atlas, forge, WarmTopology(), {}, load_ladder(SHIPPED_LADDER))


@asynccontextmanager
async def outside_world(one: House) -> AsyncIterator[tuple[Messenger, Outside]]:
    """The real carrier, prober and payment provider where they are configured, else their recorded twins; `parts` remembers which."""
    prober = _prober(one)
    one.parts.update(messenger="recorded", prober=type(prober).__name__, provisioner="recorded", payments="recorded")
    async with AsyncExitStack() as stack:
        payments = await _payments(one, stack)
        messenger = await _messenger(one, stack)
        yield messenger, Outside(prober, _provisioner(one), payments)


async def _messenger(one: House, stack: AsyncExitStack) -> Messenger:
    post = {**_post(one), LETTER: PaperPost(one.atlas, one.settings.operator)}
    carriers = await _twilio(one, stack)
    return WithCodes(ByChannel({**carriers, **post}, None if carriers else RecordedMessenger(one.atlas)), one.atlas)


def _post(one: House) -> dict[str, Messenger]:
    """The carrier of letters where the operator has a mail server; else nobody."""
    settings = one.settings
    if settings.smtp_host is None or not settings.mail_address:
        return {}
    one.parts["mail"] = "smtp"
    password = value_of(settings.smtp_password) or ""
    server = MailServer(settings.smtp_host, settings.smtp_port, settings.smtp_user, password, settings.smtp_security)
    links = StopLinks.of(settings.secret, settings.public_url or "")
    return {Channel.EMAIL.value: SmtpMessenger(one.atlas, server, Sender(settings.operator, settings.mail_address), one.forge.now, links)}


async def _twilio(one: House, stack: AsyncExitStack) -> dict[str, Messenger]:
    settings = one.settings
    token = value_of(settings.twilio_auth_token)
    if settings.twilio_account_sid is None or token is None:
        return {}
    senders = TwilioSenders(settings.twilio_sms_from, settings.twilio_whatsapp_from, settings.twilio_whatsapp_templates)
    public = (settings.webhook_url or settings.public_url).rstrip("/")
    reports_to = f"{public}/webhooks/twilio/status" if public else ""
    opening = TwilioMessenger.open(settings.twilio_account_sid, token, senders, settings.twilio_base_url, reports_to)
    twilio = await stack.enter_async_context(opening)
    one.parts["messenger"] = "twilio"
    return {Channel.SMS.value: twilio, Channel.WHATSAPP.value: twilio}


async def _payments(one: House, stack: AsyncExitStack) -> Payments:
    settings = one.settings
    key = value_of(settings.stripe_api_key)
    if key is None:
        return RecordedPayments(one.atlas)
    one.parts["payments"] = "stripe"
    return await stack.enter_async_context(StripePayments.open(key, settings.public_url or "https://example.com", settings.stripe_base_url))


def _provisioner(one: House) -> Provisioner:
    """BNGs are told of sessions where the operator says inside which networks they are; what else a line needs is recorded."""
    recorded = RecordedProvisioner(one.atlas)
    if not one.settings.management_networks:
        return recorded
    one.parts["provisioner"] = "radius"
    return RadiusProvisioner(one.atlas, tuple(ip_network(network) for network in one.settings.management_networks), recorded)


def _prober(one: House) -> Prober:
    """Devices are asked over SNMP where the operator says with which community and inside which networks."""
    community = value_of(one.settings.snmp_read_community)
    if community is None or not one.settings.management_networks:
        return RecordedProber(one.atlas)
    return SnmpProber(CommunityData(community), tuple(ip_network(network) for network in one.settings.management_networks))


def configure_logging(form: str, *before_written: Processor) -> None:
    """Events in the past tense with ids and measures, one a line, to standard error: JSON for machines, colours for people.

    What libraries say goes the same way. `before_written` sees each event whole; then what no log may hold is taken out of it.
    """
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        *before_written,
        redacted,
    ]
    last: Processor = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*chain, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    theirs: list[Processor] = [structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name, *chain]
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(structlog.stdlib.ProcessorFormatter(last, foreign_pre_chain=theirs))
    logging.basicConfig(level=logging.WARNING, handlers=[libraries], force=True)
