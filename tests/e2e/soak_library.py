"""What a soak serves: packages in a content store, and the chain's records of them."""

import asyncio
import random

import torch

from r3mes_ray.chain.records import Coin, ExpertRecord, ExpertVersionRecord
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, read_package, write_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import parse_settings

TARGETS = ("down_proj", "o_proj", "q_proj")
BAD = 0.02


class Library:
    """Adapters on disk: `experts` with `versions` each, LoRA and DoRA of several ranks; a few are damaged."""

    def __init__(self, folder, base, experts, versions):
        self.folder, self.base, self.names = folder, base, [f"e{number}" for number in range(experts)]
        self.cids, self.bad = {}, set()
        self.store = open_store(parse_settings({"home": folder}))
        chance = random.Random(1)
        for name in self.names:
            for version in range(1, versions + 1):
                self._add(name, version, bad=version > 1 and chance.random() < BAD)

    def package(self, name, version):
        return read_package(self.path(name, version), max_bytes=2**30)

    def path(self, name, version):
        return self.folder / "packages" / f"{name}-{version}"

    def record(self, name, version):
        history = tuple(ExpertVersionRecord(n, self.cids[name, n], n, n, n) for n in range(1, version + 1))
        base = self.base
        return ExpertRecord(
            name, "remes1o", base.base_id, base.base_hash, None, Coin(1, "uremes"), version, history, 1, None
        )

    def _add(self, name, version, *, bad):
        generator = torch.Generator().manual_seed(hash_of(name, version))
        rank, dora = 1 + version % 3, hash_of(name, version) % 2 == 0
        modules = {}
        for layer, (rows, columns) in self.base.linear_shapes.items():
            if layer.endswith(TARGETS):
                a = torch.randn(rank, columns, generator=generator) * 0.2
                b = torch.randn(rows, rank, generator=generator) * 0.2
                norms = self.base.effective_weight(layer).norm(dim=1)
                spread = 1 + 0.2 * torch.rand(rows, generator=generator)
                modules[layer] = ModuleAdapter(a, b, 2.0, norms * spread if dora else None)
        config = AdapterConfig("LORA", rank, 2 * rank, False, dora, TARGETS, {}, {}, self.base.base_hash)
        origin = UpdateOrigin("remes1miner", 0)
        package = make_package(
            config, tensors_of(modules), base_id=self.base.base_id, expert=name, version=version, origin=origin
        )
        path = self.path(name, version)
        write_package(package, path)
        if bad:
            file = path / "adapter_model.safetensors"
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            file.write_bytes(data)
        cid = asyncio.run(self.store.add(path))
        self.cids[name, version] = cid
        if bad:
            self.bad.add(cid)


def hash_of(name, version):
    return int(name[1:]) * 1000 + version
