"""The real prober on the wire, against an SNMP agent on loopback."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator

import pytest
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.hlapi.v3arch.asyncio import CommunityData

from forge.outside.snmp import SnmpProber

# What devices still speak on closed management networks; the prober takes SNMPv3 users as well.
V2C = CommunityData("public", mpModel=1)  # noqa: S508
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
async def agent_port() -> AsyncIterator[int]:
    port = free_port()
    agent = engine.SnmpEngine()
    config.add_transport(agent, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", port)))
    config.add_v1_system(agent, "area", "public")
    config.add_vacm_user(agent, 2, "area", "noAuthNoPriv", (1, 3, 6, 1, 2, 1))
    cmdrsp.GetCommandResponder(agent, context.SnmpContext(agent))
    yield port
    agent.close_dispatcher()


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield int(sock.getsockname()[1])


async def test_a_device_that_answers_is_reachable_and_says_how_long_it_has_run(agent_port: int) -> None:
    prober = SnmpProber(V2C, LOOPBACK, agent_port)

    found = await prober.probe("errand:1", "olt-1", "127.0.0.1")
    prober.close()

    assert found.is_reachable
    assert found.round_trip is not None
    assert found.detail["up_s"] >= 0


async def test_a_device_that_says_nothing_is_unreachable(silent_port: int) -> None:
    prober = SnmpProber(V2C, LOOPBACK, silent_port, timeout_s=0.1)

    found = await prober.probe("errand:1", "olt-1", "127.0.0.1")
    prober.close()

    assert (found.is_reachable, found.round_trip) == (False, None)


async def test_forty_silent_devices_are_asked_at_the_same_time(silent_port: int) -> None:
    prober = SnmpProber(V2C, LOOPBACK, silent_port, timeout_s=0.1)

    found = await asyncio.gather(*(prober.probe(f"errand:{one}", "olt-1", "127.0.0.1") for one in range(40)))
    prober.close()

    assert not any(one.is_reachable for one in found)


@pytest.mark.parametrize("address", [None, "192.0.2.1"])
async def test_nothing_is_sent_to_an_address_that_is_not_ours(address: str | None) -> None:
    prober = SnmpProber(V2C, LOOPBACK, 9)

    found = await prober.probe("errand:1", "olt-1", address)
    prober.close()

    assert not found.is_reachable
    assert "address" in found.detail["why"]
