"""What weighs the updates of a round: the chain's own record of their miners, written down once."""

from __future__ import annotations

from collections.abc import Sequence

from r3mes_ray.localnet import stakes
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.records import MINERS, ROUND_WEIGHTS, u64
from r3mes_ray.localnet.reputation import trust_of
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin
from r3mes_ray.wire.r3mes.v1.types_pb2 import UpdateWeight
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient


def weigh(ctx: Context, round_id: int, updates: Sequence[StoredGradient]) -> None:
    """Write trust and working stake of each update's miner, as they are at the end of this block.

    Later changes have no part in the round: whoever recomputes its aggregate finds the same numbers.
    """
    for update in updates:
        miner = parse_address(update.miner, ctx.chain.prefix)
        counters = MINERS.get(ctx.state, miner)
        record = UpdateWeight(
            gradient_id=update.id,
            miner=update.miner,
            trust=0 if counters is None else trust_of(counters),
            stake=Coin(denom=ctx.chain.denom, amount=str(max(0, stakes.stake_of(ctx.state, miner)))),
        )
        ROUND_WEIGHTS.put(ctx.state, record, u64(round_id), u64(update.id))
