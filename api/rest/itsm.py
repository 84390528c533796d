"""Incidents, for programs that watch: /api/v1/incidents."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.rest.answers import NOT_THERE, PROBLEMS
from api.rest.guard import TokenOnly
from atlas.connection import Atlas
from atlas.identity import IncidentId
from atlas.itsm import reads
from atlas.itsm.records import Incident
from atlas.principal import Principal
from console.room import RowId
from forge.api_tokens import Keyring, Scope

MOST = 200


class IncidentShown(BaseModel):
    """What a program may know of an incident: counts and places, nobody's name."""

    id: int
    state: str
    cause: str
    root: str
    areas: list[str]
    devices: int
    devices_out: int
    subscribers: int
    subscribers_out: int
    alarms: int
    first_alarm_at: datetime
    opened_at: datetime
    resolved_at: datetime | None

    @classmethod
    def of(cls, incident: Incident) -> "IncidentShown":
        return cls(
            id=incident.incident_id,
            state=incident.state.value,
            cause=incident.cause,
            root=incident.root_name or "",
            areas=list(incident.areas),
            devices=incident.devices,
            devices_out=incident.devices_out,
            subscribers=incident.subscribers,
            subscribers_out=incident.subscribers_out,
            alarms=incident.alarms,
            first_alarm_at=incident.first_alarm_at,
            opened_at=incident.opened_at,
            resolved_at=incident.resolved_at,
        )


def router(atlas: Atlas, keys: Keyring) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["incidents"], responses=PROBLEMS)
    reader = TokenOnly(keys, Scope.INCIDENTS_READ)

    @routes.get("/incidents")
    async def incidents(most: Annotated[int, Query(ge=1, le=MOST)] = 50, me: Principal = Depends(reader)) -> list[IncidentShown]:
        """Incidents, those in progress first."""
        async with atlas.transaction(me) as conn:
            return [IncidentShown.of(one) for one in await reads.incidents(conn, most)]

    @routes.get("/incidents/{incident_id}", responses=NOT_THERE)
    async def incident(incident_id: RowId, me: Principal = Depends(reader)) -> IncidentShown:
        """One incident."""
        async with atlas.transaction(me) as conn:
            return IncidentShown.of(await reads.incident(conn, IncidentId(incident_id)))

    return routes
