"""Ports of this machine."""

from __future__ import annotations

import socket

from r3mes_ray.errors import PortBusy


def require_free(host: str, port: int, setting: str) -> None:
    """Refuse a port that somebody listens on, before anything is started.

    Raises:
        PortBusy: names the setting that chooses another one.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortBusy(port, setting) from error


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on at the moment, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
