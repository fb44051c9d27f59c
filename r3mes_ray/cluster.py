"""Joins the Ray cluster that the settings name, or starts one on this machine."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import Settings

NAMESPACE = "r3mes"
"""Namespace of every named actor."""
_TOKEN = Path("~/.ray/auth_token")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that this process is connected to; `owned` when this process started it."""

    address: str
    dashboard: str
    owned: bool


def prepare(settings: Settings) -> None:
    """Set what Ray reads from the environment; best called before `ray` is imported for the first time."""
    # Serve's proxy gets 5 s three times otherwise, which a busy laptop does not make.
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray gives its workers niceness 15; a round has deadlines on chain, and an answer has somebody who waits for it.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # A host that is cut off keeps its connections. Ray's calls to it would wait seven minutes, longer than a phase of a
    # round; a minute between two pings is what its servers bear.
    os.environ.setdefault("RAY_grpc_client_keepalive_time_ms", "90000")
    os.environ.setdefault("RAY_grpc_client_keepalive_timeout_ms", "30000")
    if settings.ray.address is None or settings.ray.address.startswith("127.0.0.1:"):
        # Ray then listens on loopback only, on Linux as on macOS and Windows.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    if settings.ray.address is None or _TOKEN.expanduser().exists():
        # A cluster that Ray starts on a machine asks for that machine's token, which it makes when there is none, but a
        # process that joins one does not send it by itself. A cluster that asks for none ignores it.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "ray" in sys.modules:
        # It has read the environment before, as Ray does itself where it sets the mode.
        from ray._raylet import Config  # type: ignore[attr-defined]

        Config.initialize("")


def join(settings: Settings) -> Cluster:
    """Connect this process to Ray.

    Raises:
        ConfigError: no cluster answers at `ray.address`.
    """
    prepare(settings)
    import ray

    own = settings.ray.address is None
    try:
        context: Any = ray.init(
            address="local" if own else settings.ray.address,
            namespace=NAMESPACE,
            num_cpus=settings.ray.num_cpus if own else None,
            object_store_memory=settings.ray.object_store_mb * 2**20 if own else None,
            include_dashboard=True if own else None,
            dashboard_port=settings.ray.dashboard_port if own else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except ConnectionError as error:
        raise ConfigError("ray.address", f"no Ray cluster answers at {settings.ray.address}: {error}") from error
    dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else ""
    return Cluster(str(context.address_info["gcs_address"]), dashboard, own)


def leave() -> None:
    """Disconnect; a cluster that this process started ends."""
    import ray

    ray.shutdown()
