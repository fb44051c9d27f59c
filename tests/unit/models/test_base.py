import copy

import pytest

from r3mes_ray.errors import ModelError
from r3mes_ray.models.base import BaseModel


def test_linear_shapes_are_those_of_the_models_layers_by_ascending_name(base: BaseModel):
    modules = dict(base.model.named_modules())
    assert list(base.linear_shapes) == sorted(base.linear_shapes) == list(base.linear_names)
    assert len(base.linear_names) == 7 * base.model.config.num_hidden_layers
    for name, shape in base.linear_shapes.items():
        assert base.linear(name) is modules[name]
        assert shape == tuple(modules[name].codes.shape)


def test_linear_of_a_copy_is_the_copys_own_layer(base: BaseModel):
    other, name = copy.deepcopy(base), base.linear_names[0]
    assert other.linear(name) is dict(other.model.named_modules())[name]
    assert other.linear(name) is not base.linear(name)


@pytest.mark.parametrize("name", ["lm_head", "model", "model.layers.99.mlp.up_proj", ""])
def test_linear_that_is_no_ternary_layer_is_an_error(base: BaseModel, name: str):
    with pytest.raises(ModelError, match="has no ternary layer"):
        base.linear(name)
