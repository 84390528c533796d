"""May this leave the house now? One rule for every message, probe, order and payment; whoever sends asks it, and nothing else.

It looks at the kill switches (of the channel, the action, and whoever asked), at what the customer said of being written to, at the hour
where they live, at how much they had already, at WhatsApp's window, and at whether the same words are there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from atlas.crm.records import Purpose, QuietHours
from atlas.crm.rules import is_welcome, quiet_hours_end
from atlas.helpdesk.rules import SERVICE_WINDOW
from atlas.identity import NoticeId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# The answer to somebody who wrote needs no consent and no hour: they are waiting for it.
REPLY: Final = "reply"
# A colleague is alarmed because somebody took a role in an emergency: that is not theirs to opt out of, and no hour is too late.
ALARM: Final = "alarm"
# A document goes to whoever asked for it just now.
COPY: Final = "bill_copy"
UNASKED: Final = frozenset({REPLY, ALARM, COPY})
# What each kind of notice is, to those who say what they wish to hear of. One that is not listed is not sent.
PURPOSE_OF: Final = {
    "outage": Purpose.SERVICE,
    "restored": Purpose.SERVICE,
    "ruling": Purpose.SERVICE,
    "credit": Purpose.BILLING,
    "credit_days": Purpose.BILLING,
    "order_done": Purpose.SERVICE,
    "add_on_begun": Purpose.SERVICE,
    "add_on_ended": Purpose.SERVICE,
    "order_failed": Purpose.SERVICE,
    "order_late": Purpose.SERVICE,
    "order_ended": Purpose.SERVICE,
    "order_visit": Purpose.SERVICE,
    "billing": Purpose.BILLING,
    "bill": Purpose.BILLING,
    "bill_payer": Purpose.BILLING,
    "bill_covered": Purpose.BILLING,
    "bill_gives_back": Purpose.BILLING,
    "compensation": Purpose.BILLING,
    "reminder": Purpose.BILLING,
    "reminder_payer": Purpose.BILLING,
    "restricted": Purpose.BILLING,
    "suspension_notice": Purpose.SERVICE,
    "service_back": Purpose.SERVICE,
    "marketing": Purpose.MARKETING,
}
# What goes to everybody on a day, and lets whatever somebody waits for go first.
IN_BULK: Final = frozenset({"bill", "bill_payer", "bill_covered", "bill_gives_back", "reminder", "reminder_payer", "marketing"})
# Of those about the service, what can wait until they are awake.
CAN_WAIT: Final = frozenset({"suspension_notice"})
# Nobody counts these: they answer somebody (so does a code), raise an alarm, say that a line is down or back, warn of what happens
# otherwise, or say when somebody comes. All else is more than enough when it comes again and again.
NOT_COUNTED: Final = UNASKED | {"outage", "restored", "suspension_notice", "order_visit"}
# What is said of a debt is not said any more once nothing is overdue: the money may come between the night and the morning.
# Said to whom it is said, with what goes with it: by another way, or to somebody else, the words would not be true.
ONE_WAY: Final = frozenset({COPY, "bill_payer", "reminder_payer"})
OF_A_DEBT: Final = frozenset({"reminder", "reminder_payer", "restricted", "suspension_notice"})
# While something is switched off it is looked at again this often; release need not take effect within the second, stopping must.
LOOK_AGAIN: Final = timedelta(seconds=5)
# As long as the first of two who share an address takes to be told.
TWIN_TAKES: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Limit:
    """So many counted notices go to one address `within` this time; the next waits until the first is that long ago. 0: no limit."""

    most: int = 6
    within: timedelta = timedelta(days=1)


NO_LIMIT: Final = Limit(0)


class May(StrEnum):
    """NOT_HERE: not this way, but the customer's next may do. TOLD: the same words are there already, so there is nothing to send."""

    SEND = "send"
    LATER = "later"
    NOT_HERE = "not_here"
    NEVER = "never"
    TOLD = "told"


@dataclass(frozen=True)
class Permit:
    """`after`: how long until it is worth asking again. `as_template`: only in the approved words of its template."""

    may: May
    why: str = ""
    after: timedelta | None = None
    as_template: bool = False


@dataclass(frozen=True)
class NoticeStanding:
    """One notice, as everything stands at `now` by the database's clock. `agreed` and `declined`: the customer's word for this channel.

    `counted_at`: when the counted notices went to this address within the limit's time, the newest first; what is on its way counts as now.
    """

    id: NoticeId
    purpose: str
    channel: str
    template: str
    customer_state: str
    timezone: str
    quiet_from: time | None
    quiet_until: time | None
    agreed: tuple[str, ...]
    declined: tuple[str, ...]
    last_wrote_at: datetime | None
    is_told: bool
    is_being_told: bool
    stopped_because: str | None
    now: datetime
    owes_nothing_overdue: bool = False
    counted_at: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class ErrandStanding:
    """One errand at a port: whether its action, whoever asked for it, or the port itself is switched off."""

    id: int
    stopped_because: str | None


def may_send(one: NoticeStanding | ErrandStanding, limit: Limit = NO_LIMIT) -> Permit:
    """The rule. Pure: `permits` and `errand_permits` read what it judges."""
    if one.stopped_because is not None:
        return Permit(May.LATER, f"switched off: {one.stopped_because}", LOOK_AGAIN)
    if isinstance(one, ErrandStanding):
        return Permit(May.SEND)
    return _unwelcome(one) or _repeated(one) or _too_early(one) or _too_many(one, limit) or _by_window(one)


def _unwelcome(one: NoticeStanding) -> Permit | None:
    if one.purpose in UNASKED:
        return None
    if one.purpose in OF_A_DEBT and one.owes_nothing_overdue:
        return Permit(May.NEVER, "nothing is overdue any more")
    purpose = PURPOSE_OF.get(one.purpose)
    if purpose is None:
        return Permit(May.NEVER, f"nobody was ever asked whether they wish to hear of {one.purpose}")
    if purpose in one.declined:
        return Permit(May.NOT_HERE, "opted out")
    said = True if purpose in one.agreed else None
    if not is_welcome(one.customer_state, said, purpose):
        return Permit(May.NOT_HERE if one.customer_state != "deceased" else May.NEVER, "no consent")
    return None


def _repeated(one: NoticeStanding) -> Permit | None:
    if one.purpose in UNASKED:
        return None
    if one.is_told:
        return Permit(May.TOLD, "the same words are at this address already")
    return Permit(May.LATER, "the same words are on their way to this address", TWIN_TAKES) if one.is_being_told else None


def _too_early(one: NoticeStanding) -> Permit | None:
    """A text about a fault wakes nobody, and they may be looking for the reason; a call does, and a bill can wait until morning."""
    if one.purpose in UNASKED:
        return None
    if PURPOSE_OF[one.purpose] is Purpose.SERVICE and one.purpose not in CAN_WAIT and one.channel != "voice":
        return None
    if one.quiet_from is None or one.quiet_until is None:
        return None
    ends = quiet_hours_end(QuietHours(one.quiet_from, one.quiet_until), one.timezone, one.now)
    return Permit(May.LATER, "quiet hours", ends - one.now) if ends is not None else None


def _too_many(one: NoticeStanding, limit: Limit) -> Permit | None:
    """Nothing is lost: what is over the limit waits until there is room for it, and is then asked about like anything else."""
    if not limit.most or one.purpose in NOT_COUNTED or len(one.counted_at) < limit.most:
        return None
    room = one.counted_at[limit.most - 1] + limit.within - one.now
    return Permit(May.LATER, "enough for this address for now", max(room, LOOK_AGAIN))


def _by_window(one: NoticeStanding) -> Permit:
    """WhatsApp takes free words only within a day of the customer's own; after that, a template."""
    is_open = one.last_wrote_at is not None and one.now - one.last_wrote_at <= SERVICE_WINDOW
    if one.channel != "whatsapp" or is_open:
        return Permit(May.SEND)
    if not one.template:
        return Permit(May.NOT_HERE, "WhatsApp takes no free words a day after they last wrote")
    return Permit(May.SEND, as_template=True)


async def permits(conn: Connection, notices: Sequence[NoticeId], limit: Limit = NO_LIMIT) -> dict[NoticeId, Permit]:
    """What may become of each notice at this moment."""
    counted = {"not_counted": sorted(NOT_COUNTED), "most": limit.most, "within": limit.within, "of_a_debt": sorted(OF_A_DEBT)}
    standings = await SQL.all(conn, NoticeStanding, "notice_standings", ids=list(notices), **counted)
    return {one.id: may_send(one, limit) for one in standings}


async def errand_permits(conn: Connection, errands: Sequence[int]) -> dict[int, Permit]:
    standings = await SQL.all(conn, ErrandStanding, "errand_standings", ids=list(errands))
    return {one.id: may_send(one) for one in standings}
