import asyncio

import pytest

from r3mes_ray.errors import QueueFull, ServingUnavailable
from r3mes_ray.serving import service as service_module
from r3mes_ray.serving.inference.base import EngineForm, EngineStats, Piece, Sampling
from r3mes_ray.serving.pipeline import Pipeline
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import Begun, ChatRequest, Consultation, Part, ServedExpert
from r3mes_ray.serving.reports import CacheStats, EngineReport, KnowledgeReport
from r3mes_ray.serving.routing import RouteDecision
from r3mes_ray.serving.service import GatewayService
from r3mes_ray.serving.target import Auto
from r3mes_ray.types import AdapterId

OPTICS = AdapterId("optics", 4, "cid4")
REPORT = EngineReport(
    EngineStats(True, 2, 1, 10, 30, 40),
    CacheStats(5, 6, 7, 1, 2, 100, 200, ("cid4",)),
    EngineForm("vllm", "unpacked", "float32"),
)
REQUEST = ChatRequest((Message("user", "why?"),), Auto(), Sampling())


class World:
    """Fake stages and parts."""

    def __init__(self):
        self.error = None
        self.reports = (REPORT, REPORT)
        self.parts = (Part("index", True, True, "2 chunks"), Part("chain", False, False, "down"))

    async def consult(self, inquiry):
        return Consultation(RouteDecision("optics", "fusion", ()), OPTICS, (), 0.1, 0.1, 0.1)

    async def generate(self, request):
        yield Begun("tiny", 7, (), 0.0)
        if self.error:
            raise self.error
        yield Piece("a", 1)
        yield Piece("b", 2, "stop")

    async def knowledge(self):
        if isinstance(self.parts, Exception):
            raise self.parts
        return KnowledgeReport(self.parts, (ServedExpert(OPTICS, (OPTICS,), 1, "light"),))

    async def engines(self):
        if self.reports is None:
            await asyncio.Event().wait()
        return self.reports


@pytest.fixture
def world():
    return World()


@pytest.fixture
def service(world):
    return GatewayService(Pipeline(world.consult, world.generate, timeout_s=9, clock=lambda: 0.0), world)


async def test_metrics_count_answers_tokens_and_parts(service, world):
    [event async for event in service.answer(REQUEST)]
    world.error = QueueFull(3)
    with pytest.raises(QueueFull):
        [event async for event in service.answer(REQUEST)]
    world.error = None
    gone = service.answer(REQUEST)
    await anext(gone)
    await gone.aclose()
    lines = (await service.metrics()).decode().splitlines()
    for line in (
        'r3mes_requests_total{expert="optics",outcome="ok"} 1.0',
        'r3mes_requests_total{expert="",outcome="QueueFull"} 1.0',
        'r3mes_requests_total{expert="",outcome="cancelled"} 1.0',
        'r3mes_tokens_total{kind="prompt"} 7.0',
        'r3mes_tokens_total{kind="completion"} 2.0',
        'r3mes_stage_seconds_count{stage="route"} 1.0',
        'r3mes_engine{state="running"} 4.0',
        'r3mes_adapter_cache{figure="fetches"} 14.0',
        'r3mes_expert_version{expert="optics"} 4.0',
        'r3mes_part_up{part="engine"} 1.0',
        'r3mes_part_up{part="chain"} 0.0',
    ):
        assert line in lines


async def test_parts_engine_comes_first_and_says_how_many_answer(service):
    assert await service.parts() == (
        Part("engine", True, True, "2 of 2 replicas answer"),
        Part("index", True, True, "2 chunks"),
        Part("chain", False, False, "down"),
    )


async def test_parts_that_fail_or_hang_are_not_ready(service, world, monkeypatch):
    monkeypatch.setattr(service_module, "ASK_TIMEOUT_S", 0.01)
    world.parts = ServingUnavailable("the knowledge part", "it died")
    world.reports = None
    engine, knowledge = await service.parts()
    assert (engine.ok, engine.required, engine.detail) == (False, True, "no answer within 0.01 s")
    assert (knowledge.ok, knowledge.required) == (False, True)
    assert "it died" in knowledge.detail
    assert b'r3mes_part_up{part="engine"} 0.0' in await service.metrics()


async def test_parts_without_a_living_engine_are_not_ready(service, world):
    world.reports = ()
    assert not (await service.parts())[0].ok


async def test_metrics_say_how_the_engines_compute(service):
    told = (await service.metrics()).decode()
    assert 'r3mes_engine_info{dtype="float32",kind="vllm",weights="unpacked"} 2.0' in told
