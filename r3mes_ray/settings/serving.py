"""Settings of the model and of the serving half."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from r3mes_ray.settings.section import Section


class ModelSettings(Section):
    """The base model."""

    path: str = "tiny"
    """Folder of a BitNet model, `tiny` for the shipped one, or a CID of a model folder."""
    threads: int = Field(0, ge=0)
    """CPU threads of one process that computes; 0 leaves it to torch."""


class RoutingSettings(Section):
    """How a question finds its expert."""

    embedder: Literal["auto", "minilm", "hashing"] = "auto"
    """`auto` takes MiniLM where its files are installed, else the hashing embedder."""
    min_score: float = Field(0.25, ge=-1.0, le=1.0)
    """Below this fused score the base model answers."""
    keyword_weight: float = Field(0.5, ge=0.0, le=1.0)
    """Share of the keyword rules in the fused score; the rest is similarity."""


class RetrievalSettings(Section):
    """Passages for the prompt."""

    enabled: bool = True
    """Whether passages are retrieved at all."""
    documents: Path | None = None
    """Folder of .txt and .md files; default: the shipped ones."""
    passages: int = Field(2, ge=1, le=20)
    """How many passages enter a prompt."""
    chunk_chars: int = Field(400, ge=100)
    """Length of a chunk, in characters."""
    min_score: float = Field(0.2, ge=-1.0, le=1.0)
    """Passages less similar than this are left out."""


class TransformersEngine(Section):
    """The reference engine: any platform, float32."""

    kind: Literal["transformers"]
    max_adapters: int = Field(64, ge=1)
    """Adapters that the engine holds at a time; the budget of bytes is what limits it in practice."""


class VllmEngine(Section):
    """vLLM in the replica's process, with our plugin."""

    kind: Literal["vllm"]
    max_adapters: int = Field(16, ge=1)
    """Adapters that the engine holds at a time; a GPU's memory for them is reserved at the start, and there are fewer
    where `vram_capacity_mb` has no room for as many."""
    max_rank: Literal[8, 16, 32, 64, 128, 256] = 32
    """Highest rank of an adapter; memory is reserved for this one."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the weights and of the computation; a BitNet's sums overflow float16. `auto` is bfloat16 on a GPU that has it,
    else float32."""
    kv_cache_mb: int | None = Field(None, ge=16)
    """Bytes for keys and values of the running requests, in MB. Default: on a GPU what is left of the replica's share;
    on a CPU what all running requests need at full length, 512 at least, a quarter of the memory at most."""
    tensor_parallel: int | None = Field(None, ge=1)
    """Processes that the model is sharded over, each with a GPU of its own. Default: the replica's GPUs."""
    compile: bool = False
    """Whether a GPU's engine is compiled, into CUDA graphs, when it starts: slower to start, faster to run."""


EngineSettings = Annotated[TransformersEngine | VllmEngine, Field(discriminator="kind")]


class ServingSettings(Section):
    """The serving half."""

    host: str = "127.0.0.1"
    """Address of the HTTP gateway."""
    port: int = Field(8000, ge=0, le=65535)
    """Port of the HTTP gateway."""
    replicas: int = Field(1, ge=1)
    """Engine replicas to start with."""
    max_replicas: int = Field(1, ge=1)
    """Engine replicas that autoscaling may reach."""
    gpus_per_replica: float = Field(0.0, ge=0.0)
    """GPUs that one engine replica reserves in the cluster; 0 computes on the CPU."""
    engine: EngineSettings = TransformersEngine(kind="transformers")
    """Inference backend, by its `kind`."""
    vram_capacity_mb: int = Field(2048, ge=1)
    """Bytes for adapters beside the engine's weights (its device), in MB; 16 of BitNet-2B-4T at rank 32 take 1,400."""
    ram_capacity_mb: int = Field(512, ge=1)
    """Bytes for decoded adapters in main memory, in MB."""
    gains_mb: int = Field(1024, ge=1)
    """Bytes of DoRA's gains on disk, in `<home>/serving/gains`, in MB; without a file they are computed again."""
    max_running_requests: int = Field(8, ge=1)
    """Requests that one engine replica decodes at a time."""
    max_queued_requests: int = Field(64, ge=1)
    """Requests that may wait for one engine replica; more are refused with 429."""
    request_timeout_s: float = Field(60.0, gt=0)
    """Longest time for one answer."""
    follow_interval_s: float = Field(1.0, gt=0)
    """How often the chain is asked for new versions."""
    experts: tuple[str, ...] = ()
    """Experts that are served; empty means all on chain."""
    routing: RoutingSettings = RoutingSettings()
    """How a question finds its expert."""
    retrieval: RetrievalSettings = RetrievalSettings()
    """Passages for the prompt."""

    @field_validator("engine", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value
