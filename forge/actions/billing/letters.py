"""What is written to a customer about their money, and when it may go."""

from datetime import datetime

from atlas.billing.records.compensation import BillContact
from atlas.crm.records import QuietHours
from atlas.crm.rules import quiet_hours_end
from atlas.helpdesk.records import NoticeDraft


def noticed(contact: BillContact, words: str, now: datetime) -> NoticeDraft:
    """Not before their quiet hours end."""
    quiet = QuietHours(contact.quiet_from, contact.quiet_until) if contact.quiet_from and contact.quiet_until else None
    begins = quiet_hours_end(quiet, contact.timezone, now) if quiet else None
    return NoticeDraft(contact.customer_id, contact.channel, contact.address, contact.language, words, begins or now)
