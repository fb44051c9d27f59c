from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import DiskContent, KuboContent, Settings, load_settings, parse_settings


def test_defaults_need_no_file(tmp_path):
    settings = load_settings(tmp_path, None)
    assert (settings.home, settings.content, settings.content_path) == (tmp_path, DiskContent(), tmp_path / "content")


def test_file_in_the_home_is_read(tmp_path):
    (tmp_path / "config.yaml").write_text("chain: {chain_id: other-1}\n")
    assert load_settings(tmp_path, None).chain.chain_id == "other-1"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("serving: {prot: 1}", "serving.prot"),
        ("serving: {port: 70000}", "serving.port"),
        ("content: {kind: floppy}", "content"),
        ("[1, 2]", "config.yaml"),
        ("a: [", "config.yaml"),
    ],
)
def test_file_that_is_wrong_names_the_field(tmp_path, text, field):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, None)
    assert field in caught.value.field


def test_file_that_is_named_must_exist(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path, Path("/nowhere/at/all.yaml"))


def test_content_without_a_kind_is_the_embedded_store():
    assert parse_settings({"content": {"path": "/a"}}).content == DiskContent(path=Path("/a"))
    assert isinstance(parse_settings({"content": {"kind": "kubo"}}).content, KuboContent)


def test_settings_survive_their_own_dump():
    settings = parse_settings({"serving": {"experts": ["python"]}, "content": {"kind": "kubo"}})
    assert parse_settings(settings.model_dump(mode="json")) == settings


def sections(model):
    yield model
    for field in model.model_fields.values():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from sections(kind)


@pytest.mark.parametrize("section", list(sections(Settings)), ids=lambda section: section.__name__)
def test_every_field_is_explained_and_frozen(section):
    unexplained = [name for name, field in section.model_fields.items() if not field.description]
    assert section is Settings or unexplained == []
    with pytest.raises(ValidationError):
        setattr(section(), next(iter(section.model_fields)), None)
