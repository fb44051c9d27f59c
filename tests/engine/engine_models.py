"""Models and adapters that the engine's tests make, and PEFT as their oracle."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM, BitNetConfig, LlamaConfig, Qwen2Config, Qwen2MoeConfig

from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
from r3mes_ray.models.base import BaseModel, build_base, load_base, shipped_path
from r3mes_ray.models.checkpoint import quantise_state, write_checkpoint
from r3mes_ray.models.dora import row_norms
from r3mes_ray.protocol.gradient_hash import AdapterConfig

SIZES = {
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 512,
    "initializer_range": 0.12,
    "tie_word_embeddings": False,
    "eos_token_id": 1,
}
LAYER_OF_2B_4T = SIZES | {
    "hidden_size": 2560,
    "intermediate_size": 6912,
    "num_hidden_layers": 1,
    "num_attention_heads": 20,
    "num_key_value_heads": 5,
    "initializer_range": 0.02,
    "hidden_act": "relu2",
}
PLAIN = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen2-moe": Qwen2MoeConfig}
EXPERTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 64,
    "shared_expert_intermediate_size": 96,
    "initializer_range": 0.2,
}
EXACT = 1e-4
ROUNDING = 0.2
"""A BitNet rounds activations to int8: float noise tips one over here and there, and its row moves from there on. How
many, and by how much, `test_engine_roundings.py` says. Measured here: 0.055 at most, 4e-6 at the median; the oracle in
float64 differs from itself in float32 by up to 0.16."""
RANKS = (1, 4, 8, 16, 3, 2, 5, 8)
TARGETS = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


Hook = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class Made:
    """An adapter on disk; `number` is the engine's."""

    name: str
    number: int
    folder: Path
    dora: bool


def save_plain(kind: str, folder: Path, **changes: int):
    """A tiny Llama, or a Qwen2 (MoE), whose biases are as large as real ones; saved and returned in float32."""
    torch.manual_seed(7)
    config = PLAIN[kind](**SIZES | (EXPERTS if kind == "qwen2-moe" else {}) | changes)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=2.0)
    model.save_pretrained(folder)
    return model.requires_grad_(False)


def save_bitnet_layer(folder: Path) -> BaseModel:
    """One layer with the shapes of BitNet-2B-4T, packed."""
    torch.manual_seed(8)
    config = BitNetConfig(**LAYER_OF_2B_4T)
    model = AutoModelForCausalLM.from_config(config)
    checkpoint = quantise_state("layer", config, model.state_dict())
    write_checkpoint(checkpoint, folder)
    return build_base(checkpoint, None)


def save_peft(model, folder: Path, seed: int, rank: int, *, dora: bool, **targets: list[str]) -> None:
    """A PEFT adapter with random factors and magnitudes, half of them rank-stabilised.

    It is on every linear layer but `lm_head`, unless `targets` says on what, in PEFT's own words.
    """
    torch.manual_seed(seed)
    last = model.get_output_embeddings()
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and module is not last]
    targets = targets or {"target_modules": linear}
    config = LoraConfig(r=rank, lora_alpha=2 * rank, use_dora=dora, use_rslora=seed % 2 == 0, **targets)
    adapted = get_peft_model(copy.deepcopy(model), config)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
        elif "lora_magnitude" in name:
            parameter.data.mul_(0.5 + torch.rand_like(parameter))
    adapted.save_pretrained(folder)


def save_package(base: BaseModel, folder: Path, seed: int, rank: int, **options) -> None:
    """Write a `package_for`."""
    write_package(package_for(base, seed, rank, **options), folder)


def package_for(
    base: BaseModel, seed: int, rank: int = 4, *, of: str = "", layers: int | None = None, base_hash=None, **options
):
    """A package of ours on every linear layer whose name ends with `of`, or the first `layers` of them."""
    names = [name for name in base.linear_shapes if name.endswith(of)][:layers]
    weights = {name: base.effective_weight(name) for name in names}
    return package_of(weights, base.base_id, base_hash or base.base_hash, seed, rank, **options)


def package_of(
    weights: Mapping[str, torch.Tensor],
    base_id: str,
    base_hash: str,
    seed: int,
    rank: int,
    *,
    dora: bool = False,
    expert: str = "e",
    version: int = 1,
):
    """A package with random factors and magnitudes for these layers."""
    generator = torch.Generator().manual_seed(seed)
    modules = {}
    for name, weight in weights.items():
        height, width = weight.shape
        a = torch.randn(rank, width, generator=generator) / width**0.5
        b = torch.randn(height, rank, generator=generator) * weight.norm(dim=1).mean() * 0.1
        norms = row_norms(weight, a, b, 2.0).float()
        magnitude = norms * (0.5 + torch.rand(height, generator=generator)) if dora else None
        modules[name] = ModuleAdapter(a, b, 2.0, magnitude)
    config = AdapterConfig(
        peft_type="LORA",
        r=rank,
        lora_alpha=2 * rank,
        use_rslora=False,
        use_dora=dora,
        target_modules=tuple(sorted({name.rsplit(".", 1)[1] for name in modules})),
        rank_pattern={},
        alpha_pattern={},
        base_hash=base_hash,
    )
    origin = UpdateOrigin(miner="remes1miner", round=0)
    return make_package(config, tensors_of(modules), base_id=base_id, expert=expert, version=version, origin=origin)


def make_case(kind: str, folder: Path):
    """(folder of the base, its adapters, its vocabulary, the model for the oracle)."""
    if kind == "bitnet-2b-4t-layer":
        base = save_bitnet_layer(folder / "base")
        wanted = [(4, False), (8, True)]
    elif kind == "bitnet":
        base = load_base("tiny")
        wanted = [(rank, dora) for dora in (False, True) for rank in RANKS]
    else:
        model = save_plain(kind, folder / "base")
        wanted = [(rank, dora) for dora in (False, True) for rank in RANKS]
    made = [
        Made(f"{'dora' if dora else 'lora'}{number}", number, folder / str(number), dora)
        for number, (rank, dora) in enumerate(wanted, 1)
    ]
    for adapter, (rank, dora) in zip(made, wanted, strict=True):
        if kind.startswith("bitnet"):
            save_package(base, adapter.folder, adapter.number, rank, dora=dora)
        else:
            save_peft(model, adapter.folder, adapter.number, rank, dora=dora)
    model = base.model if kind.startswith("bitnet") else model
    own = shipped_path("tiny") if kind == "bitnet" else folder / "base"
    return own, made, model.config.vocab_size, model


class Oracle:
    """PEFT on transformers, one adapter at a time, without a cache."""

    def __init__(self, model, adapters: list[Made]) -> None:
        self._model = None
        for made in adapters:
            if self._model is None:
                self._model = PeftModel.from_pretrained(copy.deepcopy(model), made.folder, adapter_name=made.name)
            else:
                self._model.load_adapter(made.folder, adapter_name=made.name)
        self._model.eval()

    def linears(self) -> dict[str, torch.nn.Module]:
        """The layers that take adapters, by their names in the base."""
        found = self._model.base_model.model.named_modules()
        return {name: module for name, module in found if name.rsplit(".", 1)[-1] in TARGETS}

    @torch.no_grad()
    def logprobs(self, adapter: Made | None, tokens: list[int], follow: Hook | None = None) -> torch.Tensor:
        """(tokens, vocabulary) log-probabilities of what comes after each token.

        `follow` is told of each linear layer, its input and its output, and says what goes on from there.
        """
        if adapter is not None:
            self._model.set_adapter(adapter.name)
        with ExitStack() as stack:
            if adapter is None:
                stack.enter_context(self._model.disable_adapter())
            for name, module in self.linears().items() if follow is not None else ():
                hook = module.register_forward_hook(partial(follow, name=name))
                stack.callback(hook.remove)
            logits = self._model(input_ids=torch.tensor([tokens])).logits[0]
        return torch.log_softmax(logits.float(), -1)


__all__ = [
    "EXACT",
    "LAYER_OF_2B_4T",
    "ROUNDING",
    "Made",
    "Oracle",
    "make_case",
    "package_for",
    "package_of",
    "save_bitnet_layer",
    "save_package",
    "save_peft",
    "save_plain",
]
