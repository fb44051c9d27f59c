"""A GPU computes a round only where it has the CPU's bits."""

import pytest
import torch

from r3mes_ray.training import devices
from r3mes_ray.training.devices import agrees, device_of_worker, digest_on


@pytest.fixture
def gpu(monkeypatch):
    """A process that believes that it has a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    device_of_worker.cache_clear()
    yield monkeypatch.setattr
    device_of_worker.cache_clear()


def fails(device):
    if device != "cpu":
        raise RuntimeError("no kernel image is available")
    return "bits"


def test_gpu_with_the_same_bits_is_used(gpu):
    gpu(devices, "digest_on", lambda device: "bits")
    assert device_of_worker() == "cuda"


@pytest.mark.parametrize("compute", [lambda device: f"bits of {device}", fails])
def test_gpu_with_other_bits_or_none_at_all_is_left_alone_with_a_word(gpu, caplog, compute):
    gpu(devices, "digest_on", compute)
    assert device_of_worker() == "cpu"
    assert "published path" in caplog.text


def test_digest_shows_a_single_bit(monkeypatch):
    first = digest_on("cpu")
    assert digest_on("cpu") == first
    monkeypatch.setattr(devices, "root", lambda x: torch.nextafter(x.sqrt(), x.new_tensor(2.0)))
    assert digest_on("cpu") != first


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_this_gpu_has_the_bits_of_the_cpu():
    assert agrees("cuda")
