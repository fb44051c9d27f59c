"""What the engines are measured on: a BitNet and a Llama of 27 million parameters, and adapters, from fixed seeds.

The weights are random: a step costs the same whatever they are. The Llama is there because stock vLLM and PEFT cannot
serve a BitNet.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import BitNetConfig, BitNetForCausalLM, LlamaConfig, LlamaForCausalLM

from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.manifest import FILE as MANIFEST
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import SHIPPED, base_hash, shipped_path
from r3mes_ray.models.checkpoint import Checkpoint, TernaryWeight, read_checkpoint, write_checkpoint
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.types import Address, RoundId

SHAPE = {
    "vocab_size": 4096,
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
RANK = 8


def make_bitnet(folder: Path) -> None:
    """Write a ternary model in the packed layout, with the shipped model's tokenizer."""
    config = BitNetConfig(**SHAPE)
    with torch.device("meta"):
        names = {name: tensor.shape for name, tensor in BitNetForCausalLM(config).state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    ternary, others = {}, {}
    for name, shape in names.items():
        if name.endswith("_proj.weight"):
            codes = torch.randint(-1, 2, shape, generator=generator, dtype=torch.int8)
            ternary[name.removesuffix(".weight")] = TernaryWeight(codes, 0.03)
        elif name != "lm_head.weight":
            random = torch.randn(shape, generator=generator) * 0.05
            others[name] = random if name == "model.embed_tokens.weight" else torch.ones(shape)
    write_checkpoint(Checkpoint("bench", config, ternary, others), folder)
    _copy_tokenizer(folder)


def make_llama(folder: Path) -> None:
    """Write a dense model of the same shape."""
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**SHAPE)).save_pretrained(folder)
    _copy_tokenizer(folder)


def parameters() -> int:
    """Of the BitNet."""
    with torch.device("meta"):
        return sum(tensor.numel() for tensor in BitNetForCausalLM(BitNetConfig(**SHAPE)).parameters())


def make_adapters(folder: Path, bitnet: Path, count: int, *, dora: bool, of_packages: bool) -> list[Path]:
    """Write adapters of rank 8 on every linear layer, as packages of the BitNet, or as PEFT alone writes them."""
    checkpoint = read_checkpoint(bitnet)
    own_hash = base_hash(checkpoint)
    shapes = {name: (w.codes.shape[0], w.codes.shape[1]) for name, w in checkpoint.ternary.items()}
    norms = {name: w.effective().norm(dim=1) for name, w in checkpoint.ternary.items()} if dora else {}
    paths = []
    for number in range(count):
        path = folder / f"{'dora' if dora else 'lora'}{number}"
        _write_adapter(path, number, shapes, norms, own_hash)
        if not of_packages:
            (path / MANIFEST).unlink()
        paths.append(path)
    return paths


def _write_adapter(
    path: Path, number: int, shapes: Mapping[str, tuple[int, int]], norms: Mapping[str, torch.Tensor], own_hash: str
) -> None:
    generator = torch.Generator().manual_seed(number)
    modules = {}
    for name, (rows, columns) in shapes.items():
        a = torch.randn(RANK, columns, generator=generator) * 0.05
        b = torch.randn(rows, RANK, generator=generator) * 0.05
        change = 1 + 0.1 * torch.rand(rows, generator=generator)
        modules[name] = ModuleAdapter(a, b, 2.0, norms[name] * change if norms else None)
    targets = tuple(sorted({name.rpartition(".")[2] for name in shapes}))
    config = AdapterConfig("LORA", RANK, 2 * RANK, False, bool(norms), targets, {}, {}, own_hash)
    origin = UpdateOrigin(Address("remes1bench"), RoundId(0))
    package = make_package(config, tensors_of(modules), base_id="bench", expert=path.name, version=1, origin=origin)
    write_package(package, path)


def _copy_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(shipped_path(SHIPPED, name), folder / name)
