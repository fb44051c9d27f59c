"""An engine that has been opened, and what is known of the base that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from r3mes_ray.serving.inference.base import EngineForm, InferenceBackend


@dataclass(frozen=True, slots=True)
class ServedBase:
    """The base of an engine, without its weights.

    Attributes:
        base_id: name that chain and manifests use.
        base_hash: of what the model computes.
        context_tokens: longest sequence.
        tokenizer: its tokenizer, with the chat template.
        linear_shapes: (out, in) of each layer that may have an adapter.
    """

    base_id: str
    base_hash: str
    context_tokens: int
    tokenizer: Any
    linear_shapes: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A running engine, its base, how many adapters it holds at a time, and how it computes."""

    backend: InferenceBackend
    base: ServedBase
    slots: int
    form: EngineForm
