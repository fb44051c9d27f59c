"""Batched rows on the shipped model beside one-by-one greedy decoding without any cache: token for token."""

import asyncio

import pytest
import torch
from engine_models import package_for

from r3mes_ray.models.base import load_base
from r3mes_ray.models.experts import ExpertBank
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.inference.row_decoder import RowDecoder
from r3mes_ray.serving.inference.rows import TransformerRows
from r3mes_ray.serving.inference.sequence import TextRules
from r3mes_ray.serving.inference.threaded import ThreadedBackend

QUESTIONS = (
    "What happens to light in a prism?",
    "May I redistribute modified versions of the program under other terms than those of the licence?",
    "How do I open a file?",
    "hi",
    "Why are there colours in thin plates of glass? " * 8,
    "The warranty disclaimer says that",
    "import os",
)
TOKENS = 24


@pytest.fixture(scope="module")
def base():
    return load_base("tiny", threads=1)


@pytest.fixture(scope="module")
def bank(base):
    bank = ExpertBank(base, 4)
    bank.load(0, package_for(base, 1, 4, dora=False))
    bank.load(1, package_for(base, 2, 8, dora=True))
    bank.load(2, package_for(base, 3, 2, dora=True))
    return bank


@torch.inference_mode()
def decoded_alone(base, bank, prompt, slot):
    """The oracle: the whole sequence is computed again for each token."""
    tokens = list(prompt)
    for _ in range(TOKENS):
        with bank.use((slot,)):
            logits = base.model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]
        logits[list(set(base.tokenizer.all_special_ids))] = -torch.inf
        tokens.append(int(logits.argmax()))
    return tokens[len(prompt) :]


async def test_batch_of_base_lora_and_dora_rows_equals_each_alone(base, bank):
    requests = [(tuple(base.tokenizer(text)["input_ids"]), n % 4 - 1) for n, text in enumerate(QUESTIONS)]
    rules = TextRules(
        decode=lambda tokens: "".join(f"{token} " for token in tokens),
        end_tokens=frozenset(),
        never=frozenset(base.tokenizer.all_special_ids),
        context_tokens=base.context_tokens,
        vocabulary=base.model.config.vocab_size,
    )
    rows = TransformerRows(base, bank, 3)
    backend = ThreadedBackend(RowDecoder(rows, rules), rows, rules, max_running=3, max_waiting=20)

    async def answer(prompt, slot):
        asked = GenerationRequest(prompt, Sampling(max_tokens=TOKENS, temperature=0.0), slot, 120.0)
        return [int(t) for t in "".join([piece.text async for piece in backend.generate(asked)]).split()]

    try:
        together = await asyncio.gather(*(answer(*request) for request in requests))
        assert backend.stats().steps < len(requests) * TOKENS / 2, "they were not decoded together"
    finally:
        await backend.close()
    assert together == [decoded_alone(base, bank, *request) for request in requests]
    assert len({tuple(tokens) for tokens in together}) > 4, "the prompts and adapters make a difference"


def test_rows_moved_and_grown_keep_their_state(base, bank):
    rows = TransformerRows(base, bank, 3)
    prompts = [list(range(10, 14)), list(range(20, 90)), list(range(30, 37))]
    for row, prompt in enumerate(prompts):
        rows.prefill(row, prompt, -1)
    rows.move(2, 0)
    moved = rows.decode([50, 60], [-1, -1])
    fresh = TransformerRows(base, bank, 3)
    fresh.prefill(0, prompts[2], -1)
    alone = fresh.decode([50], [-1])
    torch.testing.assert_close(torch.tensor(moved[0]), torch.tensor(alone[0]), atol=1e-3, rtol=1e-3)
