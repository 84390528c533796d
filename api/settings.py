"""What differs by installation; read once from the environment (or .env) and handed down as values. No other file reads the environment."""

import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from atlas.zone_keys import ZoneSecret


class Settings(BaseSettings):
    """Every setting has a default that runs Bedrock on a laptop with nothing installed."""

    model_config = SettingsConfigDict(env_prefix="BEDROCK_", env_file=".env", extra="ignore", frozen=True)

    zone_key: Path | None = Field(
        default=None, description="the key of one trust zone (`bedrock keys write`), instead of the house's secret"
    )
    home: Path = Field(default=Path(".bedrock"), description="where the embedded PostgreSQL and the secret live")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL", description="a server of your own, as the owner")
    matrix: Path = Field(default=Path("governance/matrix.yaml"), description="the escalation matrix")
    operator: str = "Harbour Broadband"
    currency: str = "GBP"
    timezone: str = "Europe/London"

    part: str = Field(default="", description="the name of this process among several; set by whoever starts them")
    host: str = "127.0.0.1"
    port: int = 8080
    # Where browsers and other houses find this one, as https://host: cookies, passkeys, redirects and signatures are bound to it.
    # Without it the console answers to loopback only.
    public_url: str = ""
    # Asked of everybody who signs in: `always`, `if_added`, or by default always once there is a public address.
    second_factor: Literal["always", "if_added", "when_public"] = "when_public"
    oidc_issuer: str | None = Field(default=None, description="another house that says who signs in (OpenID Connect)")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_name: str = "your company account"
    snmp_port: int = 1162
    syslog_port: int = 1514
    intake_port: int = 8081
    radius: Literal["where_installed", "off"] = Field(
        default="where_installed", description="FreeRADIUS on Atlas, as a part of the platform"
    )
    radius_auth_port: int = 1812
    radius_acct_port: int = 1813
    workers: int = Field(default=1, ge=1, le=64, description="processes that take jobs; any of them takes over from one that dies")
    metrics_port: int = Field(default=0, description="of the first part, the next ones follow; on loopback only; 0 is any free port")
    hold_down_s: float = Field(default=120, gt=0, description="an alarm that flaps stands until nothing was heard of it for so long")
    disk_limit_mb: int = Field(default=512, ge=0, description="with less left on our own disk nothing new should be sent here")
    webs: int = Field(default=1, ge=1, le=16, description="processes of the web; each listens a hundred ports above the one before")
    ballast_mb: int = Field(default=256, ge=0, description="kept on our own disk only to be given up when it is full; 0 is none")
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", description="where traces go")
    # Datagrams from these may speak for others (RFC 3584 snmpTrapAddress); everyone else speaks for themselves.
    trusted_forwarders: tuple[str, ...] = ("127.0.0.1", "::1")
    snmp_v3_user: str = "bedrock"
    snmp_v3_auth_key: SecretStr | None = None
    snmp_v3_privacy_key: SecretStr | None = None
    intake_token: SecretStr | None = None
    log_format: Literal["console", "json"] = "json"

    audit_heads: Path | None = Field(
        default=None, description="where every audit chain ends is appended here; out of reach of the database's owner"
    )
    erasures: Path | None = Field(
        default=None, description="who was erased, by number, is appended here; on another disk than the database, for a restore to read"
    )
    backup_key: SecretStr | None = Field(default=None, description="64 hexadecimal digits; with it backups are encrypted at rest")

    twilio_account_sid: str | None = Field(default=None, validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(default=None, validation_alias="TWILIO_AUTH_TOKEN")
    # Twilio signs with the first; while one is rotated both are good.
    twilio_secondary_auth_token: SecretStr | None = Field(default=None, validation_alias="TWILIO_SECONDARY_AUTH_TOKEN")
    webhook_url: str = Field(default="", description="what Twilio was told to call, up to /webhooks, if not public_url: behind a path")
    twilio_sms_from: str | None = Field(default=None, validation_alias="TWILIO_SMS_FROM")
    twilio_whatsapp_from: str | None = Field(default=None, validation_alias="TWILIO_WHATSAPP_FROM")
    twilio_voice: Literal["relay", "gather"] = Field(
        default="relay",
        validation_alias="TWILIO_VOICE",
        description="how calls are held: ConversationRelay, or Gather where that is not available",
    )
    twilio_voice_desk: str = Field(
        default="", validation_alias="TWILIO_VOICE_DESK", description="where a caller who needs a person is put through"
    )

    chat_origins: tuple[str, ...] = Field(
        default=(), description="the operator's sites that may show our chat, as https://www.isp.example; none: there is no such chat"
    )

    twilio_whatsapp_templates: dict[str, str] = Field(
        default_factory=dict, validation_alias="TWILIO_WHATSAPP_TEMPLATES", description="Content SIDs by template, as in outage.en"
    )
    twilio_base_url: str | None = Field(default=None, validation_alias="TWILIO_BASE_URL", description="a proxy in front of Twilio")
    # Letters go out where there is a server and an address they are from; that address is also the mailbox that is read.
    smtp_host: str | None = Field(default=None, description="letters leave by this mail server")
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="`none` only for a server on this machine")
    mail_address: str = Field(default="", description="whom our letters are from, and where they are answered")
    imap_host: str | None = Field(default=None, description="letters to us lie in a mailbox there")
    imap_port: int = 993
    imap_user: str = Field(default="", description="if not mail_address")
    imap_password: SecretStr | None = None
    imap_folder: str = "INBOX"
    imap_tls: bool = Field(default=True, description="false only for a server on this machine")
    notices_a_day: int = Field(
        default=6,
        ge=0,
        description="that one address gets; more wait. Answers, codes, faults, warnings and visits are not counted; 0 is no limit",
    )
    mail_every_s: float = Field(default=15, gt=0, description="how often the mailbox is looked at")
    mail_checked_by: str = Field(
        default="", description="the name our own mail server writes into Authentication-Results; without it no sender is recognised"
    )

    stripe_api_key: SecretStr | None = Field(default=None, validation_alias="STRIPE_API_KEY", description="money moves through Stripe")
    # Stripe signs with the first; while it is rolled both are good.
    stripe_webhook_secret: SecretStr | None = Field(default=None, validation_alias="STRIPE_WEBHOOK_SECRET")
    stripe_previous_webhook_secret: SecretStr | None = Field(default=None, validation_alias="STRIPE_PREVIOUS_WEBHOOK_SECRET")
    stripe_base_url: str | None = Field(default=None, validation_alias="STRIPE_BASE_URL", description="a proxy in front of Stripe")
    snmp_read_community: SecretStr | None = Field(default=None, description="with management_networks: diagnostics ask real devices")
    management_networks: tuple[str, ...] = ()

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    openai_model: str = Field(default="gpt-4.1-mini", validation_alias="OPENAI_MODEL")

    @property
    def secret(self) -> bytes:
        """The installation's own secret, made at the first start; keys of zones, cookies and checkpoints are derived from it.

        A process with BEDROCK_ZONE_KEY has the key of its zone instead, and never comes near the secret. Raises KeyUnreadable.
        """
        if self.zone_key is not None:
            return ZoneSecret.read(self.zone_key)
        self.home.mkdir(parents=True, exist_ok=True)
        path = self.home / "secret"
        try:
            with path.open("x") as made:
                path.chmod(0o600)
                made.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        return bytes.fromhex(path.read_text().strip())


def value_of(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
