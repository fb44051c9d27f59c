"""What the end of a block does is told: in `block_results`, by `block_search`, and after a restart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.methods import METHODS
from r3mes_ray.localnet.store import open_store


def _results(lab, height: int) -> dict[str, dict[str, str]]:
    told = METHODS["block_results"](lab.node, Arguments({"height": str(height)}))["finalize_block_events"]
    return {event["type"]: {entry["key"]: entry["value"] for entry in event["attributes"]} for event in told}


def _search(lab, query: str, **more: object) -> list[int]:
    answer = METHODS["block_search"](lab.node, Arguments({"query": query, **more}))
    found = [int(block["block"]["header"]["height"]) for block in answer["blocks"]]
    assert int(answer["total_count"]) >= len(found)
    return found


def test_expiry_and_slash_are_told_in_the_block_of_the_deadline(lab) -> None:
    found = lab.with_commitment()
    lab.to_height(found.reveal_end)
    told = _results(lab, found.reveal_end)
    assert told["commitment_expired"]["commitment_id"] == "0"
    assert told["node_slash"] == {
        "node_address": lab.address(lab.alice),
        "amount": "1000000uremes",
        "reason": "unrevealed:0",
    }
    assert told["round_failed"]["reason"] == "no commitment was revealed"
    assert _results(lab, found.reveal_end - 1) == {}
    assert _search(lab, "node_slash.reason='unrevealed:0'") == [found.reveal_end]


def test_finalisation_by_the_chain_is_told_and_found(lab) -> None:
    found = lab.with_commitment()
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end + 5)
    end = found.challenge_end + 4
    assert _results(lab, end)["aggregation_finalized"]["expert"] == "python"
    assert _search(lab, "aggregation_finalized.expert='python'") == [end]
    assert _search(lab, f"aggregation_finalized.expert='python' AND block.height>{end}") == []
    assert _search(lab, f"block.height>={end}", order_by="desc", per_page="1") == [end + 1]
    with pytest.raises(InvalidInput):
        _search(lab, "nonsense")


def test_events_of_transactions_are_not_events_of_their_block(lab) -> None:
    sent = lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    query = f"message.sender='{lab.address(lab.alice)}'"
    assert _search(lab, query) == []
    assert METHODS["tx_search"](lab.node, Arguments({"query": query}))["txs"][0]["hash"] == sent.txhash
    assert METHODS["tx_search"](lab.node, Arguments({"query": "migrated.version='2'"}))["total_count"] == "0"


def test_events_survive_in_the_database_and_an_older_one_gets_their_table(lab, tmp_path: Path, first_genesis) -> None:
    found = lab.with_commitment()
    lab.to_height(found.reveal_end)
    path = tmp_path / "chain.sqlite"
    copy = sqlite3.connect(path, isolation_level=None)
    lab.node.store._db.backup(copy)
    store = open_store(path, first_genesis)
    assert store.block_events(found.reveal_end) == lab.node.store.block_events(found.reveal_end)
    store.close()
    copy.execute("DROP TABLE block_events")
    copy.execute("PRAGMA user_version = 1")
    copy.close()
    store = open_store(path, first_genesis)
    assert (store.head, store.block_events(found.reveal_end)) == (lab.node.store.head, ())
    store.close()
