"""`r3mes adapter` on a home without a running node: what it writes is what a node follows."""

import json

import pytest

from r3mes_ray.cli.main import execute
from r3mes_ray.serving.adapters.choices import Choice, LocalVersion, read_choices
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId

V1, V2 = AdapterId("optics", 1, "cid1"), AdapterId("optics", 2, "cid2")


@pytest.fixture
def adapter(tmp_path, capsys):
    def call(*arguments):
        code = execute(["adapter", *arguments, "--home", str(tmp_path), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return call


@pytest.fixture
def choice(tmp_path):
    return lambda: read_choices(tmp_path / "serving" / "choices.json").of("optics")


@pytest.fixture
def served(tmp_path):
    store = VersionStore(tmp_path / "serving" / "versions.json", "ab")
    store.save([ServedExpert(V2, (V1, V2), 5, "light", finished=2)])


def test_rollback_goes_to_the_version_before_and_follow_ends_it(adapter, choice, served):
    assert adapter("rollback", "optics") == (0, {"expert": "optics", "held": 1})
    assert choice() == Choice(held=1)
    assert adapter("rollback", "optics", "--to", "0")[1]["held"] == 0
    assert adapter("follow", "optics")[0] == 0
    assert choice() == Choice()


def test_rollback_of_an_expert_that_is_not_served_is_refused(adapter):
    code, body = adapter("rollback", "weather")
    assert (code, body["error"]["type"]) == (1, "ExpertNotFound")


def test_canary_has_a_share_until_it_is_zero(adapter, choice):
    adapter("canary", "optics", "2", "--share", "0.1")
    assert choice() == Choice(canary=2, share=0.1)
    adapter("canary", "optics", "2", "--share", "0")
    assert choice() == Choice()


def test_pin_and_preload_are_kept_side_by_side(adapter, choice):
    adapter("pin", "optics")
    adapter("preload", "optics", "1")
    assert choice() == Choice(pinned=True, preload=(1,))
    adapter("unpin", "optics")
    assert choice() == Choice(preload=(1,))


def test_preload_is_taken_back_alone(adapter, choice):
    adapter("pin", "optics")
    for version in ("2", "1"):
        adapter("preload", "optics", version)
    assert choice().preload == (1, 2)
    assert adapter("unpreload", "optics", "2") == (0, {"expert": "optics", "unpreload": 2})
    assert choice() == Choice(pinned=True, preload=(1,))
    adapter("unpreload", "optics", "9")
    adapter("unpreload", "optics", "1")
    assert choice() == Choice(pinned=True)


def test_list_shows_what_is_served_and_decided(adapter, served):
    adapter("pin", "optics")
    _, listed = adapter("list")
    assert listed == [
        {
            "expert": "optics", "version": 2, "adapter_cid": "cid2", "versions": [1, 2],
            "held": None, "canary": None, "share": 0.0, "pinned": True,
        }
    ]  # fmt: skip


def test_package_is_imported_published_and_exported_unchanged(adapter, choice, tmp_path):
    import torch

    from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
    from r3mes_ray.models.adapters.modules import ModuleAdapter, tensors_of
    from r3mes_ray.protocol.gradient_hash import AdapterConfig

    modules = {"model.layers.0.self_attn.o_proj": ModuleAdapter(torch.ones(2, 4), torch.ones(4, 2), 2.0, None)}
    config = AdapterConfig("LORA", 2, 4, False, False, ("o_proj",), {}, {}, "ab" * 32)
    origin = UpdateOrigin("remes1miner", 0)
    package = make_package(config, tensors_of(modules), base_id="tiny", expert="optics", version=7, origin=origin)
    write_package(package, tmp_path / "package")
    _, imported = adapter("import", str(tmp_path / "package"))
    assert imported["adapter"] == "optics@7"
    assert choice() == Choice(local=(LocalVersion(version=7, cid=imported["cid"]),))
    assert adapter("publish", str(tmp_path / "package"))[1] == imported
    assert adapter("export", imported["cid"], str(tmp_path / "copy"))[0] == 0
    for path in (tmp_path / "package").iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


def test_folder_that_is_no_package_is_refused_and_changes_nothing(adapter, choice, tmp_path):
    (tmp_path / "other").mkdir()
    code, body = adapter("import", str(tmp_path / "other"))
    assert (code, body["error"]["type"]) == (1, "PackageRejected")
    assert choice() == Choice()
