"""Pure: how facts read on a page. No figure is computed here; they are only said."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from atlas.billing.records.dunning import Unreachable
from atlas.billing.records.leavers import OwedToLeaver
from atlas.billing.rules.leavers import why_it_waits
from atlas.catalogue.records import PriceComponent
from atlas.money import Money, written

CAUSES: Final = {
    "feeder": "Fibre cut",
    "distribution": "Distribution fibre",
    "drop": "One customer's line",
    "power": "Power lost",
    "device": "Device failed",
    "card": "Line card failed",
    "upstream": "Upstream lost",
    "monitoring": "Monitoring blind",
    "degradation": "Redundancy lost",
    "planned": "Planned work",
    "unknown": "Cause unknown",
}
EVIDENCE: Final = {
    "behind_it_all_alarmed": "{count} of {of} watched devices behind it raised alarms",
    "quiet_siblings": "{count} of {of} devices behind it stay quiet",
    "in_maintenance": "{count} devices are worked on, within their window",
}
# What happened, by the event's fixed code; what a code lacks here is said from its figures.
EVENTS: Final = {
    "opened": "Incident opened: {alarms} alarms have one cause; {devices} devices and {subscribers} lines are behind it",
    "grew": "It grew: {alarms_joined} more alarms, {devices_joined} more devices, {subscribers_joined} more lines",
    "alarms_joined": "{alarms_joined} more alarms of the same cause",
    "tickets_opened": "Tickets opened: one parent and {children} for its areas",
    "diagnostics_started": "Diagnostics started on {devices} devices",
    "crew_sent": "{engineer} is on the way to {place}",
    "shrank": "Coming back: {devices_left} devices and {subscribers_left} lines have service again",
    "resolved": "Service is back for everybody",
    "closed": "Incident closed",
}
TOLD: Final = {
    "outage_told": "{customers:,} people told of the outage",
    "restored_told": "{customers:,} people told that they are back",
    "credits_told": "{customers:,} people told of their credit",
}


def cause_name(cause: str) -> str:
    return CAUSES.get(cause, cause)


def spoken(identifier: str) -> str:
    """`issue_credits` and `inProgress` as words."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in identifier)
    return spaced.replace("_", " ").strip()


def tone(incident: Any) -> str:
    if incident.state != "inProgress":
        return "well"
    return "lost" if incident.is_outage else "warn"


def standing(incident: Any) -> str:
    if incident.state == "closed":
        return "closed"
    if incident.state == "resolved":
        return "service is back"
    return "outage" if incident.is_outage else "degraded"


# What the agents look at, as a colleague calls it.
MODULES_SAID: Final = {
    "catalogue": "Plans and prices",
    "gis": "Places",
    "crm": "Customers",
    "oms": "Orders",
    "billing": "Bills and money",
    "nms": "Alarms",
    "cmdb": "Network and boxes",
    "itsm": "Incidents",
    "helpdesk": "What was said",
    "field_service": "Visits and crews",
}


def action_tone(state: str) -> str:
    tones = {"done": "well", "waiting": "warn", "failed": "lost", "refused": "lost", "rejected": "lost"}
    return tones.get(state, "info" if state in ("allowed", "approved", "executing", "proposed") else "plain")


# Why somebody who owes heard nothing of it.
UNTOLD: Final = {
    "no_address": "no address on file",
    "consent_withdrawn": "consent withdrawn for {channels}",
    "not_a_customer": "no longer an active customer",
    "not_delivered": "nothing sent by {channels} arrived",
    "letter_came_back": "the letter to their premise came back",
    "was_unreachable": "nobody could be reached when it was said; {channels} is open by now, and it is said again",
}


def untold(one: Unreachable) -> str:
    return UNTOLD[one.why].format(channels=" and ".join(one.channels))


# Why what we owe to somebody who left is still here.
OWED_STILL: Final = {
    "": "it goes back tonight",
    "final_statement_to_come": "the final statement is issued tonight",
    "look_at_final_statement": "something stands out of the final statement: look at it, and issue it",
    "waits_for_approval": "it waits for an approval",
    "deceased": "they died: ask who inherits, and transfer it",
    "more_than_they_paid_this_way": "more than their payments brought: a part goes back tonight, transfer the rest",
    "their_bank_took_it_back": "their bank took the payment back: ask where to, and transfer it",
    "paid_over_the_counter": "they paid over the counter: ask where to, and transfer it",
    "never_paid": "they never paid by any way that leads back: ask where to, and transfer it",
}


def owed_still(one: OwedToLeaver) -> str:
    return OWED_STILL[why_it_waits(one)]


def cycle_tone(lifecycle_status: str) -> str:
    return {"launched": "well", "active": "well", "retired": "plain", "obsolete": "plain"}.get(lifecycle_status, "info")


def step_taken(step: str) -> str:
    """What the agents are doing just now: `billing.aged_debt` is Billing: aged debt."""
    module, _, tool = step.partition(".")
    about = MODULES_SAID.get(module, spoken(module).capitalize())
    return f"{about}: {spoken(tool)}" if tool else about


def evidence(piece: Any) -> str:
    template = EVIDENCE.get(piece.observation)
    if template is not None:
        return template.format(count=piece.count, of=piece.of)
    tail = f" ({piece.count} of {piece.of})" if piece.of else f" ({piece.count})" if piece.count else ""
    return spoken(piece.observation).capitalize() + tail


def sentence(event: Any) -> str:
    """One event of an incident's timeline as people read it."""
    if event.kind in TOLD:
        by = ", ".join(f"{count:,} by {channel}" for channel, count in event.detail.get("channels", {}).items() if count)
        return TOLD[event.kind].format(customers=event.detail.get("customers", 0)) + (f": {by}" if by else "")
    template = EVENTS.get(event.kind)
    if template is not None:
        try:
            return template.format_map(event.detail)
        except KeyError:
            pass  # an older event with fewer figures is said from those it has
    figures = ", ".join(f"{spoken(key)} {_figure(fact)}" for key, fact in event.detail.items() if fact not in (None, "", [], {}))
    return spoken(event.kind).capitalize() + (f": {figures}" if figures else "")


def _figure(fact: Any) -> str:
    if isinstance(fact, list):
        return f"{len(fact)}" if len(fact) > 3 else ", ".join(map(str, fact))
    return str(fact)


def plain(fact: Any) -> str:
    """A fact of a piece of evidence, without the marks of a machine."""
    if isinstance(fact, Mapping):
        return " ".join(plain(part) for part in reversed(list(fact.values())))
    if isinstance(fact, list | tuple):
        return ", ".join(plain(part) for part in fact)
    if isinstance(fact, float):
        return f"{fact:.0%}" if 0 <= fact <= 1 else f"{fact:,.2f}"
    return spoken(fact) if isinstance(fact, str) and fact.islower() else str(fact)


def duration(span: timedelta) -> str:
    seconds = span.total_seconds()
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms"
    if abs(seconds) < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 48 * 60 else f"{minutes // 1440} days"


def since(at: datetime, start: datetime) -> str:
    return "+" + duration(at - start)


def lasted(end: datetime, start: datetime) -> str:
    return duration(end - start)


BROWSERS: Final = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser(user_agent: str) -> str:
    """Which browser on what, as its owner would call it. What it says of itself proves nothing and is only shown."""
    name = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (name, system) if part) or "A program"


PROOFS: Final = {"totp": "authenticator app", "oidc": "company account", "mfa": "its second factor", "operator": "the operator's word"}


def proofs(proved_by: Sequence[str]) -> str:
    return " and ".join(PROOFS.get(one, spoken(one)) for one in proved_by)


def speeds(down_kbps: int, up_kbps: int) -> str:
    """Down and up as people say a speed, 100 / 20 Mbit/s; in kbit/s where either is below one of those."""
    if min(down_kbps, up_kbps) < 1000:
        return f"{down_kbps:,} / {up_kbps:,} kbit/s"
    return f"{down_kbps / 1000:,.10g} / {up_kbps / 1000:,.10g} Mbit/s"


def priced(price: PriceComponent, currency: str) -> str:
    """One price of an offering in words: the amount and how often, its discounts in their order, what is included, and the tax."""
    parts = [f"{written(price.amount, currency)} {_how_often(price)}"] if not price.tiers else []
    for place, phase in enumerate(price.phases):
        parts.append(f"{'then' if place else 'first'} {_months(phase.months)} at {written(phase.amount, currency)} ({spoken(phase.kind)})")
    for tier in price.tiers:
        entry = f" and {written(tier.entry, currency)} to begin with" if tier.entry.minor else ""
        parts.append(f"above {tier.from_units:,}: {written(tier.amount, currency)} for {_units(tier.per_units, price.unit)}{entry}")
    if price.kind == "usage" and price.allowance_units:
        over = ", what is left goes into the next month" if price.is_rolled_over else ""
        parts.append(f"{_units(price.allowance_units, price.unit)} included{over}")
    return "; ".join([*parts, f"{'with' if price.is_tax_inclusive else 'without'} tax ({price.tax_category})"])


def _how_often(price: PriceComponent) -> str:
    if price.kind == "usage":
        return f"for {_units(price.per_units, price.unit)}"
    if price.kind == "one_off":
        return "once"
    return "a month" if price.every_months == 1 else "a year" if price.every_months == 12 else f"every {price.every_months} months"


def _months(number: int) -> str:
    return "1 month" if number == 1 else f"{number} months"


def _units(number: int, unit: str) -> str:
    """`unit` is one of them; abbreviations such as MB stay as they are."""
    plural = "s" if number != 1 and unit.islower() else ""
    return f"{number:,} {unit or 'unit'}{plural}"


def groups(letters: str) -> str:
    """Four at a time, as one types them over."""
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def filters(currency: str, timezone: str) -> Mapping[str, Any]:
    """Every filter the templates use, for one operator's currency and timezone."""
    zone = ZoneInfo(timezone)

    def moment(at: datetime | None) -> str:
        return at.astimezone(zone).strftime("%-d %b %H:%M") if at else ""

    def money(amount: Money) -> str:
        return written(amount, currency)

    return {
        "cause": lambda incident: cause_name(incident.cause),
        "cause_name": cause_name,
        "words": spoken,
        "tone": tone,
        "standing": standing,
        "action_tone": action_tone,
        "cycle_tone": cycle_tone,
        "step_taken": step_taken,
        "evidence": evidence,
        "sentence": sentence,
        "plain": plain,
        "browser": browser,
        "groups": groups,
        "proofs": proofs,
        "since": since,
        "lasted": lasted,
        "untold": untold,
        "owed_still": owed_still,
        "speeds": speeds,
        "priced": lambda price: priced(price, currency),
        "moment": moment,
        "money": money,
    }
