import numpy as np
import pytest

from r3mes_ray.serving.routing import ExpertProfile, open_router
from r3mes_ray.serving.routing.fusion import fuse
from r3mes_ray.settings import RoutingSettings

OPTICS = ExpertProfile("optics", "light", ("prism",), ("light colour",))
LEGAL = ExpertProfile("legal", "licence", ("warranty",), ("may copy",))
WORDS = ("light", "colour", "licence", "may", "copy", "weather")


@pytest.fixture
def ask(axis_embedder):
    embedder = axis_embedder(WORDS)
    router = open_router(RoutingSettings(min_score=0.25, keyword_weight=0.5), (OPTICS, LEGAL), embedder)
    return lambda question: router.route(question, embedder.embed([question])[0])


def test_route_similar_question_is_decided_by_similarity(ask):
    decision = ask("light colour ?")
    assert (decision.expert, decision.how) == ("optics", "similarity")
    assert decision.scores[0].score == pytest.approx(1.0, abs=1e-6)
    assert [score.expert for score in decision.scores] == ["optics", "legal"]


def test_route_keyword_alone_is_decided_by_keyword(ask):
    decision = ask("warranty")
    assert (decision.expert, decision.how) == ("legal", "keyword")
    assert decision.scores[0].score == pytest.approx(0.25)


def test_route_keyword_and_similarity_are_fused(ask):
    decision = ask("prism light")
    assert (decision.expert, decision.how) == ("optics", "fusion")
    assert decision.scores[0].score == pytest.approx(0.5 * 0.5 + 0.5 * 1.0)


def test_route_unrelated_question_falls_back_to_base(ask):
    decision = ask("weather")
    assert (decision.expert, decision.how) == (None, "fallback")
    assert [score.score for score in decision.scores] == [0.0, 0.0]


def test_route_without_experts_falls_back(axis_embedder):
    router = open_router(RoutingSettings(), (), axis_embedder(WORDS))
    assert router.route("light", np.ones(6, dtype=np.float32)).expert is None


def test_fuse_equal_scores_prefers_first_name_whatever_the_order():
    forward = fuse({"a": 0.5, "b": 0.5}, {"a": 0.1, "b": 0.1}, 0.5)
    backward = fuse({"b": 0.5, "a": 0.5}, {"b": 0.1, "a": 0.1}, 0.5)
    assert [score.expert for score in forward] == [score.expert for score in backward] == ["a", "b"]


def test_fuse_without_any_keyword_leaves_similarity_undamped():
    assert fuse({"a": 0.0}, {"a": 0.4}, 0.5)[0].score == pytest.approx(0.4)
