"""Loading of a base model: BitNet with its ternary codes unpacked, ready for adapters."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import rfc8785
import torch
from torch import Tensor
from transformers import AutoTokenizer, BitNetForCausalLM
from transformers.models.bitnet.modeling_bitnet import BitNetRotaryEmbedding

from r3mes_ray.errors import ModelError
from r3mes_ray.models.bitnet import BitLinear, replace_linears
from r3mes_ray.models.checkpoint import Checkpoint, read_checkpoint

SHIPPED = "tiny"
"""Name of the model that comes with the package."""

_HASHED_CONFIG = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "rms_norm_eps",
    "tie_word_embeddings",
    "attention_bias",
    "rope_parameters",
)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A loaded base, in float32, in evaluation mode, without gradients.

    Attributes:
        model: `BitNetForCausalLM` whose ternary layers are `BitLinear`.
        tokenizer: its tokenizer, with the chat template.
        base_id: name that chain and manifests use.
        base_hash: hex SHA-256 of what the model computes, whatever its layout on disk.
        context_tokens: longest sequence.
    """

    model: BitNetForCausalLM
    tokenizer: Any
    base_id: str
    base_hash: str
    context_tokens: int
    _linears: dict[str, BitLinear] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the ternary layers once: a walk over all modules for each question costs a round a second."""
        found = {name: module for name, module in self.model.named_modules() if isinstance(module, BitLinear)}
        object.__setattr__(self, "_linears", dict(sorted(found.items())))

    @property
    def linear_names(self) -> tuple[str, ...]:
        """Names of the ternary layers, ascending."""
        return tuple(self._linears)

    @property
    def linear_shapes(self) -> dict[str, tuple[int, int]]:
        """(out, in) of each ternary layer by name."""
        return {name: (w.shape[0], w.shape[1]) for name, layer in self._linears.items() for w in (layer.codes,)}

    def effective_weight(self, name: str) -> Tensor:
        """Scale x ternary of one layer, (out, in) float32: what every norm of an adapter refers to."""
        return self.linear(name).weight.detach()

    def linear(self, name: str) -> BitLinear:
        """One ternary layer.

        Raises:
            ModelError: there is none of that name.
        """
        module = self._linears.get(name)
        if module is None:
            raise ModelError(self.base_id, f"has no ternary layer {name!r}")
        return module


def shipped_path(*parts: str) -> Path:
    """A file or folder of the package's data."""
    return Path(str(files("r3mes_ray") / "data")).joinpath(*parts)


def model_folder(path: str) -> Path:
    """The folder of a model, or of the shipped one.

    Raises:
        ModelError: it is not there.
    """
    folder = shipped_path(SHIPPED) if path == SHIPPED else Path(path).expanduser()
    if not folder.is_dir():
        raise ModelError(path, "is no folder; give a model folder, or `tiny` for the shipped model")
    return folder


def load_base(path: str, *, threads: int = 0) -> BaseModel:
    """Load a model folder, or `tiny`, the shipped model; `threads` > 0 sets torch's threads of this process.

    Raises:
        ModelError: the folder is not there, is no BitNet, or its parts do not fit together.
    """
    if threads > 0:
        torch.set_num_threads(threads)
    folder = model_folder(path)
    checkpoint = read_checkpoint(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(path, f"the tokenizer cannot be loaded: {error}") from error
    return build_base(checkpoint, tokenizer)


def build_base(checkpoint: Checkpoint, tokenizer: Any) -> BaseModel:
    """Make the runnable model of a checkpoint.

    Raises:
        ModelError: tensors are missing, left over or of the wrong shape.
    """
    with torch.device("meta"):
        model = BitNetForCausalLM(checkpoint.config)
    replace_linears(model, BitLinear)
    for module in model.modules():
        if isinstance(module, BitLinear):
            module.hold_codes()
    state = dict(checkpoint.others)
    for name, weight in checkpoint.ternary.items():
        state |= {f"{name}.codes": weight.codes.float(), f"{name}.scale": torch.tensor(weight.scale)}
    if checkpoint.config.tie_word_embeddings and "model.embed_tokens.weight" in state:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    try:
        model.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelError(checkpoint.name, f"tensors do not fit the configuration: {error}") from error
    if checkpoint.config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    model.model.rotary_emb = BitNetRotaryEmbedding(checkpoint.config)
    model.requires_grad_(requires_grad=False)
    model.eval()
    context = int(checkpoint.config.max_position_embeddings)
    return BaseModel(model, tokenizer, checkpoint.name, base_hash(checkpoint), context)


def base_hash(checkpoint: Checkpoint) -> str:
    """Hex SHA-256 over the configuration that decides the computation, the ternary weights, and the other tensors.

    The same codes, scales and tensors give the same hash in every layout; the tokenizer is not part of it.
    """
    config = checkpoint.config.to_dict()
    chosen = {key: config.get(key) for key in _HASHED_CONFIG}
    digest = hashlib.sha256(_lp(b"r3mes/base/v2") + _lp(rfc8785.dumps(chosen)))
    digest.update(struct.pack(">I", len(checkpoint.ternary)))
    for name, weight in sorted(checkpoint.ternary.items()):
        digest.update(_lp(name.encode()) + struct.pack(">QQf", *weight.codes.shape, weight.scale))
        digest.update(weight.codes.contiguous().numpy().tobytes())
    others = {n: t for n, t in checkpoint.others.items() if n != "lm_head.weight" or not config["tie_word_embeddings"]}
    digest.update(struct.pack(">I", len(others)))
    for name, tensor in sorted(others.items()):
        shape = struct.pack(f">I{tensor.dim()}Q", tensor.dim(), *tensor.shape)
        digest.update(_lp(name.encode()) + shape)
        digest.update(tensor.float().contiguous().numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def _lp(data: bytes) -> bytes:
    """Length-prefix: u32 big-endian, then the bytes."""
    return struct.pack(">I", len(data)) + data
