"""The parameters of a round's rule, as they stand on chain: RFC 8785 JSON from a closed list."""

from __future__ import annotations

import json
from typing import Literal, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from r3mes_ray.errors import InvalidInput
from r3mes_ray.settings.training import MAX_WINDOW_TOKENS, MIN_WINDOW_TOKENS

MAX_PARAMETER_BYTES = 4096
MAX_UPDATE_BYTES = 256 * 2**20
"""Largest update of a round that says nothing else."""


class RuleParameters(BaseModel):
    """What a round fixes for everybody who recomputes its aggregate."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    rank: int = Field(16, ge=1, le=256)
    """Rank of the published adapter."""
    min_updates: int = Field(1, ge=1)
    """Fewer valid updates end the round without an aggregate."""
    limit: int | None = Field(None, ge=1)
    """Only so many updates are considered, the first on chain; none considers all."""
    max_update_bytes: int | None = Field(None, ge=1, lt=2**53)
    """Largest update that is valid; none is 256 MiB. Every node must draw the same line."""
    weight_cap: int = Field(2, ge=1)
    """No update weighs more than this many times an equal share."""
    faults: int | None = Field(None, ge=0)
    """f, how many liars the rule must bear; none is 0."""
    if_too_few: Literal["lower"] | None = None
    """With fewer valid updates than f and `keep` need: `lower` both to what they bear; none refuses the round."""
    before: Literal["nnm", "arc"] | None = None
    """Pre-aggregation: nearest-neighbour mixing or adaptive clipping; none leaves the updates as they are."""
    keep: int | None = Field(None, ge=1)
    """How many updates multi-krum averages; none is N - f; more are refused, or lowered as f is."""
    iterations: int | None = Field(None, ge=1, le=1000)
    """Steps of geometric-median (none: 32) and centered-clipping (none: 3)."""
    radius: float | None = Field(None, gt=0)
    """Clipping radius of centered-clipping; none is the median distance in each step."""
    outer_learning_rate: float | None = Field(None, gt=0, le=10)
    """How far the expert goes along what the rule says; none is 1."""
    outer_momentum: float | None = Field(None, ge=0, lt=1)
    """μ, what an expert keeps of its steps before; none is 0."""
    outer_method: Literal["nesterov"] | None = None
    """Whose momentum it is: `nesterov` as in DiLoCo; none is the heavy ball, which adds μ of the last step."""

    gate_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the evaluation gate's held-out text; none: the round has no such gate."""
    gate_margin_nats: float | None = Field(None, ge=0, allow_inf_nan=False)
    """By how much a loss may rise over the start version's in that gate; stands beside its text alone."""
    gate_window_tokens: int | None = Field(None, ge=MIN_WINDOW_TOKENS, le=MAX_WINDOW_TOKENS)
    """Tokens in one window of that text; stands beside it alone. A loss is a mean over windows, of this length."""

    @model_validator(mode="after")
    def _gate_is_whole(self) -> Self:
        missing = [part is None for part in (self.gate_sha256, self.gate_margin_nats, self.gate_window_tokens)]
        if any(missing) and not all(missing):
            raise ValueError("gate_sha256, gate_margin_nats and gate_window_tokens stand together or not at all")
        return self

    @property
    def update_limit(self) -> int:
        """Bytes of the largest update that is valid."""
        return self.max_update_bytes or MAX_UPDATE_BYTES

    def to_json(self) -> str:
        """Canonical text for the chain; a parameter that is None is left out."""
        return rfc8785.dumps(self.model_dump(exclude_none=True)).decode()


def parse_parameters(text: str) -> RuleParameters:
    """Read a round's parameters; an empty text means all defaults.

    Raises:
        InvalidInput: not JSON, an unknown name or a value out of range.
    """
    if len(text) > MAX_PARAMETER_BYTES:
        raise InvalidInput("rule parameters", f"{len(text)} characters, at most {MAX_PARAMETER_BYTES}")
    try:
        return RuleParameters.model_validate(json.loads(text) if text else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("rule parameters", f"{where}: {first['msg']}" if where else first["msg"]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput("rule parameters", f"not JSON: {error}") from error
