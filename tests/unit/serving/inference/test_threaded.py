import asyncio
import threading
from contextlib import aclosing

import pytest

from r3mes_ray.errors import DeadlineExceeded, InvalidInput, PromptTooLong, QueueFull, ServingUnavailable
from r3mes_ray.serving.inference.base import GenerationRequest, Sampling
from r3mes_ray.serving.inference.row_decoder import RowDecoder


def asked(text, *, slot=-1, timeout_s=20.0, **sampling):
    return GenerationRequest(tuple(text.encode()), Sampling(**{"temperature": 0.0, **sampling}), slot, timeout_s)


async def answer(backend, request):
    pieces = [piece async for piece in backend.generate(request)]
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    return "".join(piece.text for piece in pieces), pieces[-1].tokens, pieces[-1].finish_reason


async def test_generate_until_the_model_ends(start):
    assert await answer(start(), asked("t")) == ("uvwxyz", 6, "stop")


async def test_generate_until_max_tokens(start):
    assert await answer(start(), asked("a", max_tokens=3)) == ("bcd", 3, "length")


async def test_generate_until_a_stop_text(start):
    assert await answer(start(), asked("a", stop=("ef",))) == ("bcd", 5, "stop")


async def test_generate_until_the_context_is_full(start):
    text, tokens, reason = await answer(start(), asked("." * 54 + "a", max_tokens=500))
    assert (text, tokens, reason) == ("bcdefghij", 9, "length")


async def test_generate_without_room_for_a_token_is_refused(start):
    with pytest.raises(PromptTooLong, match=r"64 tokens.*allows 63"):
        await answer(start(), asked("a" * 64))


async def test_generate_immediate_end_is_an_empty_answer(start):
    assert await answer(start(), asked("z")) == ("", 0, "stop")


async def test_generate_many_are_answered_as_each_alone_and_share_steps(start, rows):
    backend = start(max_waiting=20)
    prompts = "abcmstuvwxyz"
    alone = [await answer(backend, asked(text, slot=n % 3 - 1)) for n, text in enumerate(prompts)]
    rows.widths.clear()
    together = await asyncio.gather(*(answer(backend, asked(t, slot=n % 3 - 1)) for n, t in enumerate(prompts)))
    assert together == alone
    assert max(rows.widths) == 4
    assert len(rows.widths) < sum(tokens for _, tokens, _ in alone)


async def test_generate_seeded_sampling_does_not_depend_on_others(start):
    backend = start()
    request = asked("a", temperature=2.0, seed=5, max_tokens=30)
    alone = await answer(backend, request)
    both = await asyncio.gather(answer(backend, request), answer(backend, asked("b", temperature=2.0, seed=6)))
    assert both[0] == alone


async def test_generate_more_than_may_wait_is_refused(start, rows):
    backend = start(max_running=1, max_waiting=1)
    rows.gate.clear()
    kept = [asyncio.create_task(answer(backend, asked("y"))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFull) as caught:
        await answer(backend, asked("y"))
    assert caught.value.limit == 1
    rows.gate.set()
    assert await asyncio.gather(*kept) == [("z", 1, "stop")] * 2


async def test_generate_closed_early_frees_its_row_for_the_next(start, rows):
    backend = start(max_running=1, max_waiting=4)
    async with aclosing(backend.generate(asked("a", temperature=2.0, seed=1, max_tokens=60))) as pieces:
        await anext(pieces)
    assert await asyncio.wait_for(answer(backend, asked("y")), 5) == ("z", 1, "stop")
    assert backend.stats().running == 0


async def test_generate_past_its_deadline_ends_with_an_error(start, rows):
    now = [100.0]
    backend = start(clock=lambda: now[0])
    rows.gate.clear()
    waiting = asyncio.create_task(answer(backend, asked("a", timeout_s=3.0)))
    await asyncio.sleep(0)
    now[0] = 103.0
    rows.gate.set()
    with pytest.raises(DeadlineExceeded, match="3 s"):
        await waiting


async def test_place_fills_and_empties_between_steps(start, rows):
    backend = start()
    await backend.place(2, await backend.prepare("package"))
    assert rows.loaded == {2: "prepared package"}
    await backend.place(2, None)
    assert rows.loaded == {}


async def test_prepare_that_fails_leaves_the_engine_as_it_is(start, rows):
    backend = start()
    rows.prepared = lambda package: (_ for _ in ()).throw(ValueError("bad adapter"))
    with pytest.raises(ValueError, match="bad adapter"):
        await backend.prepare("package")
    assert await answer(backend, asked("y")) == ("z", 1, "stop")


async def test_prepare_that_takes_long_stalls_no_running_request(start, rows):
    backend = start()
    ready = threading.Event()
    rows.prepared = lambda package: ready.wait(20)
    preparing = asyncio.create_task(backend.prepare("package"))
    assert await answer(backend, asked("a")) == ("bcdefghijklmnopqrstuvwxyz", 25, "stop")
    assert not preparing.done()
    ready.set()
    assert await preparing


async def test_request_that_the_model_refuses_leaves_no_row(start, rows):
    def refuse(row, prompt, slot):
        raise InvalidInput("prompt", "not for this model")

    backend, prefill = start(), rows.prefill
    rows.prefill = refuse
    with pytest.raises(InvalidInput, match="not for this model"):
        await answer(backend, asked("a"))
    rows.prefill = prefill
    assert await answer(backend, asked("y")) == ("z", 1, "stop")
    assert await answer(backend, asked("x")) == ("yz", 2, "stop")
    assert (rows.prefilled, set(rows.widths)) == ([0, 0], {1})


async def test_failed_step_ends_all_requests_and_shows_in_stats(start, rows, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    backend = start()
    rows.fail = True
    with pytest.raises(ServingUnavailable, match="a step failed"):
        await answer(backend, asked("a"))
    await backend.close()
    assert not backend.stats().alive
    with pytest.raises(ServingUnavailable):
        await answer(backend, asked("a"))


async def test_close_ends_running_and_waiting_requests(start, rows):
    backend = start(max_running=1)
    rows.gate.clear()
    tasks = [asyncio.create_task(answer(backend, asked("a", max_tokens=60))) for _ in range(2)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(backend.close())
    await asyncio.sleep(0)
    rows.gate.set()
    await closing
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, ServingUnavailable) or outcome[2] == "stop"


async def test_stats_count_tokens_and_steps(start, rows):
    backend = start()
    await answer(backend, asked("xy"))
    stats = backend.stats()
    assert (stats.alive, stats.running, stats.waiting, stats.prompt_tokens) == (True, 0, 0, 2)
    assert (stats.steps, stats.generated_tokens) == (len(rows.widths), 2)


async def test_generate_by_a_schema_is_refused_by_an_engine_that_does_not_keep_to_it(start):
    with pytest.raises(InvalidInput, match=r"response_format.*--engine vllm"):
        await answer(start(), asked("a", json_schema="{}"))


async def test_schema_is_read_before_its_request_is_queued_while_others_go_on(start, rows):
    began, go = threading.Event(), threading.Event()

    def read(request):
        began.set()
        assert go.wait(20)
        return "read"

    backend = start(guide=read, max_running=1)
    task = asyncio.create_task(answer(backend, asked("a", json_schema="{}")))
    assert await asyncio.to_thread(began.wait, 20)
    await answer(backend, asked("xy"))
    assert (backend.stats().running, backend.stats().waiting, task.done()) == (0, 0, False)
    go.set()
    await task


async def test_schemas_wait_for_their_reading_in_bounded_number_and_time(start, rows):
    go = threading.Event()
    backend = start(guide=lambda request: go.wait(20), max_running=1, max_waiting=2)
    kept = asyncio.create_task(answer(backend, asked("a", json_schema="{}")))
    late = asyncio.create_task(answer(backend, asked("a", json_schema="{}", timeout_s=0.05)))
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await answer(backend, asked("a", json_schema="{}"))
    with pytest.raises(DeadlineExceeded, match="schema"):
        await late
    go.set()
    await kept
    await answer(backend, asked("a", json_schema="{}"))


async def test_schema_that_cannot_be_read_refuses_its_request_alone(start, rows):
    def read(request):
        raise InvalidInput("response_format", "is no schema")

    backend = start(guide=read)
    with pytest.raises(InvalidInput, match="is no schema"):
        await answer(backend, asked("a", json_schema="{"))
    await answer(backend, asked("a"))


@pytest.mark.parametrize(("admissions", "widths"), [(1, [1, 2, 3, 4]), (2, [2, 4, 4, 4]), (9, [4, 4, 4, 4])])
async def test_burst_is_taken_up_as_the_decoder_says(start, rows, monkeypatch, admissions, widths):
    monkeypatch.setattr(RowDecoder, "admissions", admissions)
    backend, began, go = start(), threading.Event(), threading.Event()
    backend._loop.call(lambda: (began.set(), go.wait(20)))
    assert await asyncio.to_thread(began.wait, 20)
    tasks = [asyncio.create_task(answer(backend, asked("a"))) for _ in range(4)]
    while backend.stats().waiting < 4:
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert rows.widths[:4] == widths
