from collections.abc import Sequence

import numpy as np
import pytest


class AxisEmbedder:
    """A fake: each known word has an axis, a text is the normalised sum of its words' axes."""

    name = "axes"

    def __init__(self, words: Sequence[str]) -> None:
        self._axes = {word: axis for axis, word in enumerate(words)}
        self.calls = 0

    @property
    def dimensions(self) -> int:
        return len(self._axes)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.calls += 1
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace("?", " ").split():
                if word in self._axes:
                    row[self._axes[word]] += 1.0
            norm = np.linalg.norm(row)
            if norm > 0:
                row /= norm
        return rows


@pytest.fixture
def axis_embedder():
    return AxisEmbedder


@pytest.fixture
def package_folder(tmp_path):
    """Write a small adapter package of a base: `package_folder(base, expert=…, version=…)` → its folder."""
    import torch

    from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
    from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
    from r3mes_ray.protocol.gradient_hash import AdapterConfig

    def make(base, *, expert, version, seed=1, strength=0.05, base_hash=None):
        generator = torch.Generator().manual_seed(seed)
        modules = {}
        for name, (rows, columns) in base.linear_shapes.items():
            if not name.endswith("o_proj"):
                continue
            a = torch.randn(2, columns, generator=generator) * 0.1
            b = torch.randn(rows, 2, generator=generator) * strength
            modules[name] = ModuleAdapter(a, b, 2.0, base.effective_weight(name).norm(dim=1) * 1.1)
        config = AdapterConfig("LORA", 2, 4, False, True, ("o_proj",), {}, {}, base_hash or base.base_hash)
        package = make_package(
            config,
            tensors_of(modules),
            base_id=base.base_id,
            expert=expert,
            version=version,
            origin=UpdateOrigin("remes1miner", 0),
        )
        folder = tmp_path / f"{expert}-{version}-{seed}"
        write_package(package, folder)
        return folder

    return make
