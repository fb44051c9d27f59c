"""Several answers to one request, and what is told of their tokens."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from r3mes_ray.errors import InvalidInput, QueueFull
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.inference.choices import generate_all, spread


def asked(text, **sampling):
    return GenerationRequest(tuple(text.encode()), Sampling(**{"max_tokens": 30, **sampling}), -1, 20.0)


async def texts(backend, requests):
    answers = [""] * len(requests)
    async for piece in generate_all(backend, requests):
        answers[piece.choice] += piece.text
    return answers


async def test_choices_equal_single_answers_with_seeds_one_apart(start):
    backend = start(max_waiting=20)
    together = await texts(backend, spread(asked("a", temperature=2.0, seed=2**64 - 1), 3))
    alone = [(await texts(backend, [asked("a", temperature=2.0, seed=seed)]))[0] for seed in (2**64 - 1, 0, 1)]
    assert together == alone
    assert len(set(together)) == 3


async def test_choices_that_do_not_fit_the_queue_are_refused_together(start, rows):
    backend = start(max_running=1, max_waiting=1)
    rows.gate.clear()
    refused = asyncio.create_task(texts(backend, spread(asked("a", temperature=0.0), 3)))
    with pytest.raises(QueueFull):
        await refused
    rows.gate.set()
    assert await texts(backend, [asked("y", temperature=0.0)]) == ["z"]


async def test_choices_end_with_whatever_ends_one_of_them():
    class Broken:
        async def generate(self, request):
            raise RuntimeError("device lost")
            yield

    with pytest.raises(RuntimeError, match="device lost"):
        await asyncio.wait_for(texts(Broken(), spread(asked("a"), 2)), 20)


async def test_choices_closed_early_free_all_their_rows(start):
    backend = start()
    async with aclosing(generate_all(backend, spread(asked("a", temperature=2.0, seed=1), 3))) as pieces:
        await anext(pieces)
    assert await texts(backend, [asked("y", temperature=0.0)]) == ["z"]
    assert backend.stats().running == 0


async def test_chances_are_told_of_every_token_and_before_anything_is_cut(start, rows):
    request = asked("w", temperature=0.0, top_logprobs=2, logit_bias=((ord("w"), 6.0),), max_tokens=3)
    pieces = [piece async for piece in start().generate(request)]
    chances = [token for piece in pieces for token in piece.chances]
    assert "".join(piece.text for piece in pieces) == "www"
    assert [token.chosen.text for token in chances] == ["w"] * 3
    logits = np.zeros(128)
    logits[ord("x")], logits[1] = 5.0, 9.0
    likely = logits - np.log(np.exp(logits).sum())
    assert [token.chosen.logprob for token in chances] == pytest.approx([likely[ord("w")]] * 3)
    assert [(top.text, top.logprob) for top in chances[0].top] == [
        ("\x01", pytest.approx(likely[1])),
        ("x", pytest.approx(likely[ord("x")])),
    ]


async def test_frequency_penalty_ends_a_repetition(start):
    biased = {"temperature": 0.0, "logit_bias": ((ord("w"), 6.0),), "max_tokens": 4}
    backend = start()
    assert await texts(backend, [asked("w", **biased)]) == ["wwww"]
    assert await texts(backend, [asked("w", **biased, frequency_penalty=1.5)]) == ["wxyz"]


async def test_logit_bias_of_a_token_that_is_not_there_is_refused(start):
    with pytest.raises(InvalidInput, match=r"logit_bias.*token 128 is not among the model's 128"):
        await texts(start(), [asked("a", logit_bias=((128, 1.0),))])
