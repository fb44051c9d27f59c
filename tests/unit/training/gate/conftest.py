"""Other encodings of one update, which mean the same step or nearly."""

import pytest
import torch

from r3mes_ray.models.adapters import ModuleAdapter, make_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.training.stored import stored as stored_package


@pytest.fixture
def stored(tmp_path):
    count = iter(range(100))

    def store(package):
        folder = tmp_path / f"stored-{next(count)}"
        write_package(package, folder)
        return stored_package(folder, package)

    return store


@pytest.fixture
def turned():
    """Makes the same package with its factors changed: `change` is of a layer's name and module."""

    def turn(package, change):
        modules = {name: change(name, module) for name, module in package.modules().items()}
        manifest, config, first = package.manifest, package.config, next(iter(modules.values()))
        alpha, dora = int(first.rank * first.scale), first.magnitude is not None
        return make_package(
            AdapterConfig("LORA", first.rank, alpha, False, dora, config.target_modules, {}, {}, config.base_hash),
            tensors_of(modules),
            base_id=manifest.base_id,
            expert=manifest.expert,
            version=manifest.version,
            origin=manifest.origin,
        )

    return turn


def gauge(module):
    mix = torch.randn(module.rank, module.rank, generator=torch.Generator().manual_seed(8)) + 3 * torch.eye(module.rank)
    return module.b @ mix, torch.linalg.solve(mix, module.a).contiguous()


def rescaled(module):
    return module.b * 1000, module.a / 1000


def noisy(module):
    noise = torch.randn(module.b.shape, generator=torch.Generator().manual_seed(9))
    return module.b + 1e-4 * module.b.norm() * noise, module.a


def halved(module):
    return module.b.half().float(), module.a


def padded(module):
    """Of rank + 2, in another order, with rows of A that no column of B reads."""
    noise = torch.randn(2, module.a.shape[1], generator=torch.Generator().manual_seed(10))
    b, a = module.b.flip(1), module.a.flip(0)
    return torch.cat([b.new_zeros(len(b), 2), b], dim=1), torch.cat([noise, a])


@pytest.fixture(params=[gauge, rescaled, noisy, halved, padded])
def disguised(request, turned):
    """Makes a package in another encoding."""

    def change(name, module):
        b, a = request.param(module)
        return ModuleAdapter(a, b, module.scale, module.magnitude)

    return lambda package: turned(package, change)
