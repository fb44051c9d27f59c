"""Arguments of a JSON-RPC call: CometBFT takes them as JSON in a POST, and as quoted text or 0x-hex in a URL."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from r3mes_ray.errors import InvalidInput

MAX_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Arguments:
    """The named arguments of one call; each reader refuses what is not of its form."""

    values: Mapping[str, object]

    def text(self, name: str, default: str | None = None) -> str:
        """A text; in a URL it may stand in double quotes."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise InvalidInput(name, "expected a text")
        return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value

    def number(self, name: str, default: int) -> int:
        """A whole number that is not negative, as a JSON number or as decimal text."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        text = str(value) if type(value) is int else self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise InvalidInput(name, f"{text[:40]!r} is not a whole number")
        return int(text)

    def blob(self, name: str) -> bytes:
        """Bytes: 0x-hex, or base64 as JSON has them."""
        text = self.text(name)
        try:
            return bytes.fromhex(text[2:]) if text.startswith("0x") else base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidInput(name, "expected base64, or 0x and hex") from error

    def hex(self, name: str) -> bytes:
        """Bytes as hex, with or without 0x."""
        try:
            return bytes.fromhex(self.text(name, "").removeprefix("0x"))
        except ValueError as error:
            raise InvalidInput(name, "expected hex") from error

    def page(self) -> tuple[int, int]:
        """Start and length of the page that is asked for; pages count from 1."""
        length = min(self.number("per_page", 30) or 30, MAX_PER_PAGE)
        return (max(1, self.number("page", 1)) - 1) * length, length
