"""What is written to a customer about their money, and when it may go."""

from datetime import datetime, time
from typing import Final

from atlas.billing.records.compensation import BillContact
from atlas.crm.records import QuietHours
from atlas.crm.rules import quiet_hours_end
from atlas.helpdesk.records import NoticeDraft

# Bills are made at night: whoever never said when they wish to be left alone is not woken by one.
NIGHT: Final = QuietHours(time(21), time(8))
WAKES: Final = frozenset({"sms", "whatsapp", "voice"})


def noticed(contact: BillContact, words: str, now: datetime, *, may_wake: bool = True) -> NoticeDraft:
    """Not before their quiet hours end; what may not wake them, nor before eight in the morning where they live."""
    own = QuietHours(contact.quiet_from, contact.quiet_until) if contact.quiet_from and contact.quiet_until else None
    quiet = own or (None if may_wake or contact.channel not in WAKES else NIGHT)
    begins = quiet_hours_end(quiet, contact.timezone, now) if quiet else None
    return NoticeDraft(contact.customer_id, contact.channel, contact.address, contact.language, words, begins or now)
