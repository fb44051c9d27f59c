import pickle

import pytest
import torch

from r3mes_ray.models.adapters import write_package
from r3mes_ray.models.adapters.tensors import FILE
from r3mes_ray.training.stored import stored


@pytest.mark.parametrize("dora", [False, True])
def test_layers_of_a_stored_package_are_read_as_they_were_written(packages, tmp_path, dora):
    package = packages.make(1, dora=dora)
    write_package(package, tmp_path / "update")
    adapter = pickle.loads(pickle.dumps(stored(tmp_path / "update", package)))
    modules = package.modules()
    assert [layer.path for layer in adapter.layers] == list(modules)
    for path, module in modules.items():
        found = adapter.held(path).get()
        assert found.scale == module.scale
        assert torch.equal(found.a, module.a)
        assert torch.equal(found.b, module.b)
        assert (found.magnitude is None) == (not dora)
        assert not dora or torch.equal(found.magnitude, module.magnitude)
    assert adapter.held("model.layers.99.mlp.up_proj") is None


def test_layer_of_a_file_that_was_cut_off_since_is_an_error_of_this_disk(packages, tmp_path):
    package = packages.make(1)
    write_package(package, tmp_path / "update")
    adapter = stored(tmp_path / "update", package)
    file = tmp_path / "update" / FILE
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(OSError, match="shorter than when it was checked"):
        adapter.held(adapter.layers[-1].path).get()
