"""A miner's training: one adapter of all ternary layers on one text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.adapted_linear import TrainableAdapter, attached, trainable
from r3mes_ray.models.adapters import AdapterPackage, ModuleAdapter, check_against_base
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.base import BaseModel
from r3mes_ray.models.corpus import encode, even_windows, sample_windows
from r3mes_ray.models.losses import next_token_loss
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import MiningSettings

_WARMUP_STEPS = 10
_CHECKED_EVERY = 16
_MAX_CHECKED_WINDOWS = 24
_CLIP = 1.0
_MAX_RANK = 256
_SEED_STRIDE = 1_000_003
_LATE = 0.1


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of a miner's training; `loss` is in nats per token, of that step's batch."""

    step: int
    steps: int
    loss: float
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """A trained adapter; the losses are nats per token on windows of the miner's text that were not trained on."""

    config: AdapterConfig
    tensors: Mapping[str, Tensor]
    loss_before: float
    loss_after: float
    steps: int
    seconds: float
    tokens: int


def train_adapter(
    base: BaseModel,
    text: str,
    mining: MiningSettings,
    *,
    method: Literal["dora", "lora"],
    start: AdapterPackage | None,
    seed: int,
    on_step: Callable[[StepReport], None],
) -> TrainedAdapter:
    """Train an adapter from zero, or from `start`, whose rank and scale it then keeps.

    Equal arguments give equal tensors on one machine, unless `max_seconds` is about to end the training early.

    Raises:
        InvalidInput: the text is shorter than two windows, or a LoRA is asked for that starts at a DoRA.
        PackageRejected: `start` does not fit the base.
    """
    training, checked = _split(encode(base.tokenizer, text), mining.window_tokens)
    adapters, config = _begin(base, mining, method, start, seed)
    started = time.perf_counter()
    with attached(base, adapters):
        before = _mean_loss(base, checked)
        run = _Run(base, adapters, mining, seed, started)
        steps = run.train(training, on_step)
        after = _mean_loss(base, checked)
    tensors = tensors_of({name: adapter.freeze() for name, adapter in adapters.items()})
    tokens = steps * mining.batch * mining.window_tokens
    return TrainedAdapter(config, tensors, before, after, steps, time.perf_counter() - started, tokens)


class _Run:
    """The loop of one training: AdamW with warm-up and linear decay."""

    def __init__(
        self,
        base: BaseModel,
        adapters: Mapping[str, TrainableAdapter],
        mining: MiningSettings,
        seed: int,
        started: float,
    ) -> None:
        self._base, self._mining, self._seed, self._started = base, mining, seed, started
        self._adapters = tuple((adapter, base.effective_weight(name)) for name, adapter in adapters.items())
        self._parameters = [parameter for adapter in adapters.values() for parameter in adapter.parameters]
        self._optimiser = torch.optim.AdamW(self._parameters, lr=1.0, betas=(0.9, 0.95), weight_decay=0.0)

    def train(self, tokens: Tensor, on_step: Callable[[StepReport], None]) -> int:
        """Train to the end; how many steps were done."""
        mining = self._mining
        for step in range(mining.steps):
            seconds = time.perf_counter() - self._started
            if seconds >= mining.max_seconds:
                return step
            self._set_rate(step, _progress(step / mining.steps, seconds / mining.max_seconds))
            windows = sample_windows(tokens, mining.batch, mining.window_tokens, self._seed * _SEED_STRIDE + step)
            loss = self._step(windows)
            done = step + 1
            seconds = time.perf_counter() - self._started
            on_step(StepReport(done, mining.steps, loss, seconds, done * mining.batch * mining.window_tokens))
        return mining.steps

    def _set_rate(self, step: int, done: float) -> None:
        factor = min(1.0, (step + 1) / _WARMUP_STEPS) * max(0.05, 1.0 - done)
        self._optimiser.param_groups[0]["lr"] = self._mining.learning_rate * factor

    def _step(self, windows: Tensor) -> float:
        loss = _loss(self._base, windows)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters, _CLIP)
        self._optimiser.step()
        for adapter, weight in self._adapters:
            adapter.bound_gains(weight)
        return loss.item()


def _progress(steps_done: float, time_gone: float) -> float:
    """Share of the training that is over: by steps, or by time where that is clearly ahead (the rate must end low)."""
    return time_gone if time_gone > steps_done + _LATE else steps_done


def _begin(
    base: BaseModel, mining: MiningSettings, method: Literal["dora", "lora"], start: AdapterPackage | None, seed: int
) -> tuple[dict[str, TrainableAdapter], AdapterConfig]:
    """The adapters at step 0, and the configuration that they are saved with."""
    if start is None:
        modules = _fresh(base, mining, seed)
        rank, alpha, rslora = mining.rank, mining.alpha, False
        rank_pattern: Mapping[str, int] = {}
        alpha_pattern: Mapping[str, int] = {}
    else:
        if start.config.use_dora and method == "lora":
            raise InvalidInput("method", "the expert's version is a DoRA, a LoRA cannot start there; use dora")
        check_against_base(start, base.linear_shapes, base.base_hash, _MAX_RANK)
        modules, config = start.modules(), start.config
        rank, alpha, rslora = config.r, config.lora_alpha, config.use_rslora
        rank_pattern, alpha_pattern = config.rank_pattern, config.alpha_pattern
    dora = method == "dora"
    adapters = {name: trainable(base.effective_weight(name), module, dora=dora) for name, module in modules.items()}
    targets = tuple(sorted({name.rsplit(".", 1)[-1] for name in adapters}))
    saved = AdapterConfig("LORA", rank, alpha, rslora, dora, targets, rank_pattern, alpha_pattern, base.base_hash)
    return adapters, saved


def _fresh(base: BaseModel, mining: MiningSettings, seed: int) -> dict[str, ModuleAdapter]:
    """PEFT's initial values: A uniform within 1/sqrt(in), B zero."""
    generator = torch.Generator().manual_seed(seed)
    modules = {}
    for name, (rows, columns) in base.linear_shapes.items():
        a = (torch.rand(mining.rank, columns, generator=generator) * 2 - 1) / math.sqrt(columns)
        modules[name] = ModuleAdapter(a, torch.zeros(rows, mining.rank), mining.alpha / mining.rank, None)
    return modules


def _split(tokens: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Training tokens, and every 16th window (at least one, at most 24) to check with, (n, window)."""
    windows = even_windows(tokens, window)
    if len(windows) < 2:
        raise InvalidInput("text", f"has {len(tokens)} tokens, training needs two windows of {window}")
    picked = torch.arange(len(windows)) % _CHECKED_EVERY == min(_CHECKED_EVERY, len(windows)) - 1
    checked = windows[picked]
    spread = checked[:: math.ceil(len(checked) / _MAX_CHECKED_WINDOWS)]
    return windows[~picked].reshape(-1), spread


def _loss(base: BaseModel, windows: Tensor) -> Tensor:
    hidden = base.model.model(input_ids=windows, use_cache=False).last_hidden_state
    return next_token_loss(hidden, base.model.lm_head.weight, windows)


@torch.no_grad()
def _mean_loss(base: BaseModel, windows: Tensor) -> float:
    return sum(_loss(base, part).item() * len(part) for part in torch.split(windows, 8)) / len(windows)
