"""Settings of mining and of the training half."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from r3mes_ray.settings.section import Section

MIN_WINDOW_TOKENS, MAX_WINDOW_TOKENS = 8, 4096
"""Of a gate's window: the longest, the context of BitNet b1.58 2B4T, bounds what a round can ask of whoever scores."""


class MiningSettings(Section):
    """How a miner trains one update."""

    rank: int = Field(8, ge=1, le=256)
    """Rank r of the adapter."""
    alpha: int = Field(16, ge=1)
    """lora_alpha; the scale is alpha / r."""
    learning_rate: float = Field(8e-3, gt=0)
    """Peak learning rate of AdamW."""
    batch: int = Field(4, ge=1)
    """Windows in one step."""
    window_tokens: int = Field(128, ge=8)
    """Tokens in one window."""
    steps: int = Field(100, ge=1)
    """Optimiser steps."""
    max_seconds: float = Field(600.0, gt=0)
    """Training ends here even when steps are left."""
    wait_for_round_s: float = Field(3600.0, gt=0)
    """How long a trained update waits for a round that takes it."""


class EvaluationSettings(Section):
    """The evaluation gate of the rounds that this node opens, and of others that declare the same text."""

    text: Path | None = None
    """Held-out UTF-8 text: an update that predicts it worse than the start version is refused; none: no gate."""
    window_tokens: int = Field(128, ge=MIN_WINDOW_TOKENS, le=MAX_WINDOW_TOKENS)
    """Tokens in one window of it in the rounds that this node opens."""
    margin_nats: float = Field(0.0, ge=0)
    """By how much the loss may rise in the rounds that this node opens."""


class TrainingSettings(Section):
    """The training half."""

    mining: MiningSettings = MiningSettings()
    """How a miner trains one update."""
    target_rank: int = Field(16, ge=1, le=256)
    """Rank of a published aggregate."""
    rule: str = "mean"
    """Aggregation rule of the rounds that this node opens; docs/aggregation.md has them all."""
    faults: int | None = Field(None, ge=0)
    """How many liars the rule must bear; none is 0."""
    if_too_few: Literal["lower"] | None = None
    """With fewer valid updates than that needs: `lower` the number of liars; none refuses the round."""
    before: Literal["nnm", "arc"] | None = None
    """Pre-aggregation: nearest-neighbour mixing or adaptive clipping."""
    weight_cap: int = Field(2, ge=1)
    """No update weighs more than this many times an equal share."""
    keep: int | None = Field(None, ge=1)
    """How many updates multi-krum averages; none is N - f, the most that it takes."""
    iterations: int | None = Field(None, ge=1, le=1000)
    """Steps of geometric-median (none: 32) and centered-clipping (none: 3)."""
    radius: float | None = Field(None, gt=0)
    """Clipping radius of centered-clipping; none is the median distance in each step."""
    outer_learning_rate: float | None = Field(None, gt=0, le=10)
    """How far an expert goes along what the rule says; none is 1."""
    outer_momentum: float | None = Field(None, ge=0, lt=1)
    """μ, what an expert keeps of its steps before; none is 0."""
    outer_method: Literal["nesterov"] | None = None
    """Whose momentum it is: `nesterov` as in DiLoCo; none is the heavy ball, which adds μ of the last step."""
    min_updates: int = Field(2, ge=1)
    """Fewer valid updates end the round without an aggregate."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """The evaluation gate of the rounds that this node opens, and of others that declare the same text."""
    fetch_concurrency: int = Field(8, ge=1)
    """Updates that are downloaded at a time."""
    fetch_timeout_s: float = Field(30.0, gt=0)
    """Longest time for one update without progress."""
    layer_timeout_s: float = Field(600.0, gt=0)
    """Longest time for the work on one layer of a round, its wait for a worker included."""
    gpus_per_task: float | None = Field(None, ge=0)
    """GPUs of a task that works on a layer; 0: the CPU; none: 1/4 where the cluster has so much of one free, else 0."""
    max_update_bytes: int = Field(256 * 2**20, ge=1)
    """Largest update of the rounds that this node opens, and largest version that it reads."""
