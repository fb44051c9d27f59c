"""How the valid updates of a round lie to each other: what pictures show, kept beside the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from r3mes_ray.training.journal import rounds_folder
from r3mes_ray.training.rules.geometry import matrix_of, norms
from r3mes_ray.types import RoundId, UpdateId


@dataclass(frozen=True, slots=True)
class Geometry:
    """Updates that could be decoded, copies too, as steps from the start version.

    Attributes:
        updates: their ids, ascending.
        norms: ‖xᵢ − x₀‖.
        cosines: of each two steps, (N, N); 0 where a step is nothing.
        shares: the coefficient of each update in the aggregate; 0 for one that is not in it.
    """

    updates: tuple[UpdateId, ...]
    norms: tuple[float, ...]
    cosines: tuple[tuple[float, ...], ...]
    shares: tuple[float, ...]


_PARSER: TypeAdapter[Geometry] = TypeAdapter(Geometry)


def geometry_of(updates: Sequence[UpdateId], gram: Tensor, shares: Mapping[UpdateId, float]) -> Geometry:
    """Read it out of the inner products ⟨xᵢ − x₀, xⱼ − x₀⟩."""
    inner = matrix_of(gram)
    lengths = norms(inner)
    cosines = tuple(
        tuple(entry / (a * b) if a * b else 0.0 for entry, b in zip(row, lengths, strict=True))
        for row, a in zip(inner, lengths, strict=True)
    )
    return Geometry(tuple(updates), lengths, cosines, tuple(shares.get(update, 0.0) for update in updates))


def save_geometry(home: Path, chain_id: str, round_id: RoundId, geometry: Geometry) -> None:
    """Keep it beside the round's journal; the file is complete or absent."""
    path = _path(home, chain_id, round_id)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(geometry)) + "\n")
    draft.replace(path)


def read_geometry(home: Path, chain_id: str, round_id: RoundId) -> Geometry | None:
    """What this home kept of a round; None where there is nothing that can be read."""
    try:
        return _PARSER.validate_json(_path(home, chain_id, round_id).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _path(home: Path, chain_id: str, round_id: RoundId) -> Path:
    return rounds_folder(home, chain_id) / f"{round_id}.geometry.json"
