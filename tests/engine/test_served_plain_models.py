"""A dense model of Hugging Face's, served through the backend: base, LoRA and DoRA packages give PEFT's tokens."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from engine_models import Made, Oracle, package_of, save_plain

from r3mes_ray.models.adapters import write_package
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.settings import parse_settings
from r3mes_ray.vllm_plugin.base_weights import BaseWeights

TOKENS = 6
VOCABULARY = 4096
"""Of the shipped tokenizer."""


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """(folder, model) with biases and the shipped tokenizer."""
    folder = tmp_path_factory.mktemp("qwen") / "base"
    model = save_plain("qwen2", folder, vocab_size=VOCABULARY)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(shipped_path("tiny", name), folder)
    return folder, model


@pytest.fixture(scope="module")
def opened(qwen, tmp_path_factory):
    engine = {"kind": "vllm", "max_adapters": 2, "max_rank": 8}
    settings = {"home": tmp_path_factory.mktemp("home"), "model": {"path": str(qwen[0]), "threads": 2}}
    opened = open_backend(parse_settings(settings | {"serving": {"engine": engine}}))
    yield opened
    asyncio.run(opened.backend.close())


@pytest.fixture(scope="module")
def adapters(qwen, opened, tmp_path_factory):
    """(package, its folder) of a LoRA and a DoRA."""
    folder = tmp_path_factory.mktemp("packages")
    weights = {name: qwen[1].get_submodule(name).weight for name in opened.base.linear_shapes}
    found = []
    for seed, dora in ((1, False), (2, True)):
        package = package_of(weights, opened.base.base_id, opened.base.base_hash, seed, 4, dora=dora)
        write_package(package, folder / str(seed))
        found.append((package, Made(f"a{seed}", seed, folder / str(seed), dora)))
    return found


async def ask(backend, prompt, slot):
    sampling = Sampling(temperature=0.0, max_tokens=TOKENS, top_logprobs=1)
    request = GenerationRequest(tuple(prompt), sampling, slot, 120.0)
    return [one.chosen for piece in [p async for p in backend.generate(request)] for one in piece.chances]


def expected(oracle, tokenizer, prompt, made):
    """The oracle's greedy tokens, as (text, log-probability)."""
    tokens, found = list(prompt), []
    for _ in range(TOKENS):
        chances = oracle.logprobs(made, tokens)[-1]
        chances[[token for token in tokenizer.all_special_ids if token < VOCABULARY]] = float("-inf")
        tokens.append(int(chances.argmax()))
        found.append((tokenizer.decode([tokens[-1]]), float(chances.max())))
    return found


def test_base_says_its_layers_hash_and_context(qwen, opened):
    base = opened.base
    assert (base.base_hash, base.context_tokens) == (BaseWeights(qwen[0]).base_hash, 512)
    assert len(base.linear_shapes) == 14
    assert base.linear_shapes["model.layers.1.mlp.down_proj"] == (128, 320)
    assert "lm_head" not in base.linear_shapes
    assert base.base_hash != load_base("tiny").base_hash


async def test_base_lora_and_dora_of_a_dense_model_give_pefts_tokens_together(qwen, opened, adapters):
    backend, prompt = opened.backend, list(range(300, 312))
    for slot, (package, _) in enumerate(adapters):
        await backend.place(slot, await backend.prepare(package))
    found = await asyncio.gather(*(ask(backend, prompt, slot) for slot in (-1, 0, 1)))
    oracle = Oracle(qwen[1], [made for _, made in adapters])
    for answer, made in zip(found, (None, *(made for _, made in adapters)), strict=True):
        wanted = expected(oracle, opened.base.tokenizer, prompt, made)
        assert [one.text for one in answer] == [text for text, _ in wanted]
        assert [one.logprob for one in answer] == pytest.approx([chance for _, chance in wanted], abs=1e-4)
    assert len({tuple(one.text for one in answer) for answer in found}) == 3
