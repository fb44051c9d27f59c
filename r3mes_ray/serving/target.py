"""What a client's `model` asks for: the router, the base model, an expert, or one version of an expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from r3mes_ray.errors import ExpertNotFound

AUTO = "auto"
BASE = "base"


@dataclass(frozen=True, slots=True)
class Auto:
    """The router chooses."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base model without an adapter."""


@dataclass(frozen=True, slots=True)
class Named:
    """An expert; `version` is `None` for its current one."""

    expert: str
    version: int | None


Target: TypeAlias = Auto | Base | Named


def parse_target(model: str) -> Target:
    """Read `auto`, `base`, `<expert>` or `<expert>@<version>`.

    Raises:
        ExpertNotFound: what follows the last @ is no version.
    """
    if model == AUTO:
        return Auto()
    if model == BASE:
        return Base()
    name, at, version = model.rpartition("@")
    if not at:
        return Named(model, None)
    if not name or not version.isascii() or not version.isdecimal() or len(version) > 18:
        raise ExpertNotFound(model)
    return Named(name, int(version))
