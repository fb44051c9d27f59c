"""Fetches and reads an expert's description, which anyone may have published: a small JSON object with known fields."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from r3mes_ray.content import ContentStore, Limits
from r3mes_ray.errors import InvalidInput
from r3mes_ray.serving.routing.base import ExpertProfile
from r3mes_ray.types import Cid

MAX_BYTES = 64 * 1024
"""A larger description is refused before it is parsed."""
_MAX_ITEMS = 200
_MAX_CHARS = 2_000


def parse_profile(name: str, data: bytes) -> ExpertProfile:
    """Read the description of expert `name`: `description` (text), `keywords` and `examples` (lists of texts).

    Other fields are ignored, so that a later version of the file can be read by this one.

    Raises:
        InvalidInput: not such a JSON object, or over a limit of size.
    """
    what = f"description of expert {name}"
    if len(data) > MAX_BYTES:
        raise InvalidInput(what, f"{len(data)} bytes exceed the limit of {MAX_BYTES}")
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(what, f"not JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise InvalidInput(what, "expected a JSON object")
    return ExpertProfile(
        name=name,
        description=_text(what, "description", loaded.get("description", "")),
        keywords=_texts(what, "keywords", loaded.get("keywords", [])),
        examples=_texts(what, "examples", loaded.get("examples", [])),
    )


async def fetch_profile(store: ContentStore, expert: str, cid: Cid) -> ExpertProfile:
    """Fetch and read an expert's description.

    Raises:
        ContentError: it is not there, too large, or damaged.
        InvalidInput: it is no description.
    """
    with tempfile.TemporaryDirectory(prefix="r3mes-profile-") as folder:
        target = Path(folder) / "profile"
        await store.get(cid, target, Limits(max_bytes=MAX_BYTES))
        if not target.is_file():
            raise InvalidInput(f"description of expert {expert}", "is a folder, not a file")
        return parse_profile(expert, target.read_bytes())


def _text(what: str, field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_CHARS:
        raise InvalidInput(what, f"{field} must be a text of at most {_MAX_CHARS} characters")
    return value


def _texts(what: str, field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise InvalidInput(what, f"{field} must be a list of at most {_MAX_ITEMS} texts")
    return tuple(_text(what, field, item) for item in value)
