"""Blocks and transactions as CometBFT's JSON has them: 64-bit numbers as text, hashes in hex, bytes in base64."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from r3mes_ray.localnet.blocks import Block, Executed
from r3mes_ray.localnet.context import timestamp
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.results import abci_events
from r3mes_ray.localnet.store import StoredTx
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxResponse
from r3mes_ray.wire.tendermint.abci.types_pb2 import Event

Json = Mapping[str, Any]

COMET_VERSION = "0.38.17"
"""Version of CometBFT whose JSON this is; clients choose their decoder by it."""
_BLOCK_PROTOCOL = "11"
NO_RESULT: Json = {
    "code": 0,
    "data": None,
    "log": "",
    "gas_wanted": "0",
    "gas_used": "0",
    "events": [],
    "codespace": "",
}
"""The result of a transaction that was not run."""


def upper(data: bytes) -> str:
    """Hex as CometBFT writes hashes."""
    return data.hex().upper()


def b64(data: bytes) -> str:
    """Base64 text."""
    return base64.b64encode(data).decode()


def time_text(time_ns: int) -> str:
    """RFC 3339 with nanoseconds."""
    return timestamp(time_ns).ToJsonString()


def status(node: ChainNode, address: str) -> Json:
    """Who this node is and where its chain stands."""
    head, first = node.store.head, node.store.block(min(1, node.height)) or node.store.head
    return {
        "node_info": {
            "protocol_version": {"p2p": "8", "block": _BLOCK_PROTOCOL, "app": "0"},
            "id": _node_id(node).lower(),
            "listen_addr": f"tcp://{address}",
            "network": node.chain.chain_id,
            "version": COMET_VERSION,
            "channels": "",
            "moniker": f"r3mes-ray {version('r3mes-ray')}",
            "other": {"tx_index": "on", "rpc_address": f"tcp://{address}"},
        },
        "sync_info": {
            "latest_block_hash": upper(head.block_hash),
            "latest_app_hash": upper(head.app_hash),
            "latest_block_height": str(head.height),
            "latest_block_time": time_text(head.time_ns),
            "earliest_block_hash": upper(first.block_hash),
            "earliest_app_hash": upper(first.app_hash),
            "earliest_block_height": str(first.height),
            "earliest_block_time": time_text(first.time_ns),
            "catching_up": False,
        },
        "validator_info": {
            "address": _node_id(node),
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": b64(bytes(32))},
            "voting_power": "0",
        },
    }


def block(node: ChainNode, found: Block) -> Json:
    """One block; the header's app hash and results hash are those before its transactions."""
    before = node.store.block(found.height - 1)
    header = {
        "version": {"block": _BLOCK_PROTOCOL, "app": "0"},
        "chain_id": node.chain.chain_id,
        "height": str(found.height),
        "time": time_text(found.time_ns),
        "last_block_id": _block_id(found.parent_hash),
        "last_commit_hash": "",
        "data_hash": upper(found.data_hash),
        "validators_hash": "",
        "next_validators_hash": "",
        "consensus_hash": "",
        "app_hash": upper((before or found).app_hash),
        "last_results_hash": upper(before.results_hash) if before else "",
        "evidence_hash": "",
        "proposer_address": _node_id(node),
    }
    commit = {"height": str(max(0, found.height - 1)), "round": 0, "block_id": _block_id(b""), "signatures": []}
    return {
        "block_id": _block_id(found.block_hash),
        "block": {
            "header": header,
            "data": {"txs": [b64(tx.raw) for tx in node.store.txs(found.height)]},
            "evidence": {"evidence": []},
            "last_commit": commit,
        },
    }


def tx(found: StoredTx, position: int) -> Json:
    """One included transaction with its result."""
    return {
        "hash": found.response.txhash,
        "height": str(found.response.height),
        "index": position,
        "tx_result": tx_result(found.response),
        "tx": b64(found.raw),
    }


def tx_event(found: StoredTx, position: int) -> Json:
    """The same, as a subscription is told of it."""
    result = tx_result(found.response)
    return {"height": str(found.response.height), "index": position, "tx": b64(found.raw), "result": result}


def attributes(response: TxResponse) -> dict[str, list[str]]:
    """The values of each `type.key` among a transaction's events."""
    return _by_name(response.events)


def block_attributes(executed: Executed) -> dict[str, list[str]]:
    """The values of each `type.key` among a block's own events."""
    return _by_name(abci_events(executed.events))


def tx_tags(response: TxResponse) -> Json:
    """What CometBFT adds to a transaction's attributes."""
    return {"tx.hash": [response.txhash], "tx.height": [str(response.height)]}


def tx_result(response: TxResponse) -> Json:
    """What a transaction came to."""
    return {
        "code": response.code,
        "data": b64(bytes.fromhex(response.data)),
        "log": response.raw_log,
        "info": "",
        "gas_wanted": str(response.gas_wanted),
        "gas_used": str(response.gas_used),
        "events": events(response.events),
        "codespace": response.codespace,
    }


def events(found: Iterable[Event]) -> list[Json]:
    """Events; keys and values are text since CometBFT 0.37."""
    return [
        {
            "type": event.type,
            "attributes": [{"key": a.key, "value": a.value, "index": a.index} for a in event.attributes],
        }
        for event in found
    ]


def _by_name(found: Iterable[Event]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for event in found:
        for entry in event.attributes:
            values.setdefault(f"{event.type}.{entry.key}", []).append(entry.value)
    return values


def _block_id(block_hash: bytes) -> Json:
    """A block is one part here; decoders of CometBFT refuse none."""
    return {"hash": upper(block_hash), "parts": {"total": int(bool(block_hash)), "hash": upper(block_hash)}}


def _node_id(node: ChainNode) -> str:
    """The one producer of blocks has no key: its id follows from the chain's."""
    return upper(hashlib.sha256(node.chain.chain_id.encode()).digest()[:20])
