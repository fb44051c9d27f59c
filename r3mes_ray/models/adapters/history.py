"""What an aggregate's manifest says of the updates that its rounds accepted: a sketch of each, to know it again.

A sketch is 64 numbers in float32, linear in what an adapter does to the base; `training.sketch` computes them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import ConfigDict, Field
from torch import Tensor

from r3mes_ray.errors import PackageRejected
from r3mes_ray.types import UpdateId

SKETCH_SIZE = 64
"""Numbers of a sketch."""
MAX_SKETCHES = 1024
"""Updates that a history names at most, the latest: 0.4 MiB of a manifest."""

SketchText = Annotated[str, Field(min_length=344, max_length=344)]
"""Base64 of a sketch in little-endian float32."""


@dataclass(frozen=True, slots=True)
class SketchedUpdate:
    """An update that a round accepted: its id on chain and the sketch of x, absolute as adapters are."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)
    id: Annotated[UpdateId, Field(ge=0, lt=2**53)]
    sketch: SketchText


@dataclass(frozen=True, slots=True)
class PastRound:
    """The updates that one version was made of.

    Attributes:
        version: that version.
        updates: ascending; the last ones are missing where a round has more than a history holds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)
    version: Annotated[int, Field(ge=1, lt=2**53)]
    updates: tuple[SketchedUpdate, ...]


History = tuple[PastRound, ...]
"""The latest rounds of an expert, ascending; the last one is that of the version itself."""


def encode_sketch(sketch: Tensor) -> str:
    """Text of 64 finite numbers, rounded to float32."""
    return base64.b64encode(sketch.cpu().numpy().astype("<f4").tobytes()).decode()


def decode_sketch(text: str) -> Tensor:
    """The numbers of a sketch, (64,) float64.

    Raises:
        PackageRejected: it is not the base64 of 64 finite numbers, to the last bit.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PackageRejected("manifest", "history", f"a sketch is no base64: {error}") from error
    numbers = np.frombuffer(data, "<f4") if len(data) == 4 * SKETCH_SIZE else np.empty(0)
    if len(numbers) != SKETCH_SIZE or not np.isfinite(numbers).all():
        raise PackageRejected("manifest", "history", f"a sketch is not {SKETCH_SIZE} finite numbers")
    if base64.b64encode(data).decode() != text:
        raise PackageRejected("manifest", "history", "a sketch has bits beyond its numbers")
    return torch.from_numpy(numbers.astype(np.float64))


def check_history(history: History, version: int, accepted: Sequence[UpdateId]) -> None:
    """Refuse a history that cannot be a version's; whether its sketches are true is said by those who recompute them.

    Raises:
        PackageRejected: its versions do not lead to this one, its last round has other updates than were accepted, ids
            do not ascend, there are too many, or a sketch is none.
    """
    versions = [past.version for past in history]
    if versions != list(range(version + 1 - len(history), version + 1)):
        raise PackageRejected("manifest", "history", f"its versions do not lead to {version}")
    ids = [[update.id for update in past.updates] for past in history]
    if ids[-1:] != [list(accepted[:MAX_SKETCHES])]:
        raise PackageRejected("manifest", "history", "its last round has other updates than were accepted")
    if any(own != sorted(set(own)) for own in ids):
        raise PackageRejected("manifest", "history", "ids of a round do not ascend")
    if sum(map(len, ids)) > MAX_SKETCHES:
        raise PackageRejected("manifest", "history", f"names more than {MAX_SKETCHES} updates")
    for past in history:
        for update in past.updates:
            decode_sketch(update.sketch)
