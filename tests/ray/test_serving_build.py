"""The builder that `serve deploy` calls, over the shipped file, without a deployment."""

from pathlib import Path

import pytest
import yaml
from ray.serve import Application
from ray.serve.schema import ServeDeploySchema

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.app import build, build_app
from r3mes_ray.settings import parse_settings

SHIPPED = Path(__file__).parents[2] / "cluster" / "serve.yaml"


def test_shipped_file_is_valid_and_its_arguments_build():
    schema = ServeDeploySchema.model_validate(yaml.safe_load(SHIPPED.read_text()))
    (application,) = schema.applications
    assert application.import_path == "r3mes_ray.serving.app:build"
    assert isinstance(build(application.args), Application)


def test_wrong_argument_names_its_field():
    with pytest.raises(ConfigError, match=r"serving\.port"):
        build({"serving": {"port": -1}})


@pytest.mark.parametrize(("most", "autoscaled"), [(1, False), (3, True)])
def test_engine_scales_only_where_more_replicas_are_allowed(most, autoscaled):
    gateway = build_app(parse_settings({"serving": {"max_replicas": most}}))
    engine = gateway._bound_deployment.init_args[1]._bound_deployment
    config = engine._deployment_config.autoscaling_config
    assert (config is not None) == autoscaled
    assert config is None or (config.min_replicas, config.max_replicas) == (1, 3)
