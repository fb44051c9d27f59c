"""Whatever crosses Ray survives pickling."""

import pickle

import pytest

from r3mes_ray.serving.inference.base import EngineStats, Piece, Sampling
from r3mes_ray.serving.prompt import Message
from r3mes_ray.serving.records import Begun, Consultation, EngineRequest, Inquiry, Part, ServedExpert
from r3mes_ray.serving.reports import CacheStats, EngineInfo, EngineReport, KnowledgeReport
from r3mes_ray.serving.retrieval import Passage
from r3mes_ray.serving.routing import ExpertScore, RouteDecision
from r3mes_ray.serving.target import Auto, Named
from r3mes_ray.types import AdapterId

OPTICS = AdapterId("optics", 1, "cid1")
PASSAGE = Passage("o.txt", 0, 0.5, "light")


@pytest.mark.parametrize(
    "value",
    [
        Inquiry("why?", Auto()),
        Inquiry("why?", Named("optics", 0)),
        Consultation(RouteDecision("optics", "fusion", (ExpertScore("o", 1, 1, 1),)), OPTICS, (PASSAGE,), 1, 2, 3),
        EngineRequest((Message("user", "why?"),), (PASSAGE,), Sampling(stop=("x",)), OPTICS, 5.0),
        Begun("tiny", 3, (PASSAGE,), 0.1),
        Piece("a", 1, "stop"),
        EngineInfo("tiny", "ab", 64),
        EngineReport(EngineStats(True, 1, 2, 3, 4, 5), CacheStats(1, 2, 3, 4, 5, 6, 7, ("cid1",))),
        KnowledgeReport((Part("index", True, True, "x"),), (ServedExpert(OPTICS, (OPTICS,), 1, "light"),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_that_crosses_ray_survives_pickling(value):
    assert pickle.loads(pickle.dumps(value)) == value
