"""The two files of a node: what it served, and what its operator decided."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.serving.adapters import choices as choices_file
from r3mes_ray.serving.adapters import version_store
from r3mes_ray.serving.adapters.choices import Choice, Choices, change_choice, read_choices, write_choices
from r3mes_ray.serving.adapters.version_store import VersionStore
from r3mes_ray.serving.records import ServedExpert
from r3mes_ray.types import AdapterId, Cid


def served(name, versions):
    known = tuple(AdapterId(name, number, Cid(f"bafy{name}{number:050}")) for number in range(1, versions + 1))
    return ServedExpert(known[-1], known, 5, "what it knows", finished=versions)


def test_table_of_thousands_of_experts_is_restored(tmp_path):
    experts = tuple(served(f"expert{number}", 5) for number in range(5000))
    VersionStore(tmp_path / "versions.json", "ab").save(experts)
    assert (tmp_path / "versions.json").stat().st_size > 2**20
    assert VersionStore(tmp_path / "versions.json", "ab").restore() == experts


def test_table_that_could_not_be_restored_is_not_saved(tmp_path, monkeypatch):
    store = VersionStore(tmp_path / "versions.json", "ab")
    kept = (served("optics", 1),)
    store.save(kept)
    monkeypatch.setattr(version_store, "MAX_BYTES", 1000)
    with pytest.raises(OSError, match="may have 1000"):
        store.save([served("optics", 50)])
    assert store.restore() == kept


def test_choices_that_could_not_be_read_are_not_written(tmp_path, monkeypatch):
    write_choices(tmp_path / "choices.json", Choices(experts={"optics": Choice(held=1)}))
    monkeypatch.setattr(choices_file, "MAX_BYTES", 100)
    with pytest.raises(ConfigError, match="larger than 100 bytes"):
        change_choice(tmp_path / "choices.json", "x" * 100, lambda choice: Choice(held=2))
    assert read_choices(tmp_path / "choices.json").of("optics") == Choice(held=1)


def test_decisions_at_once_are_all_kept(tmp_path):
    path, start = tmp_path / "serving" / "choices.json", threading.Barrier(2)

    def decide(half):
        start.wait(20)
        for number in range(half, 40, 2):
            change_choice(path, f"e{number}", lambda choice: Choice(held=number))  # noqa: B023 - called at once

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(decide, half) for half in range(2)]:
            done.result()
    assert read_choices(path) == Choices(experts={f"e{number}": Choice(held=number) for number in range(40)})
