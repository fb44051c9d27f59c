"""Eight LoRAs, eight DoRAs and the base in one batch are as PEFT says each of them, in float32 and in bfloat16."""

from __future__ import annotations

import torch

TOKENS = 4
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.3}
"""Between log-probabilities (measured: 6e-6 and 0.16; to another adapter's it is 0.79 and more)."""


def test_every_row_of_16_adapters_and_the_base_is_pefts_and_nobody_elses(wide):
    dtype, case = wide
    prompt, everybody = case.prompt(1, 9), [None, *case.adapters]
    assert sorted(made.dora for made in case.adapters) == [False] * 8 + [True] * 8
    for made, output in zip(everybody, case.generate([(prompt, made) for made in everybody], TOKENS), strict=True):
        away = {other: distance(case.oracle, other, prompt, output) for other in everybody}
        assert away[made] <= TOLERANCE[dtype]
        assert min(away, key=away.__getitem__) == made


def distance(oracle, made, prompt, output):
    """The largest difference of a log-probability that the engine told, after the tokens that it chose."""
    expected = oracle.logprobs(made, prompt + list(output.token_ids))[len(prompt) - 1 : -1]
    told = [(place, token, one.logprob) for place, found in enumerate(output.logprobs) for token, one in found.items()]
    places, tokens, found = zip(*told, strict=True)
    return float((expected[list(places), list(tokens)] - torch.tensor(found)).abs().max())
