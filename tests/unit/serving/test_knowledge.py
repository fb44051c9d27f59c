import pytest

from r3mes_ray.errors import ExpertNotFound
from r3mes_ray.serving.adapters.versions import VersionTable
from r3mes_ray.serving.knowledge import Knowledge
from r3mes_ray.serving.records import Inquiry, ServedExpert
from r3mes_ray.serving.retrieval import Retriever
from r3mes_ray.serving.retrieval.chunks import Chunk
from r3mes_ray.serving.routing import ExpertProfile
from r3mes_ray.serving.target import Auto, Base, Named
from r3mes_ray.settings import RoutingSettings
from r3mes_ray.types import AdapterId

V2 = AdapterId("optics", 2, "cid2")
V1 = AdapterId("optics", 1, "cid1")


@pytest.fixture
def embedder(axis_embedder):
    return axis_embedder(("light", "licence"))


@pytest.fixture
async def knowledge(embedder):
    table = VersionTable()
    table.switch(ServedExpert(V2, (V1, V2), 5, "light"))
    retriever = Retriever([Chunk("o.txt", 3, 0, "light")], embedder, passages=2, min_score=0.1)
    knowledge = Knowledge(embedder, retriever, table, RoutingSettings())
    await knowledge.learn([ExpertProfile("optics", "light", (), ())])
    embedder.calls = 0
    return knowledge


async def test_consult_routes_and_retrieves_with_one_embedding(knowledge, embedder):
    consultation = await knowledge.consult(Inquiry("light ?", Auto()))
    assert (consultation.route.expert, consultation.route.how) == ("optics", "similarity")
    assert consultation.adapter == V2
    assert [(passage.document, passage.chunk) for passage in consultation.passages] == [("o.txt", 3)]
    assert embedder.calls == 1


async def test_consult_unrelated_question_goes_to_the_base(knowledge):
    consultation = await knowledge.consult(Inquiry("licence", Auto()))
    assert (consultation.adapter, consultation.route.how, consultation.passages) == (None, "fallback", ())


@pytest.mark.parametrize(
    ("target", "adapter"),
    [
        (Base(), None),
        (Named("optics", None), V2),
        (Named("optics", 1), V1),
        (Named("optics", 0), AdapterId("optics", 0, None)),
    ],
)
async def test_consult_named_target_bypasses_the_router(knowledge, target, adapter):
    consultation = await knowledge.consult(Inquiry("licence", target))
    assert (consultation.adapter, consultation.route.how, consultation.route.scores) == (adapter, "requested", ())


@pytest.mark.parametrize("target", [Named("weather", None), Named("optics", 3)])
async def test_consult_unknown_target_is_refused(knowledge, target):
    with pytest.raises(ExpertNotFound):
        await knowledge.consult(Inquiry("light", target))


async def test_consult_named_target_without_retrieval_embeds_nothing(embedder):
    table = VersionTable()
    knowledge = Knowledge(embedder, None, table, RoutingSettings())
    embedder.calls = 0
    assert (await knowledge.consult(Inquiry("light", Base()))).passages == ()
    assert embedder.calls == 0


async def test_consult_names_the_second_choice_to_be_fetched_ahead(embedder):
    table, licence = VersionTable(), AdapterId("legal", 4, "cid4")
    table.switch(ServedExpert(V2, (V1, V2), 5, "light"))
    table.switch(ServedExpert(licence, (licence,), 5, "licence"))
    knowledge = Knowledge(embedder, None, table, RoutingSettings())
    await knowledge.learn([ExpertProfile("optics", "light", (), ()), ExpertProfile("legal", "licence", (), ())])
    consultation = await knowledge.consult(Inquiry("light light licence", Auto()))
    assert (consultation.adapter, consultation.runners_up) == (V2, (licence,))
    table.drop("legal")
    assert (await knowledge.consult(Inquiry("light", Auto()))).runners_up == ()
