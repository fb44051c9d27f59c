import pytest

from r3mes_ray.cli.serve import grpc_address, model_path, with_choices
from r3mes_ray.content import open_store
from r3mes_ray.errors import ConfigError, ContentNotFound
from r3mes_ray.settings import Settings


@pytest.mark.parametrize("url", ["host:9090", "http://host:9090", "grpc://host:9090/"])
def test_grpc_address_url_of_any_scheme_is_host_and_port(url):
    assert grpc_address(url) == "host:9090"


def test_with_choices_changes_the_named_fields_only(tmp_path):
    settings = Settings(home=tmp_path)
    chosen = with_choices(settings, {"serving.retrieval.enabled": False, "serving.vram_capacity_mb": 7})
    assert chosen.serving.retrieval.enabled is False
    assert chosen.serving.vram_capacity_mb == 7
    assert chosen.model_copy(update={"serving": settings.serving}) == settings


def test_with_choices_wrong_value_names_the_field(tmp_path):
    with pytest.raises(ConfigError, match=r"serving\.vram_capacity_mb"):
        with_choices(Settings(home=tmp_path), {"serving.vram_capacity_mb": 0})


async def test_model_path_cid_is_fetched_and_a_path_is_left_alone(tmp_path):
    settings = Settings(home=tmp_path / "home")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    cid = await open_store(settings).add(tmp_path / "model")
    assert await model_path(with_choices(settings, {"model.path": "tiny"}), tmp_path / "x") == "tiny"
    target = tmp_path / "fetched"
    assert await model_path(with_choices(settings, {"model.path": cid}), target) == str(target)
    assert (target / "config.json").read_text() == "{}"


async def test_model_path_unknown_cid_is_not_found(tmp_path):
    cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    settings = with_choices(Settings(home=tmp_path), {"model.path": cid})
    with pytest.raises(ContentNotFound):
        await model_path(settings, tmp_path / "x")
