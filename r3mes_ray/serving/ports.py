"""Finds out whether a port is free before anything is started on it."""

from __future__ import annotations

import errno
import socket

from r3mes_ray.errors import PortBusy


def claim_port(host: str, port: int, setting: str) -> int:
    """The port itself where nobody listens on it, and a free one for port 0; nothing stays bound.

    Raises:
        PortBusy: another process listens there; `setting` is named in its hint.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortBusy(port, setting) from error
            raise
        return int(probe.getsockname()[1])
