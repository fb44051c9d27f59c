"""The cluster files, by Ray's own checks."""

from pathlib import Path

import pytest
import yaml

CLUSTER = Path(__file__).parents[3] / "cluster"


@pytest.mark.parametrize("name", ["cluster.yaml", "on-premise.yaml"])
def test_cluster_file_is_valid_for_ray_up(name):
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((CLUSTER / name).read_text())
    validate_config(prepare_config(config))


def test_aws_file_scales_gpu_workers_from_zero():
    config = yaml.safe_load((CLUSTER / "cluster.yaml").read_text())
    gpu = config["available_node_types"]["gpu"]
    assert (gpu["min_workers"], gpu["max_workers"]) == (0, 8)
    assert config["head_node_type"] in config["available_node_types"]


def test_serve_file_is_valid_and_its_settings_are_known():
    from ray.serve.schema import ServeDeploySchema

    from r3mes_ray.settings import parse_settings

    config = yaml.safe_load((CLUSTER / "serve.yaml").read_text())
    schema = ServeDeploySchema.model_validate(config)
    assert [app.import_path for app in schema.applications] == ["r3mes_ray.serving.app:build"]
    settings = parse_settings(schema.applications[0].args)
    assert settings.serving.max_replicas == 4
