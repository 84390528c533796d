"""Lines to alarm events."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from api.inbound.reading import Reading, set_aside
from api.inbound.sources import SenderClocks, plain_address
from api.inbound.syslog.line import NotSyslog, SyslogLine, syslog_line
from api.inbound.syslog.meanings import Rule, alarm_of, said, shipped_rules
from atlas.nms.records import Door

# RFC 3164 writes whole seconds; what happens within one keeps the order it arrived in.
WHOLE_SECOND: Final = timedelta(seconds=1)
# Router messages say what they mean at their beginning, and patterns over endless text are how a listener is stalled.
MEANT: Final = 320


@dataclass(frozen=True, slots=True)
class Lines:
    """What reading lines needs to know: the table of meanings, and everybody's clock, coarse or fine."""

    rules: tuple[Rule, ...] = field(default_factory=shipped_rules)
    fine: SenderClocks = field(default_factory=SenderClocks)
    coarse: SenderClocks = field(default_factory=lambda: SenderClocks(resolution=WHOLE_SECOND))


def parse_line(raw: bytes, source: str, received_at: datetime, lines: Lines) -> Reading:
    """One message from `source` (its address). Below warning and without a rule it is no alarm; without a priority it is set aside."""
    source = plain_address(source)
    try:
        line = syslog_line(raw, received_at)
    except NotSyslog as problem:
        return set_aside(Door.SYSLOG, source, received_at, str(problem), raw)
    device = line.host or source
    meaning = said(lines.rules, line.message[:MEANT], line.level, line.app)
    event = alarm_of(line, meaning, device, received_at, _event_time(line, device, received_at, lines))
    return Reading((event,) if event else ())


def _event_time(line: SyslogLine, device: str, received_at: datetime, lines: Lines) -> datetime | None:
    if line.at is None:
        return None
    clocks = lines.coarse if line.is_whole_seconds else lines.fine
    return clocks.happened_at(device, line.at, received_at)
