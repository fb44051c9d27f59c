"""What was: ranges of blocks, and the genesis, as CometBFT's JSON has them."""

from __future__ import annotations

from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.blocks import Block
from r3mes_ray.localnet.machine import time_ns_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries.consensus import consensus_params
from r3mes_ray.localnet.rpc import render
from r3mes_ray.localnet.rpc.arguments import Arguments
from r3mes_ray.localnet.rpc.render import Json

MAX_BLOCKS = 20


def blockchain(node: ChainNode, arguments: Arguments) -> Json:
    """Headers of at most 20 blocks from `minHeight` to `maxHeight`, newest first; by default the last ones.

    Raises:
        InvalidInput: the range is empty.
    """
    high = min(arguments.number("maxHeight", 0) or node.height, node.height)
    low = max(arguments.number("minHeight", 1), 1, high - MAX_BLOCKS + 1)
    if low > high:
        raise InvalidInput("minHeight", f"min height {low} can't be greater than max height {high}")
    found = [node.store.block(height) for height in range(high, low - 1, -1)]
    return {"last_height": str(node.height), "block_metas": [_meta(node, entry) for entry in found if entry]}


def genesis(node: ChainNode, arguments: Arguments) -> Json:
    """What the chain began with."""
    document = node.genesis
    limits = consensus_params(node).block
    return {
        "genesis": {
            "genesis_time": render.time_text(time_ns_of(document)),
            "chain_id": document.chain_id,
            "initial_height": "1",
            "consensus_params": {
                "block": {"max_bytes": str(limits.max_bytes), "max_gas": str(limits.max_gas)},
                "evidence": {"max_age_num_blocks": "1", "max_age_duration": "1", "max_bytes": "0"},
                "validator": {"pub_key_types": ["ed25519"]},
                "version": {"app": "0"},
            },
            "validators": [],
            "app_hash": "",
            "app_state": document.model_dump(mode="json", exclude={"time", "chain_id"}),
        }
    }


def _meta(node: ChainNode, found: Block) -> Json:
    whole = render.block(node, found)
    raws = [stored.raw for stored in node.store.txs(found.height)]
    return {
        "block_id": whole["block_id"],
        "block_size": str(sum(map(len, raws))),
        "header": whole["block"]["header"],
        "num_txs": str(len(raws)),
    }
