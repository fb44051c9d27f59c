import threading

import numpy as np
import pytest

from r3mes_ray.serving.inference.row_decoder import RowDecoder
from r3mes_ray.serving.inference.sequence import TextRules
from r3mes_ray.serving.inference.threaded import ThreadedBackend

END, NEVER, VOCABULARY = 0, 1, 128


class CountingRows:
    """A fake model of bytes: a token is followed by the letter 1 + slot further on, and what is past `z` by END."""

    def __init__(self) -> None:
        self.moves: list[tuple[int, int]] = []
        self.loaded: dict[int, object] = {}
        self.widths: list[int] = []
        self.prefilled: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.fail = False
        self.prepared = lambda package: f"prepared {package}"

    def prefill(self, row, prompt, slot):
        self.gate.wait(20)
        self.prefilled.append(row)
        return self._logits(prompt[-1], slot)

    def decode(self, tokens, slots):
        self.gate.wait(20)
        if self.fail:
            raise RuntimeError("device lost")
        self.widths.append(len(tokens))
        return np.stack([self._logits(token, slot) for token, slot in zip(tokens, slots, strict=True)])

    def move(self, source, target):
        self.moves.append((source, target))

    def prepare(self, package):
        return self.prepared(package)

    def place(self, slot, adapter):
        self.loaded.pop(slot, None)
        if adapter is not None:
            self.loaded[slot] = adapter

    def _logits(self, token, slot):
        logits = np.zeros(VOCABULARY, dtype=np.float32)
        following = token + 1 + max(slot, 0)
        logits[following if following <= ord("z") else END] = 5.0
        logits[NEVER] = 9.0
        return logits


@pytest.fixture
def rows():
    return CountingRows()


@pytest.fixture
async def start(rows):
    """Start a backend over the fake; it is closed with the test."""
    started = []

    def make(**options):
        rules = TextRules(lambda tokens: bytes(tokens).decode(), frozenset({END}), frozenset({NEVER}), 64, VOCABULARY)
        limits = {"max_running": 4, "max_waiting": 2}
        backend = ThreadedBackend(RowDecoder(rows, rules), rows, rules, **limits | options)
        started.append(backend)
        return backend

    yield make
    rows.gate.set()
    for backend in started:
        await backend.close()
