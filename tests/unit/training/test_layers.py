import gc
import weakref
from dataclasses import dataclass, field

from r3mes_ray.models.adapters import write_package
from r3mes_ray.training.layers import LayerWork
from r3mes_ray.training.stored import stored as stored_package


@dataclass
class Watched:
    """A base that knows how many of the weights that it gave are still alive."""

    base: object
    given: list = field(default_factory=list)
    most: int = 0

    def effective_weight(self, name):
        weight = self.base.effective_weight(name).clone()
        self.given.append(weakref.ref(weight))
        gc.collect()
        self.most = max(self.most, sum(one() is not None for one in self.given))
        return weight


def test_layers_in_one_process_have_one_dense_weight_at_a_time(base, packages, tmp_path):
    package = packages.make(0, dora=True)
    write_package(package, tmp_path / "stored")
    adapter = stored_package(tmp_path / "stored", package)
    watched = Watched(base)
    found = dict(LayerWork().each(lambda job: job.load()[0].shape, watched, [adapter], name="test"))
    assert found == {layer.path: base.linear_shapes[layer.path] for layer in adapter.layers}
    assert len(watched.given) == len(adapter.layers) > 1
    assert watched.most == 1
