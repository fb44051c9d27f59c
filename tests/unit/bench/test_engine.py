"""What the engines are measured on, and the interval of a ratio."""

import math

import pytest

from r3mes_ray.bench.engine_model import make_adapters, make_bitnet, parameters
from r3mes_ray.bench.engine_worker import environment
from r3mes_ray.bench.report import Report, paired, table
from r3mes_ray.models.adapters import check_against_base, read_package
from r3mes_ray.models.base import load_base
from r3mes_ray.serving.inference.vllm_backend import ENVIRONMENT


def test_paired_ratio_is_the_geometric_mean_with_students_interval():
    theirs = [2 * math.exp(step) for step in (-0.2, -0.1, 0.0, 0.1, 0.2)]
    row = paired("decode", [1.0] * 5, "s", peer="base", peer_samples=theirs)
    assert row.ratio == pytest.approx(2.0)
    assert row.interval == pytest.approx((1.6435, 2.4338), rel=0.01)
    assert "| 2.00 [1.6" in table(Report("here", (row,)))


def test_bench_model_is_a_bitnet_of_25_million_parameters_that_takes_the_adapters(tmp_path):
    make_bitnet(tmp_path / "model")
    base = load_base(str(tmp_path / "model"), threads=1)
    assert parameters() == sum(tensor.numel() for tensor in base.model.parameters()) >= 25e6
    for dora in (False, True):
        (folder,) = make_adapters(tmp_path, tmp_path / "model", 1, dora=dora, of_packages=True)
        package = read_package(folder, max_bytes=2**30)
        assert package.config.use_dora == dora
        check_against_base(package, base.linear_shapes, base.base_hash, 8)


@pytest.mark.parametrize(("kind", "plugins"), [("ours", "r3mes"), ("stock", "")])
def test_bench_engines_run_in_the_environment_of_serve(kind, plugins):
    found = environment(kind)
    assert found["VLLM_CPU_ATTN_SPLIT_KV"] == "0"
    assert found == ENVIRONMENT | {"OMP_NUM_THREADS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "VLLM_PLUGINS": plugins}
