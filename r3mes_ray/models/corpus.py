"""Text to token windows, with a held-out part that is drawn from all over the text."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from r3mes_ray.errors import InvalidInput

_PIECE = 1 << 16
_REGION = 512
_HELD_OUT_EVERY = 64
MAX_TEXT_BYTES = 1 << 30
"""Largest text, unpacked, that is read into memory."""


@dataclass(frozen=True, slots=True)
class TokenCorpus:
    """Token ids of a text: `train` (n,) and `heldout` (m,), int64."""

    train: Tensor
    heldout: Tensor


def read_text(path: Path) -> str:
    """Read UTF-8 text, also from `.xz`.

    Raises:
        InvalidInput: it cannot be read, is larger than `MAX_TEXT_BYTES`, or is not UTF-8.
    """
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise InvalidInput(str(path), f"is larger than {MAX_TEXT_BYTES} bytes")
        return data.decode()
    except (OSError, lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(str(path), f"cannot be read as UTF-8 text: {error}") from error


def encode(tokenizer: Any, text: str) -> Tensor:
    """Token ids of a text of any length, (n,) int64; the marks of the chat format become special tokens."""
    pieces = _split_at_lines(text)
    ids = [encoding.ids for encoding in tokenizer.backend_tokenizer.encode_batch(pieces, add_special_tokens=False)]
    return torch.from_numpy(np.concatenate([np.asarray(piece, dtype=np.int64) for piece in ids] or [np.zeros(0, int)]))


def split_corpus(tokens: Tensor) -> TokenCorpus:
    """Hold out every 64th region of 512 tokens."""
    regions = tokens[: len(tokens) // _REGION * _REGION].view(-1, _REGION)
    held = torch.arange(len(regions)) % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1
    return TokenCorpus(regions[~held].reshape(-1), regions[held].reshape(-1))


def sample_windows(tokens: Tensor, count: int, length: int, seed: int) -> Tensor:
    """Windows (count, length) at random places; a function of the seed alone.

    Raises:
        InvalidInput: the text is shorter than one window.
    """
    if len(tokens) < length:
        raise InvalidInput("text", f"has {len(tokens)} tokens, one window needs {length}")
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(0, len(tokens) - length + 1, (count,), generator=generator)
    return tokens[starts[:, None] + torch.arange(length)]


def even_windows(tokens: Tensor, length: int) -> Tensor:
    """All windows (n, length) that tile the text; what is left over at the end is dropped.

    Raises:
        InvalidInput: the text is shorter than one window.
    """
    if len(tokens) < length:
        raise InvalidInput("text", f"has {len(tokens)} tokens, one window needs {length}")
    return tokens[: len(tokens) // length * length].view(-1, length)


def _split_at_lines(text: str) -> list[str]:
    """Cut a long text after line ends, so that no word is cut."""
    pieces, start = [], 0
    while start < len(text):
        end = min(start + _PIECE, len(text))
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        pieces.append(text[start:end])
        start = end
    return pieces
