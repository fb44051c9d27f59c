"""The reference engine: transformers on one thread, all running requests decoded in one batch."""

from __future__ import annotations

import torch

from r3mes_ray.errors import ConfigError
from r3mes_ray.models.base import BaseModel, load_base
from r3mes_ray.models.experts import ExpertBank
from r3mes_ray.models.gains import GainCache
from r3mes_ray.serving.inference.base import EngineForm
from r3mes_ray.serving.inference.open_gains import open_gains
from r3mes_ray.serving.inference.opened import Opened, ServedBase
from r3mes_ray.serving.inference.row_decoder import RowDecoder
from r3mes_ray.serving.inference.rows import TransformerRows
from r3mes_ray.serving.inference.sequence import TextRules
from r3mes_ray.serving.inference.threaded import ThreadedBackend
from r3mes_ray.settings import ServingSettings, Settings, TransformersEngine


def open_transformers(settings: Settings, engine: TransformersEngine) -> Opened:
    """Load the base and start the engine, on the replica's GPU where it reserves one.

    Raises:
        ModelError: the base cannot be loaded.
        ConfigError: a GPU is reserved, but torch finds none.
    """
    base = load_base(settings.model.path, threads=settings.model.threads)
    if settings.serving.gpus_per_replica > 0:
        if not torch.cuda.is_available():
            raise ConfigError(
                "serving.gpus_per_replica", "torch finds no CUDA device in the replica that asked for one"
            )
        base.model.to("cuda")
    served = ServedBase(base.base_id, base.base_hash, base.context_tokens, base.tokenizer, base.linear_shapes)
    gains = open_gains(settings, base.base_hash)
    backend = start_transformers(settings.serving, base, engine.max_adapters, gains)
    form = EngineForm(engine.kind, "unpacked", "float32")
    return Opened(backend, served, engine.max_adapters, form)


def start_transformers(
    settings: ServingSettings, base: BaseModel, slots: int, gains: GainCache | None = None
) -> ThreadedBackend:
    """Start the engine on a loaded base; `gains` keeps DoRA's gains."""
    model = base.model
    rules = TextRules.of(
        base.tokenizer, model.generation_config.eos_token_id, base.context_tokens, model.config.vocab_size
    )
    rows = TransformerRows(base, ExpertBank(base, slots, gains=gains), settings.max_running_requests)
    return ThreadedBackend(
        RowDecoder(rows, rules),
        rows,
        rules,
        max_running=settings.max_running_requests,
        max_waiting=settings.max_queued_requests,
    )
