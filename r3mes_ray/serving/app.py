"""The Serve application: wraps the deployments with their resources, and deploys them.

`cluster/serve.yaml` names `build`; `r3mes serve` and the node use `deploy`.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import httpx
from ray import serve
from ray.serve import Application
from ray.serve.config import RequestRouterConfig

from r3mes_ray.errors import ServingUnavailable
from r3mes_ray.serving.affinity import STATS_PERIOD_S, AffinityRouter
from r3mes_ray.serving.deployments import EngineDeployment, Gateway, KnowledgeDeployment
from r3mes_ray.serving.ports import claim_port
from r3mes_ray.settings import ServingSettings, Settings, parse_settings

NAME = "r3mes"
"""Name of the application in Serve."""

_CONTROL_CALLS = 32
"""Room for reports, preloads and refusals beside the requests that an engine takes."""
_DRAIN_S = 30.0
_LIGHT = {"num_cpus": 0.1}
_HEAVY = {"num_cpus": 0.4}


def build_app(settings: Settings) -> Application:
    """Bind the three deployments."""
    serving = settings.serving
    engine = serve.deployment(
        name="engine",
        ray_actor_options=_HEAVY | {"num_gpus": serving.gpus_per_replica},
        max_ongoing_requests=serving.max_running_requests + serving.max_queued_requests + _CONTROL_CALLS,
        max_queued_requests=_CONTROL_CALLS,
        request_router_config=affinity(busy=serving.max_running_requests),
        graceful_shutdown_timeout_s=_DRAIN_S,
        **_replicas(serving),
    )(EngineDeployment).bind(settings)
    knowledge = serve.deployment(name="knowledge", ray_actor_options=_LIGHT, max_ongoing_requests=1000)(
        KnowledgeDeployment
    ).bind(engine, settings)
    gateway = serve.deployment(
        name="gateway", ray_actor_options=_LIGHT, max_ongoing_requests=1000, graceful_shutdown_timeout_s=_DRAIN_S
    )(serve.ingress()(Gateway))
    return gateway.bind(knowledge, engine, settings)


def affinity(*, busy: int, stats_period_s: float = STATS_PERIOD_S) -> RequestRouterConfig:
    """Route by adapter among replicas that decode `busy` requests at a time each."""
    choice: dict[str, Any] = {
        "request_router_class": f"{AffinityRouter.__module__}.{AffinityRouter.__name__}",
        "request_router_kwargs": {"busy": busy},
        "request_routing_stats_period_s": stats_period_s,
    }
    return RequestRouterConfig(**choice)


def build(args: dict[str, Any]) -> Application:
    """Builder for Serve's configuration files: `args` is a mapping of settings.

    Raises:
        ConfigError: names the field that is wrong.
    """
    return build_app(parse_settings(args))


def deploy(settings: Settings) -> str:
    """Start Serve on the running Ray, deploy, wait until it is ready, and return the gateway's URL.

    Raises:
        PortBusy: another process listens at the gateway's port.
        ServingUnavailable: a part does not come up; the message says which.
    """
    host = settings.serving.host
    port = claim_port(host, settings.serving.port, "serving.port")
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    serve.start(http_options={"host": host, "port": port})
    try:
        serve.run(build_app(settings), name=NAME, route_prefix="/")
    except RuntimeError as error:
        raise ServingUnavailable("the serving application", _why_not(str(error))) from error
    url = f"http://{host}:{port}"
    wait_until_ready(url)
    return url


def wait_until_ready(url: str, timeout_s: float = 120.0) -> None:
    """Wait until the gateway's /ready says so.

    Raises:
        ServingUnavailable: it does not in time; the message is its last answer.
    """
    deadline, last = time.monotonic() + timeout_s, "no answer"
    while time.monotonic() < deadline:
        try:
            answer = httpx.get(f"{url}/ready", timeout=10.0)
        except httpx.TransportError as error:
            last = str(error)
        else:
            if answer.status_code == httpx.codes.OK:
                return
            last = answer.text
        time.sleep(0.2)
    raise ServingUnavailable("the gateway", f"not ready after {timeout_s:g} s: {last}")


def drain() -> None:
    """Let requests in flight end and take no new ones; what is left ends with the cluster."""
    serve.delete(NAME)


def undeploy() -> None:
    """Drain and stop what `deploy` started; Ray, and other applications on its Serve, go on."""
    drain()
    if not serve.status().applications:
        serve.shutdown()  # type: ignore[no-untyped-call]


def _why_not(text: str) -> str:
    """The last line of what the failed replica said, which names the error; else what Serve says."""
    application = serve.status().applications.get(NAME)
    said = [] if application is None else [part.message.strip() for part in application.deployments.values()]
    failed = [message for message in said if "Traceback" in message]
    return failed[0].rpartition("\n")[2].strip() if failed else text


def _replicas(serving: ServingSettings) -> dict[str, Any]:
    if serving.max_replicas <= serving.replicas:
        return {"num_replicas": serving.replicas}
    return {
        "autoscaling_config": {
            "min_replicas": serving.replicas,
            "max_replicas": serving.max_replicas,
            "target_ongoing_requests": serving.max_running_requests,
        }
    }
