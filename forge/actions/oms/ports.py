"""What can be done with the port of an order: keep one of the plant's, and give it back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

from atlas.gis.reads import qualification
from atlas.gis.records import Qualification, Reservation
from atlas.gis.writes import NoPortLeft, end_reservation, reserve_port
from atlas.identity import PremiseId
from atlas.oms.reads import case_of, reporter_of
from atlas.oms.rules import NoPortFree, port_key
from atlas.statements import Connection
from forge.action import Action
from forge.actions.oms.orders import ForOrder

# As long as its sequence has.
PORT_KEPT: Final = timedelta(days=45)
# Others may take a device's last port between the look and the lock: so many times is looked for another device.
LOOKS: Final = 5


@dataclass(frozen=True)
class HoldPort(ForOrder):
    """Keep a port of the plant that can serve the order's premise, by its number, until its time is over."""

    name: ClassVar[str] = "hold_port"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NoPortFree, saying why and what could be had instead."""
        case = await case_of(conn, self.order)
        held = await kept_port(conn, case.premise_id, case.technology, port_key(self.order), now.date())
        where = {"device": held.device_id, "name": held.device, "port": held.port}
        return {**where, "reported_by": await reporter_of(conn, held.device_id)}


@dataclass(frozen=True)
class ReleasePort(ForOrder):
    """Give back the port that was kept for an order."""

    name: ClassVar[str] = "release_port"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"released": await end_reservation(conn, port_key(self.order), "released")}


async def kept_port(conn: Connection, premise_id: PremiseId, technology: str, key: str, today: date) -> Reservation:
    """A port for `key`, of the device by which the premise would be served. Raises NoPortFree."""
    for _ in range(LOOKS):
        found = await qualification(conn, premise_id, today)
        option = next((each for each in found.options if each.technology == technology), None)
        if option is None:
            break
        try:
            return await reserve_port(conn, premise_id, option.device_id, key, PORT_KEPT)
        except NoPortLeft:
            continue
    raise NoPortFree(technology, why_not(found, technology), instead_of(found, technology))


def why_not(found: Qualification, technology: str) -> str:
    """The plainest reason why the premise has no line of this technology."""
    refused = [reason for option in found.refused if option.technology == technology for reason in option.reasons]
    return next(iter(refused or found.reasons), "others took it first" if technology in found.technologies else "no such plant is near")


def instead_of(found: Qualification, technology: str) -> tuple[str, ...]:
    """Another technology from a day on, what is planned, or to be told."""
    others = tuple(
        f"{each.technology} from {each.device}, from {each.earliest_on}" for each in found.options if each.technology != technology
    )
    return others or found.alternatives or ("to be told when a port is free",)


ACTIONS: tuple[type[Action], ...] = (HoldPort, ReleasePort)
