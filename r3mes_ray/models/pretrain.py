"""Training of a base: quantisation-aware from the first step, resumable, one process."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BitNetConfig, BitNetForCausalLM

from r3mes_ray.errors import InvalidInput
from r3mes_ray.models.bitnet import TrainableBitLinear, replace_linears
from r3mes_ray.models.corpus import TokenCorpus, even_windows, sample_windows
from r3mes_ray.models.losses import next_token_loss
from r3mes_ray.models.muon import Muon

_WARMUP_STEPS = 20
_EVALUATED_WINDOWS = 64
_CLIP = 1.0
_SEED_STRIDE = 1_000_003


@dataclass(frozen=True, slots=True)
class PretrainSettings:
    """How a base is trained, until `steps` or `seconds`, whichever comes first; the rate falls towards it.

    Attributes:
        matrix_rate: Muon's rate for the ternary layers.
        other_rate: AdamW's rate for embeddings and norms.
    """

    steps: int = 100_000
    seconds: float = 300.0
    seed: int = 0
    batch: int = 8
    window_tokens: int = 256
    matrix_rate: float = 0.02
    other_rate: float = 5e-3
    weight_decay: float = 0.05


@dataclass(frozen=True, slots=True)
class PretrainReport:
    """Where a run is: losses in nats per token, `loss` is the mean since the last report."""

    step: int
    seconds: float
    tokens: int
    loss: float
    tokens_per_second: float


def tiny_config(vocabulary: int) -> BitNetConfig:
    """Architecture of the shipped model: 4 M parameters, the parts of BitNet-2B-4T."""
    return BitNetConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )


def new_model(config: BitNetConfig, seed: int) -> BitNetForCausalLM:
    """A freshly initialised model whose linear layers round their weights at every forward."""
    torch.manual_seed(seed)
    model = BitNetForCausalLM(config)
    replace_linears(model, TrainableBitLinear)
    return model


class Pretraining:
    """One run: the model, its optimisers, and how far it came."""

    def __init__(self, model: BitNetForCausalLM, corpus: TokenCorpus, settings: PretrainSettings) -> None:
        self.model, self.corpus, self.settings = model, corpus, settings
        self.step, self.seconds = 0, 0.0
        matrices = [m.weight for m in model.modules() if isinstance(m, TrainableBitLinear)]
        chosen = {id(weight) for weight in matrices}
        others = [p for p in model.parameters() if id(p) not in chosen]
        self.optimisers: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, lr=settings.matrix_rate, weight_decay=settings.weight_decay),
            torch.optim.AdamW(others, lr=settings.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
        )
        self._peaks = (settings.matrix_rate, settings.other_rate)

    @property
    def tokens(self) -> int:
        """Tokens seen so far."""
        return self.step * self.settings.batch * self.settings.window_tokens

    def run(self, on_report: Callable[[PretrainReport], None], checkpoint: Path | None, every: int = 50) -> None:
        """Train to the end; reports every `every` steps and writes `checkpoint` every ten reports and at the end."""
        self.model.train()
        started, resumed_at, first = time.perf_counter(), self.seconds, self.step
        losses: list[float] = []
        while self.step < self.settings.steps and self.seconds < self.settings.seconds:
            losses.append(self.train_step())
            self.seconds = resumed_at + time.perf_counter() - started
            if self.step % every == 0:
                rate = (self.step - first) * self.settings.batch * self.settings.window_tokens
                on_report(self._report(losses, rate / (self.seconds - resumed_at)))
                losses = []
            if checkpoint is not None and self.step % (10 * every) == 0:
                self.save(checkpoint)
        if checkpoint is not None:
            self.save(checkpoint)

    def _report(self, losses: list[float], tokens_per_second: float) -> PretrainReport:
        return PretrainReport(self.step, self.seconds, self.tokens, sum(losses) / len(losses), tokens_per_second)

    def train_step(self) -> float:
        """One optimiser step; its loss in nats."""
        settings = self.settings
        done = max(self.step / settings.steps, self.seconds / settings.seconds)
        factor = min(1.0, (self.step + 1) / _WARMUP_STEPS) * max(0.02, 1.0 - done)
        for optimiser, peak in zip(self.optimisers, self._peaks, strict=True):
            optimiser.param_groups[0]["lr"] = peak * factor
        seed = settings.seed * _SEED_STRIDE + self.step
        loss = self.loss(sample_windows(self.corpus.train, settings.batch, settings.window_tokens, seed))
        self.model.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        return loss.item()

    def loss(self, windows: Tensor) -> Tensor:
        """Mean next-token loss of windows (n, tokens)."""
        hidden = self.model.model(input_ids=windows, use_cache=False).last_hidden_state
        return next_token_loss(hidden, self.model.lm_head.weight, windows)

    @torch.no_grad()
    def heldout_loss(self) -> float:
        """Mean loss over windows that tile the held-out text (at most 64, spread evenly)."""
        windows = even_windows(self.corpus.heldout, self.settings.window_tokens)
        chosen = windows[:: math.ceil(len(windows) / _EVALUATED_WINDOWS)]
        self.model.eval()
        total = sum(self.loss(part).item() * len(part) for part in torch.split(chosen, 8))
        self.model.train()
        return total / len(chosen)

    def _data(self) -> str:
        """What a checkpoint must agree with for the run to be the same one."""
        settings = self.settings
        text = f"{settings.seed} {settings.batch} {settings.window_tokens} {self.model.config.to_json_string()}"
        return hashlib.sha256(text.encode() + self.corpus.train.numpy().tobytes()).hexdigest()

    def save(self, path: Path) -> None:
        """Write weights, optimiser state and progress to one file, atomically."""
        tensors = {f"model.{name}": p.detach() for name, p in self.model.named_parameters()}
        for number, optimiser in enumerate(self.optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{number}.{index}.{key}": value for key, value in state.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        save_file(tensors, temporary, {"step": str(self.step), "seconds": repr(self.seconds), "data": self._data()})
        os.replace(temporary, path)

    def resume(self, path: Path) -> None:
        """Continue from a file that `save` wrote for the same architecture, text, seed and batches.

        Raises:
            InvalidInput: the file is damaged, or of another run.
        """
        try:
            with safe_open(path, framework="pt") as file:
                progress = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise InvalidInput(str(path), f"cannot be read: {error}") from error
        if progress.get("data") != self._data():
            raise InvalidInput(str(path), "is of a run with other text, seed or batches; choose another folder")
        self.step, self.seconds = int(progress["step"]), float(progress["seconds"])
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(tensors[f"model.{name}"])
        for number, optimiser in enumerate(self.optimisers):
            optimiser.load_state_dict(_optimiser_state(optimiser, tensors, f"optimiser.{number}."))


def _optimiser_state(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor], prefix: str) -> dict[str, Any]:
    """Rebuild a state dict from the flat tensors of a checkpoint."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split(".", 1)
            state.setdefault(int(index), {})[key] = value
    return {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
