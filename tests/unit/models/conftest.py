from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BitNetConfig, BitNetForCausalLM

from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, UpdateOrigin, make_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.base import BaseModel, build_base
from r3mes_ray.models.checkpoint import quantise_state
from r3mes_ray.models.tokenizer import SPECIAL, wrap_tokenizer
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.types import Address, RoundId

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def config() -> BitNetConfig:
    return BitNetConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )


@pytest.fixture
def state(config: BitNetConfig) -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    model = BitNetForCausalLM(config)
    return {name: tensor.detach() * 3 for name, tensor in model.named_parameters()}


@pytest.fixture
def tokenizer() -> Any:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())[:80]
    vocabulary = {text: number for number, text in enumerate([*SPECIAL, *alphabet])}
    bare = Tokenizer(models.BPE(vocabulary, []))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return wrap_tokenizer(bare)


@pytest.fixture
def base(config: BitNetConfig, state: dict[str, torch.Tensor], tokenizer: Any) -> BaseModel:
    return build_base(quantise_state("test/base", config, state), tokenizer)


@pytest.fixture
def adapter(base: BaseModel) -> Callable[..., AdapterPackage]:
    """Make a random adapter of the base; `strength` is the size of its B."""

    def make(
        seed: int, rank: int = 4, dora: bool = False, rslora: bool = False, strength: float = 0.1
    ) -> AdapterPackage:
        generator = torch.Generator().manual_seed(seed)
        scale = 2 * rank / rank**0.5 if rslora else 2.0
        modules = {}
        for name, (rows, columns) in base.linear_shapes.items():
            a = torch.randn(rank, columns, generator=generator) * 0.2
            b = torch.randn(rows, rank, generator=generator) * strength
            spread = 1 + 0.2 * torch.randn(rows, generator=generator)
            magnitude = base.effective_weight(name).norm(dim=1).float() * spread.abs() if dora else None
            modules[name] = ModuleAdapter(a, b, scale, magnitude)
        adapter_config = AdapterConfig("LORA", rank, 2 * rank, rslora, dora, TARGETS, {}, {}, base.base_hash)
        origin = UpdateOrigin(Address("remes1miner"), RoundId(0))
        return make_package(
            adapter_config, tensors_of(modules), base_id=base.base_id, expert="e", version=1, origin=origin
        )

    return make
