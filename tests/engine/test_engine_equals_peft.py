"""The engine's tokens and log-probabilities are PEFT's, request by request, whatever else is in the batch."""

from __future__ import annotations

import pytest
import torch
from engine_models import EXACT, ROUNDING

TOKENS = 6
ANOTHER = 0.02
"""Share of a BitNet's greedy tokens that may be another, as likely by `ROUNDING` (measured: 0 of 348)."""


def compare(case, rows, outputs):
    """Each token is the oracle's after the same tokens; log-probabilities agree."""
    tolerance, share = (ROUNDING, ANOTHER) if case.kind.startswith("bitnet") else (EXACT, 0.0)
    differences, others = [], 0
    for (prompt, made), output in zip(rows, outputs, strict=True):
        tokens = list(output.token_ids)
        expected = case.oracle.logprobs(made, prompt + tokens)[len(prompt) - 1 : -1]
        for place, token in enumerate(tokens):
            found = {other: chance.logprob for other, chance in output.logprobs[place].items()}
            own = expected[place]
            others += token != int(own.argmax())
            assert float(own.max() - own[token]) <= tolerance, f"{made and made.name}: token {place} is another one"
            differences.append(max(abs(float(own[other]) - value) for other, value in found.items()))
    differences = torch.tensor(differences)
    assert float(differences.max()) <= tolerance
    assert others <= share * len(differences)
    # Where no activation is tipped over, and that is the rule, a BitNet is as exact as the others.
    assert float(differences.median()) <= EXACT
    return differences


def distinct(outputs):
    return {tuple(output.token_ids) for output in outputs}


def test_base_alone_equals_transformers(case):
    rows = [(case.prompt(seed, 5 + seed), None) for seed in range(3)]
    compare(case, rows, case.generate(rows, TOKENS))


def test_mixed_batch_of_base_lora_and_dora_equals_peft_row_by_row(case):
    prompt = case.prompt(1, 9)
    loras = [made for made in case.adapters if not made.dora][-2:]
    doras = [made for made in case.adapters if made.dora][-2:]
    adapters = [None, *loras, None, *doras, doras[0], loras[0]]
    rows = [(prompt, made) for made in adapters]
    outputs = case.generate(rows, TOKENS)
    compare(case, rows, outputs)
    # Each adapter does something of its own, else the batch would not show whose row is whose.
    assert len(distinct(outputs)) == len(set(adapters))


def test_adapters_of_mixed_ranks_come_and_go_while_others_run(case):
    if len(case.adapters) <= 6:
        pytest.skip("this model has no more adapters than slots")
    engine = case.llm.llm_engine
    rows = [(case.prompt(seed, 4 + seed % 5), made) for seed, made in enumerate([*case.adapters, None])]
    # Sixteen adapters through six slots and eight places in memory: each is evicted, and loaded again.
    compare(case, rows, case.generate(rows, TOKENS))
    engine.remove_lora(case.adapters[0].number)
    again = rows[::-1]
    compare(case, again, case.generate(again, TOKENS))


def test_long_and_short_rows_of_one_step_equal_peft(case):
    # A run of an adapter's rows goes another way than a few rows: both ways in one step, beside base rows.
    first, second = case.adapters[0], case.adapters[-1]
    rows = [(case.prompt(1, 40), first), (case.prompt(2, 3), second), (case.prompt(3, 30), None)]
    rows += [(case.prompt(4, 33), second), (case.prompt(5, 2), first), (case.prompt(6, 1), None)]
    compare(case, rows, case.generate(rows, 2))


def test_base_row_beside_adapters_gives_the_tokens_of_the_base_alone(case):
    prompt = case.prompt(3, 7)
    alone = case.generate([(prompt, None)], TOKENS)[0]
    mixed = case.generate([(prompt, None), (prompt, case.adapters[0]), (prompt, case.adapters[-1])], TOKENS)[0]
    assert list(mixed.token_ids) == list(alone.token_ids)
