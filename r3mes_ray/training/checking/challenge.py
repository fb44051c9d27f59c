"""A challenge of a fraudulent aggregate: evidence into content, then a bond and its CID onto the chain."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient, send
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.content.base import ContentStore
from r3mes_ray.errors import InvalidInput, NotFraud
from r3mes_ray.training.checking.verification import OWN, Checked
from r3mes_ray.types import Address, Cid, RoundId, TxHash
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgChallengeAggregation, MsgChallengeAggregationResponse

EVIDENCE = "evidence.json"
MAX_REASON = 1000
"""Characters of a reason on chain."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge in a block; `evidence` is a folder of `evidence.json` and the recomputed package."""

    challenge_id: int
    aggregation_id: int
    challenger: Address
    bond: str
    evidence: Cid
    reason: str
    tx_hash: TxHash
    height: int


async def challenge_round(
    client: ChainClient, store: ContentStore, round_id: RoundId, checked: Checked, folder: Path
) -> Challenge:
    """Dispute a round's aggregate; `folder` is the one that it was checked in.

    Raises:
        NotFraud: the verdict is EXACT or EQUIVALENT; nothing was sent.
        TxRejected: the chain refuses: the challenge phase is over, a challenge is open, or the bond cannot be paid.
    """
    found = checked.verification
    if found.verdict != "FRAUD":
        raise NotFraud(round_id, found.verdict, found.cid)
    aggregation_id = checked.aggregation.aggregation_id
    evidence = await asyncio.to_thread(write_evidence, round_id, checked, folder)
    cid = await store.add(evidence)
    bond = (await queries.ask(client, ours.QueryParamsRequest(), ours.QueryParamsResponse)).challenge_bond
    message = MsgChallengeAggregation(
        challenger=client.address,
        aggregation_id=aggregation_id,
        reason=found.reason[:MAX_REASON],
        evidence_ipfs_hash=cid,
        bond_amount=[Coin(denom=coin.denom, amount=str(coin.amount)) for coin in parse_coins(bond)],
    )
    result = await send(client, [message])
    answer = result.responses[0]
    if not isinstance(answer, MsgChallengeAggregationResponse):
        raise InvalidInput("challenge", f"the chain answered with {answer.DESCRIPTOR.full_name}")
    return Challenge(
        answer.challenge_id,
        aggregation_id,
        client.address,
        bond,
        cid,
        message.reason,
        result.tx_hash,
        result.height,
    )


def write_evidence(round_id: RoundId, checked: Checked, folder: Path) -> Path:
    """What a verifier needs to see it alike: the verdict in words and numbers, and our own package where there is one.

    It names no time, host or account: who finds the same has the same CID.
    """
    target = folder / "evidence"
    target.mkdir()
    statement = {
        "format": "r3mes/evidence/1",
        "round": round_id,
        "aggregation": checked.aggregation.aggregation_id,
        "verification": asdict(checked.verification),
        "excluded": [] if checked.own is None else [asdict(entry) for entry in checked.own.admission.excluded],
    }
    (target / EVIDENCE).write_text(json.dumps(statement, sort_keys=True, indent=1) + "\n")
    if (folder / OWN).is_dir():
        shutil.copytree(folder / OWN, target / "aggregate")
    return target
