"""The Serve application: wraps the deployments with their resources, and deploys them.

`cluster/serve.yaml` names `build`; `r3mes serve` and the node use `deploy`.
"""

from __future__ import annotations

from typing import Any

from ray import serve
from ray.serve import Application

from r3mes_ray.serving.deployments import EngineDeployment, Gateway, KnowledgeDeployment
from r3mes_ray.serving.ports import claim_port
from r3mes_ray.settings import ServingSettings, Settings, parse_settings

NAME = "r3mes"
"""Name of the application in Serve."""

ENVIRONMENT = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60"}
"""What must be in the environment before Ray starts: on a busy machine the proxy takes longer than Serve's 5 s."""

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
        ray_actor_options=_HEAVY,
        max_ongoing_requests=serving.max_running_requests + serving.max_queued_requests + _CONTROL_CALLS,
        max_queued_requests=_CONTROL_CALLS,
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


def build(args: dict[str, Any]) -> Application:
    """Builder for Serve's configuration files: `args` is a mapping of settings.

    Raises:
        ConfigError: names the field that is wrong.
    """
    return build_app(parse_settings(args))


def deploy(settings: Settings) -> str:
    """Start Serve on the running Ray, deploy, wait until all replicas answer, and return the gateway's URL.

    Raises:
        PortBusy: another process listens at the gateway's port.
    """
    host = settings.serving.host
    port = claim_port(host, settings.serving.port, "serving.port")
    serve.start(http_options={"host": host, "port": port})
    serve.run(build_app(settings), name=NAME, route_prefix="/")
    return f"http://{host}:{port}"


def undeploy() -> None:
    """Drain and stop everything that `deploy` started; Ray itself goes on."""
    serve.shutdown()


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
