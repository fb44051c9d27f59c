import asyncio

import pytest

from r3mes_ray.errors import DeadlineExceeded, QueueFull, ServingUnavailable
from r3mes_ray.serving.inference.base import Piece, Sampling
from r3mes_ray.serving.pipeline import Pipeline
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import AnswerEnd, AnswerText, Begun, ChatRequest, Citation, Consultation
from r3mes_ray.serving.retrieval import Passage
from r3mes_ray.serving.routing import ExpertScore, RouteDecision
from r3mes_ray.serving.target import Auto
from r3mes_ray.types import AdapterId

PASSAGE = Passage("o.txt", 3, 0.8, "light bends")
SCORES = (ExpertScore("optics", 0.7, 0.5, 0.9),)
CONSULTATION = Consultation(
    RouteDecision("optics", "fusion", SCORES), AdapterId("optics", 2, "cid2"), (PASSAGE,), 0.1, 0.2, 0.3
)
REQUEST = ChatRequest((Message("system", "s"), Message("user", "why?")), Auto(), Sampling(max_tokens=5))


class Stages:
    """Fake stages; `events` is what the engine says, an exception is raised in its place."""

    def __init__(self, events, consultation=CONSULTATION):
        self.events, self.consultation = events, consultation
        self.asked, self.inquiries, self.closed, self.now = [], [], 0, 0.0

    async def consult(self, inquiry):
        self.inquiries.append(inquiry)
        self.now += 1.0
        if isinstance(self.consultation, Exception):
            raise self.consultation
        if self.consultation is None:
            await asyncio.Event().wait()
        return self.consultation

    async def generate(self, request):
        self.asked.append(request)
        try:
            for event in self.events:
                self.now += 1.0
                if isinstance(event, Exception):
                    raise event
                if event is None:
                    await asyncio.Event().wait()
                yield event
        finally:
            self.closed += 1

    def pipeline(self, timeout_s=60.0):
        return Pipeline(self.consult, self.generate, timeout_s=timeout_s, clock=lambda: self.now)


async def test_answer_carries_how_it_came_about():
    stages = Stages([Begun("tiny", 9, (PASSAGE,), 0.5), Piece("li", 1), Piece("", 2), Piece("ght", 3, "stop")])
    events = [event async for event in stages.pipeline().answer(REQUEST)]
    assert events[:2] == [AnswerText("li"), AnswerText("ght")]
    end = events[2]
    assert isinstance(end, AnswerEnd)
    assert (end.finish_reasons, end.prompt_tokens, end.completion_tokens) == (("stop",), 9, 3)
    record = end.record
    assert record.model_version == "tiny/optics@2"
    assert (record.expert, record.version, record.adapter_cid) == ("optics", 2, "cid2")
    assert (record.route.how, record.route.scores) == ("fusion", SCORES)
    assert record.passages == (Citation("o.txt", 3, 0.8),)
    timings = record.timings
    assert (timings.embed_s, timings.route_s, timings.retrieve_s, timings.adapter_s) == (0.1, 0.2, 0.3, 0.5)
    assert (timings.first_token_s, timings.total_s) == (3.0, 5.0)
    assert stages.inquiries[0].question == "why?"
    assert stages.asked[0].timeout_s == 59.0
    assert stages.asked[0].adapter == AdapterId("optics", 2, "cid2")


async def test_answer_of_the_base_is_named_without_expert():
    consultation = Consultation(RouteDecision(None, "fallback", ()), None, (), 0, 0, 0)
    stages = Stages([Begun("tiny", 1, (), 0.0), Piece("", 0, "stop")], consultation)
    (end,) = [event async for event in stages.pipeline().answer(REQUEST)]
    assert (end.record.model_version, end.record.expert, end.record.version) == ("tiny", None, 0)


async def test_answer_closed_early_closes_the_generation():
    stages = Stages([Begun("tiny", 1, (), 0.0), Piece("a", 1), None])
    answer = stages.pipeline().answer(REQUEST)
    assert await anext(answer) == AnswerText("a")
    await answer.aclose()
    assert stages.closed == 1


async def test_answer_error_of_a_stage_arrives_as_it_is():
    with pytest.raises(QueueFull):
        [event async for event in Stages([QueueFull(3)]).pipeline().answer(REQUEST)]


async def test_answer_consultation_that_hangs_is_named():
    with pytest.raises(DeadlineExceeded, match=r"routing and retrieval took longer than 0\.01 s"):
        [event async for event in Stages([], None).pipeline(0.01).answer(REQUEST)]


async def test_answer_engine_that_says_nothing_is_ended():
    stages = Stages([Begun("tiny", 1, (), 0.0), None])
    with pytest.raises(DeadlineExceeded, match="generation"):
        [event async for event in stages.pipeline(1.5).answer(REQUEST)]
    assert stages.closed == 1


async def test_answer_without_an_end_is_an_error():
    stages = Stages([Begun("tiny", 1, (), 0.0), Piece("a", 1)])
    with pytest.raises(ServingUnavailable, match="without a reason"):
        [event async for event in stages.pipeline().answer(REQUEST)]
