"""JSON from outside that must be canonical: one text for one value, so that equal content has equal bytes."""

from __future__ import annotations

import json
from typing import Any

import rfc8785

from r3mes_ray.errors import PackageRejected


def parse_object(data: bytes, subject: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        PackageRejected: it is no UTF-8 JSON object, names a key twice, or holds NaN or infinity.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise PackageRejected("json", subject, "a key is named twice")
        return found

    def refuse(text: str) -> Any:
        raise PackageRejected("json", subject, f"{text} is no JSON number")

    try:
        value = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if isinstance(error, PackageRejected):
            raise
        raise PackageRejected("json", subject, f"is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise PackageRejected("json", subject, "is no JSON object")
    return value


def canonical(value: Any, subject: str) -> bytes:
    """RFC 8785 bytes of a value.

    Raises:
        PackageRejected: the value has no canonical form (an integer beyond 2^53, a lone surrogate, NaN).
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise PackageRejected("json", subject, str(error)) from error


def require_canonical(data: bytes, value: Any, subject: str) -> None:
    """Refuse `data` unless it is the canonical form of `value`: no other key, order or white space.

    Raises:
        PackageRejected: it is not.
    """
    if data != canonical(value, subject):
        detail = "is not the canonical form of its content: an unknown key, a fixed value that differs, or the layout"
        raise PackageRejected("canonical", subject, detail)
