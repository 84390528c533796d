"""What Atlas knows of the house's own state, as a few numbers: how much waits, since when, what is in doubt."""

from dataclasses import dataclass
from typing import Final

from atlas.cmdb.reads import pool_forecasts
from atlas.statements import Connection, Statements

SQL: Final = Statements(__file__)

# What each figure is, as whoever reads the scrape sees it. Ages are in seconds and 0 where nothing waits.
MEANING: Final = {
    "jobs": "Jobs of the queue by status; failed ones are parked",
    "job_age_seconds": "How long the oldest job that is due has waited",
    "notices": "Messages on their way out by state; of one in doubt nobody knows whether it arrived",
    "notice_age_seconds": "How long the oldest message that is due has waited",
    "errands": "Probes and orders to the network by state",
    "errand_age_seconds": "How long the oldest of them has waited",
    "actions_unfinished": "Actions by state, those that are not over; waiting ones wait for a person",
    "actions_finished": "Actions that ended within the hour, by how",
    "approval_age_seconds": "How long the oldest request has waited for a person",
    "alarms_open": "Alarms that stand",
    "alarms_set_aside": "Things heard that could not be taken, and wait for their device or a person",
    "incidents_open": "Incidents that are not closed",
    "pool_short_by": "Numbers that a pool will lack within thirty days, by its orders and its churn; a pool that has enough is left out",
    "audit_age_seconds": "How long ago the audit trail last grew",
    "audit_entries": "Length of each chain of the audit trail",
}


@dataclass(frozen=True)
class Figure:
    """One number; `label` tells those of one name apart."""

    name: str
    label: str
    value: float


async def figures(conn: Connection) -> list[Figure]:
    """All of them. As the executor."""
    short = [Figure("pool_short_by", one.use.pool, float(one.short_by)) for one in await pool_forecasts(conn) if one.short_by]
    return [*await SQL.all(conn, Figure, "figures"), *short]
