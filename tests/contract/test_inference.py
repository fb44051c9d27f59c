"""One suite for every engine, on the shipped model."""

import asyncio
import json
import math
import threading
from contextlib import aclosing
from importlib.util import find_spec

import pytest
import torch
from engine_models import package_for

from r3mes_ray.errors import DeadlineExceeded, InvalidInput, PackageRejected, PromptTooLong, QueueFull
from r3mes_ray.models.adapters import AdapterPackage
from r3mes_ray.models.base import load_base
from r3mes_ray.serving.inference import open_backend
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.settings import parse_settings

without_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")
QUESTIONS = ("What happens to light in a prism?", "The warranty disclaimer says that", "import os", "hi")
RANKS = (2, 4, 8, 3)
TOKENS = 20
ORDER = 5e-5
"""Of log-probabilities that differ by the order of lm_head's sums alone (measured: 4e-6). One activation that is
rounded otherwise shows as 1e-3 and more."""


@pytest.fixture(scope="module")
def base():
    return load_base("tiny", threads=1)


def opened_engine(kind, folder):
    serving = {"engine": kind, "max_running_requests": 8, "max_queued_requests": 8}
    return open_backend(parse_settings({"home": folder, "model": {"threads": 1}, "serving": serving}))


@pytest.fixture(scope="module", params=["transformers", pytest.param("vllm", marks=without_vllm)])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def opened(kind, tmp_path_factory):
    opened = opened_engine(kind, tmp_path_factory.mktemp("home"))
    yield opened
    asyncio.run(opened.backend.close())


@pytest.fixture
def backend(opened):
    return opened.backend


async def put(backend, slot, package):
    await backend.place(slot, await backend.prepare(package))


@pytest.fixture
def asked(opened):
    def make(text, *, slot=-1, timeout_s=120.0, **sampling):
        wanted = Sampling(**{"temperature": 0.0, "max_tokens": TOKENS, **sampling})
        return GenerationRequest(tuple(opened.base.tokenizer.encode(text)), wanted, slot, timeout_s)

    return make


async def answer(backend, request):
    """(text, tokens, reason), after a look at the pieces."""
    pieces = [piece async for piece in backend.generate(request)]
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert sorted(piece.tokens for piece in pieces) == [piece.tokens for piece in pieces]
    return "".join(piece.text for piece in pieces), pieces[-1].tokens, pieces[-1].finish_reason


async def freed(backend):
    """How many steps the engine still makes, from now on, until nothing runs."""
    before = backend.stats().steps
    while backend.stats().running or backend.stats().waiting:
        await asyncio.sleep(0)
    return backend.stats().steps - before


class SlowPackage(AdapterPackage):
    """One whose preparing goes on until `ready` is set."""

    ready = threading.Event()

    def modules(self):
        assert self.ready.wait(120)
        return super().modules()


async def test_generate_ends_at_max_tokens_and_is_the_same_every_time(backend, asked):
    first = await answer(backend, asked(QUESTIONS[1]))
    assert first[1:] == (TOKENS, "length")
    assert await answer(backend, asked(QUESTIONS[1])) == first


async def test_generate_ends_before_a_stop_text(backend, asked):
    whole, _, _ = await answer(backend, asked(QUESTIONS[1]))
    stop = whole[len(whole) // 2 :][:6]
    text, tokens, reason = await answer(backend, asked(QUESTIONS[1], stop=("never said", stop)))
    assert (text, reason) == (whole[: whole.index(stop)], "stop")
    assert tokens < TOKENS


async def test_generate_beside_seven_others_is_as_alone_with_and_without_adapters(backend, asked, base):
    for slot in range(7):
        await put(backend, slot, package_for(base, slot, RANKS[slot % 4], dora=slot % 2 == 0))
    requests = [
        asked(text, slot=slot, top_logprobs=0, max_tokens=12) for text in QUESTIONS[1:3] for slot in range(-1, 7)
    ]
    alone = [await tokens_of(backend, request) for request in requests]
    together = await asyncio.gather(*(tokens_of(backend, request) for request in requests))
    assert list(map(texts, together)) == list(map(texts, alone))
    assert max(farthest(*pair) for pair in zip(alone, together, strict=True)) < ORDER
    assert len(set(map(texts, alone[:8]))) > 5, "the adapters change the answer"
    for slot in range(7):
        await backend.place(slot, None)


async def test_generate_with_a_seed_does_not_depend_on_others(backend, asked):
    request = asked(QUESTIONS[0], temperature=1.5, seed=2**64 - 1, top_p=0.95, top_k=50, min_p=0.01)
    alone = await answer(backend, request)
    others = [asked(text, temperature=1.5, seed=seed) for seed, text in enumerate(QUESTIONS)]
    together = await asyncio.gather(answer(backend, request), *(answer(backend, other) for other in others[:3]))
    assert together[0] == alone


@pytest.mark.parametrize("cut", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}], ids=str)
async def test_generate_cut_to_the_likeliest_token_is_greedy(backend, asked, cut):
    greedy = await answer(backend, asked(QUESTIONS[1]))
    hot = {"temperature": 1.5, "seed": 3}
    assert await answer(backend, asked(QUESTIONS[1], **hot)) != greedy
    assert await answer(backend, asked(QUESTIONS[1], **hot, **cut)) == greedy


@pytest.mark.parametrize(
    "penalty", [{"presence_penalty": 2.0}, {"frequency_penalty": 2.0}, {"repetition_penalty": 1.5}], ids=str
)
async def test_generate_with_a_penalty_is_greedy_by_its_formula(backend, asked, base, penalty):
    text, _, reason = await answer(backend, asked(QUESTIONS[1], **penalty))
    assert reason == "length"
    assert text == penalised(base, QUESTIONS[1], **penalty)
    assert text != (await answer(backend, asked(QUESTIONS[1])))[0]


@torch.no_grad()
def penalised(base, question, presence_penalty=0.0, frequency_penalty=0.0, repetition_penalty=1.0):
    """Greedy text by the formulas of OpenAI (of what was generated) and of the CTRL paper (of the prompt too)."""
    prompt, said = base.tokenizer.encode(question), []
    for _ in range(TOKENS):
        logits = base.model(input_ids=torch.tensor([prompt + said])).logits[0, -1].float()
        logits[base.tokenizer.all_special_ids] = float("-inf")
        for token in set(prompt + said):
            logits[token] *= repetition_penalty if logits[token] < 0 else 1 / repetition_penalty
        for token in set(said):
            logits[token] -= presence_penalty + frequency_penalty * said.count(token)
        said.append(int(logits.argmax()))
    return base.tokenizer.decode(said)


async def test_generate_bias_and_penalties_change_what_is_chosen(backend, asked, opened):
    token = opened.base.tokenizer.encode(" light")[-1]
    text = opened.base.tokenizer.decode([token])
    assert (await answer(backend, asked("hi", logit_bias=((token, 100.0),), max_tokens=3)))[0] == text * 3
    penalised = await answer(backend, asked("hi", logit_bias=((token, 30.0),), frequency_penalty=2.0, max_tokens=40))
    assert 0 < penalised[0].count(text) < 40
    with pytest.raises(InvalidInput, match="logit_bias"):
        await answer(backend, asked("hi", logit_bias=((10**6, 1.0),)))


async def test_generate_tells_the_chances_of_its_tokens(backend, asked):
    pieces = [piece async for piece in backend.generate(asked(QUESTIONS[2], top_logprobs=3, max_tokens=5))]
    told = [one for piece in pieces for one in piece.chances]
    assert len(told) == 5
    for one in told:
        assert one.chosen == one.top[0], "greedy takes the likeliest"
        assert [top.logprob for top in one.top] == sorted((top.logprob for top in one.top), reverse=True)
        assert 0 < sum(math.exp(top.logprob) for top in one.top) <= 1.0001


async def test_generate_closed_early_frees_its_place_within_two_steps(backend, asked):
    async with aclosing(backend.generate(asked("light", max_tokens=900, temperature=2.0, seed=1))) as pieces:
        await anext(pieces)
        assert backend.stats().running == 1
    assert await freed(backend) <= 2
    assert (await answer(backend, asked("hi", max_tokens=1)))[1] == 1


async def test_generate_past_its_deadline_ends_with_an_error(backend, asked):
    with pytest.raises(DeadlineExceeded, match=r"0\.2 s"):
        await answer(backend, asked("light", max_tokens=900, temperature=2.0, seed=1, timeout_s=0.2))
    assert await freed(backend) <= 1


async def test_generate_more_than_may_wait_is_refused_and_the_rest_is_answered(backend, asked):
    requests = [asked("hi", max_tokens=30, temperature=2.0, seed=seed) for seed in range(24)]
    outcomes = await asyncio.gather(*(answer(backend, one) for one in requests), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, QueueFull)]
    assert len(refused) >= 24 - 16
    assert len(refused) + sum(isinstance(outcome, tuple) for outcome in outcomes) == 24


async def test_generate_prompt_without_room_for_a_token_is_refused(backend, asked):
    with pytest.raises(PromptTooLong, match="allows 1023"):
        await answer(backend, asked("light " * 1100))


async def test_prepare_of_another_bases_adapter_is_refused_and_changes_nothing(backend, asked, base):
    expected = await answer(backend, asked(QUESTIONS[1]))
    running = asyncio.create_task(answer(backend, asked(QUESTIONS[1])))
    with pytest.raises(PackageRejected, match="base"):
        await backend.prepare(package_for(base, 1, base_hash="ab" * 32))
    with pytest.raises(PackageRejected, match="rank"):
        await backend.prepare(package_for(base, 1, 257))
    assert await running == expected


async def test_prepare_that_takes_long_stalls_no_running_request(backend, asked, base):
    expected = await answer(backend, asked(QUESTIONS[1]))
    package = package_for(base, 1, dora=True)
    SlowPackage.ready.clear()
    preparing = asyncio.create_task(backend.prepare(SlowPackage(package.config, package.manifest, package.tensors)))
    before = backend.stats().steps
    assert await answer(backend, asked(QUESTIONS[1])) == expected
    assert backend.stats().steps - before >= TOKENS - 1
    assert not preparing.done()
    SlowPackage.ready.set()
    assert (await preparing).nbytes > 0


async def test_place_while_others_run_leaves_their_tokens_as_they_are(backend, asked, base):
    await put(backend, 0, package_for(base, 1))
    requests = [asked(QUESTIONS[1], max_tokens=120), asked(QUESTIONS[1], slot=0, max_tokens=120)]
    expected = [await answer(backend, request) for request in requests]
    prepared = [await backend.prepare(package_for(base, seed, dora=True)) for seed in range(2, 5)]
    running, made = asyncio.gather(*(answer(backend, request) for request in requests)), []
    for adapter in prepared:
        await backend.place(1, adapter)
        before = backend.stats()
        await answer(backend, asked("hi", slot=1, max_tokens=2))
        made.append(backend.stats().generated_tokens - before.generated_tokens)
        await backend.place(1, None)
    assert max(made) > 2, "the others have tokens in the same steps, until they end"
    assert await running == expected
    await backend.place(0, None)


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["name", "count"],
    "additionalProperties": False,
}


async def test_generate_by_a_schema_keeps_to_it_or_is_refused_by_name(kind, opened, asked):
    request = asked("Give me an object:", json_schema=json.dumps(SCHEMA), max_tokens=200)
    if kind == "transformers":
        with pytest.raises(InvalidInput, match="response_format"):
            await answer(opened.backend, request)
        return
    biased = asked("Give me an object:", json_schema=json.dumps(SCHEMA), max_tokens=200, temperature=1.0, seed=4)
    for one in await asyncio.gather(*(answer(opened.backend, each) for each in (request, biased))):
        assert one[2] == "stop", "the schema has no long answer"
        found = json.loads(one[0])
        assert set(found) == {"name", "count"}
        assert isinstance(found["count"], int)
    for wrong in ("{", '{"type": "strange"}'):
        with pytest.raises(InvalidInput, match="response_format"):
            await answer(opened.backend, asked("hi", json_schema=wrong))


async def tokens_of(backend, request):
    return [one.chosen async for piece in backend.generate(request) for one in piece.chances]


def texts(tokens):
    return tuple(token.text for token in tokens)


def farthest(one, other):
    """The largest difference between the log-probabilities of the same tokens."""
    return max((abs(mine.logprob - theirs.logprob) for mine, theirs in zip(one, other, strict=True)), default=0.0)
