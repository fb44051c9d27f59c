"""A chain of an older program goes on under this one."""

from __future__ import annotations

from pathlib import Path

from r3mes_ray.localnet.genesis import Genesis, parameters_of
from r3mes_ray.localnet.migrations import NEWEST, version_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.records import MINERS, NONCE_HEADS, VERSION
from r3mes_ray.localnet.store import open_store
from r3mes_ray.protocol.address import parse_address

# Written by the first program: it knew none of the parameters that came later.
OLD_GENESIS = (
    '{"balances":[],"bech32_prefix":"remes","chain_id":"old-1","denom":"uremes","parameters":{"challenge_blocks":60,'
    '"commit_blocks":60,"expert_bond":1000000,"grace_blocks":120,"max_block_bytes":4000000,"max_memo_chars":256,'
    '"max_phase_blocks":1000000,"max_signatures":7,"max_tx_bytes":262144,"min_gas_price":"0.025","min_phase_blocks":2,'
    '"miner_reward":100000000,"proof_of_work_bits":0,"proposer_reward":500000000,"proposer_stake":10000000,'
    '"reveal_blocks":120,"rule_set":"v2","submit_blocks":120,"supply_cap":1000000000000000},'
    '"time":"2026-01-01T00:00:00Z"}'
)
OLD_BLOCK_0 = "4d727d4dd5e4054dc6ca1474b9314f926035a9a37d595b29de6d8b629528536b"


def test_genesis_of_the_first_program_keeps_its_block_0() -> None:
    genesis = Genesis.model_validate_json(OLD_GENESIS)
    store = open_store(Path(":memory:"), genesis)
    assert store.block(0).block_hash.hex() == OLD_BLOCK_0
    store.close()


def test_state_of_version_1_is_migrated_in_its_next_block(lab) -> None:
    lab.with_round()
    lab.ok(lab.bob, lab.update(lab.bob, nonce=7))
    owner, store = parse_address(lab.address(lab.bob), "remes"), lab.node.store
    counters = MINERS.get(store, owner)
    counters.ClearField("trust_score")
    counters.ClearField("reputation_tier")
    for key in (VERSION.prefix, NONCE_HEADS.prefix + owner):
        store._db.execute("DELETE FROM state WHERE key = ?", (key,))
    store._db.execute("UPDATE state SET value = ? WHERE key = ?", (counters.SerializeToString(), MINERS.prefix + owner))
    again = ChainNode(lab.node.genesis, store)
    assert (version_of(store), again.is_busy) == (1, True)
    again.produce(store.head.time_ns + 10**9)
    assert version_of(store) == NEWEST == 2
    assert (MINERS.get(store, owner).trust_score, MINERS.get(store, owner).reputation_tier) == ("0.500", "new")
    assert NONCE_HEADS.get(store, owner) == 7
    assert parameters_of(store) == parameters_of(lab.node.store)


def test_chain_migrates_in_its_first_block_and_writes_all_parameters_down(lab) -> None:
    assert version_of(lab.node.store) == 1
    before = parameters_of(lab.node.store)
    lab.block()
    assert version_of(lab.node.store) == 2
    assert b'"nonce_window":10000' in lab.node.store.get(b"parameters")
    assert parameters_of(lab.node.store) == before
