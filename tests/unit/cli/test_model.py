from __future__ import annotations

import asyncio
import json

import pytest

from r3mes_ray.cli.main import execute
from r3mes_ray.content import open_store
from r3mes_ray.models.adapters import UpdateOrigin, make_package, write_package
from r3mes_ray.models.base import load_base, shipped_path
from r3mes_ray.models.finetune import train_adapter
from r3mes_ray.settings import MiningSettings, Settings

HELDOUT = shipped_path("experts", "python", "heldout.txt")


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text.txt").write_text(HELDOUT.read_text()[:8000])
    return tmp_path / "text.txt"


@pytest.fixture
def package(text, tmp_path):
    base = load_base("tiny")
    mining = MiningSettings(rank=2, alpha=4, learning_rate=0.01, batch=2, window_tokens=64, steps=6)
    trained = train_adapter(base, text.read_text(), mining, method="dora", start=None, seed=0, on_step=lambda r: None)
    origin = UpdateOrigin("remes1miner", 0)
    made = make_package(
        trained.config, trained.tensors, base_id=base.base_id, expert="python", version=1, origin=origin
    )
    write_package(made, tmp_path / "package")
    return tmp_path / "package"


def call(capsys, home, *arguments):
    code = execute(["--home", str(home), "--json", "model", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_info_names_the_shipped_base(capsys, tmp_path):
    code, found = call(capsys, tmp_path, "info")
    base = load_base("tiny")
    assert (code, found["base_id"], found["base_hash"]) == (0, "r3mes/tiny", base.base_hash)
    assert found["parameters"] == 4_003_840


def test_info_of_a_folder_that_is_no_model_is_an_error(capsys, tmp_path):
    code, found = call(capsys, tmp_path, "info", str(tmp_path))
    assert (code, found["error"]["type"]) == (1, "ModelError")


def test_evaluate_compares_adapters_by_folder_and_cid_with_the_base(capsys, tmp_path, text, package):
    cid = asyncio.run(open_store(Settings(home=tmp_path / "home")).add(package))
    arguments = ("--adapter", str(package), "--adapter", str(cid), "--window-tokens", "64")
    code, found = call(capsys, tmp_path / "home", "evaluate", "--data", str(text), *arguments)
    base, by_folder, by_cid = found["rows"]
    assert code == 0
    assert (base["adapter"], base["cid"], base["difference"]) == (None, None, 0.0)
    assert by_folder["difference"] < 0
    assert by_folder["low"] <= by_folder["difference"] <= by_folder["high"]
    assert by_cid["cid"] == cid
    assert by_cid["loss"] == by_folder["loss"] == pytest.approx(base["loss"] + by_folder["difference"])


def test_evaluate_content_that_is_nowhere_is_an_error(capsys, tmp_path, text):
    cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    code, found = call(capsys, tmp_path, "evaluate", "--data", str(text), "--adapter", cid)
    assert (code, found["error"]["type"]) == (1, "ContentNotFound")


def test_train_base_makes_a_folder_that_loads(capsys, tmp_path):
    data = shipped_path("experts", "optics", "train.txt")
    arguments = ("--out", str(tmp_path / "m"), "--data", str(data), "--steps", "1", "--threads", "1")
    code, found = call(capsys, tmp_path / "home", "train-base", *arguments)
    base = load_base(str(tmp_path / "m"))
    card = (tmp_path / "m" / "README.md").read_text()
    assert (code, found["steps"], found["parameters"]) == (0, 1, 4_003_840)
    assert base.tokenizer.decode(base.tokenizer("the Rays of Light").input_ids) == "the Rays of Light"
    assert "r3mes model train-base --out m --data train.txt --seconds 300 --steps 1 --seed 0 --threads 1" in card
    assert f"{found['loss_after']:.3f}" in card
    assert (tmp_path / "m" / "model.safetensors").stat().st_size < 3 * 2**20
