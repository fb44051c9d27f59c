"""A home's chain exported, imported and begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from r3mes_ray.errors import ChainCorrupt, ConfigError
from r3mes_ray.localnet.genesis import canonical, genesis_path, read_genesis
from r3mes_ray.localnet.homes import export_chain, import_chain, reset_chain
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.store import open_store
from r3mes_ray.settings import Settings


@pytest.fixture
def home(lab, tmp_path: Path, first_genesis) -> Settings:
    """A home with a chain in which a whole round ran."""
    settings = Settings(home=tmp_path / "home")
    path = genesis_path(settings)
    path.parent.mkdir(parents=True)
    path.write_bytes(canonical(first_genesis))
    lab.node.store.close()
    lab.node = ChainNode(first_genesis, open_store(path.parent / "chain.sqlite", first_genesis))
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    lab.node.store.close()
    return settings


def _head(settings: Settings):
    store = open_store(genesis_path(settings).parent / "chain.sqlite", read_genesis(genesis_path(settings)))
    store.close()
    return store.head


def test_chain_exported_and_imported_is_the_same_to_the_last_hash(home: Settings, tmp_path: Path) -> None:
    file = tmp_path / "chain.jsonl"
    moved = export_chain(home, file)
    other = Settings(home=tmp_path / "other")
    again = import_chain(other, file)
    assert (moved.chain_id, moved.height) == (again.chain_id, again.height)
    assert _head(other) == _head(home)
    assert list((tmp_path / "other" / "chain").glob("import*")) == []


@pytest.mark.parametrize("change", ["tx", "hash", "gap", "cut", "header", "nonsense"])
def test_chain_import_of_a_changed_file_is_refused(home: Settings, tmp_path: Path, change: str) -> None:
    file = tmp_path / "chain.jsonl"
    export_chain(home, file)
    lines = file.read_bytes().splitlines(keepends=True)
    match change:
        case "tx":
            index = next(i for i, line in enumerate(lines) if b'"txs":["' in line)
            lines[index] = lines[index].replace(b'"txs":["0a', b'"txs":["0b')
        case "hash":
            lines[2] = lines[2].replace(lines[2][-12:-3], b"000000000")
        case "gap":
            del lines[3]
        case "cut":
            lines[-1] = lines[-1][:-5]
        case "header":
            lines[0] = lines[0].replace(b"chain/1", b"chain/9")
        case _:
            lines = [b"\xff\n"]
    file.write_bytes(b"".join(lines))
    other = Settings(home=tmp_path / "other")
    with pytest.raises(ChainCorrupt):
        import_chain(other, file)
    assert not genesis_path(other).exists()


def test_chain_import_into_a_home_with_a_chain_is_refused(home: Settings, tmp_path: Path) -> None:
    file = tmp_path / "chain.jsonl"
    export_chain(home, file)
    with pytest.raises(ConfigError, match="has a chain already"):
        import_chain(home, file)
    with pytest.raises(ConfigError, match="exists"):
        export_chain(home, file)


def test_chain_reset_begins_anew_under_another_id(home: Settings) -> None:
    before = read_genesis(genesis_path(home))
    moved = reset_chain(home, None)
    after = read_genesis(genesis_path(home))
    assert (before.chain_id, after.chain_id) == ("remes-test", "remes-test-2")
    assert (after.balances, after.parameters) == (before.balances, before.parameters)
    assert (moved.path / "chain.sqlite").exists()
    assert _head(home).height == 0
    assert reset_chain(home, None).chain_id == "remes-test-3"


def test_chain_reset_to_the_same_id_is_refused(home: Settings) -> None:
    with pytest.raises(ConfigError, match="replayed"):
        reset_chain(home, "remes-test")


def test_chain_commands_without_a_chain_say_so(tmp_path: Path) -> None:
    empty = Settings(home=tmp_path)
    with pytest.raises(ConfigError, match="has no chain"):
        export_chain(empty, tmp_path / "x")
    with pytest.raises(ConfigError, match="has no chain"):
        reset_chain(empty, None)
