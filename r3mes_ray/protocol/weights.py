"""What an update weighs, from the chain's record of its miner alone; what a miner says of itself has no part in it.

    weight = clamp(trust, 250, 1000) · (STAKE + min(stake, STAKE))

Trust is in thousandths (a new miner has 500), stake in the base denomination; both are the chain's at the round's
weight height. All integers, so that every node has the same number; it stays below 2⁵³, and is exact as a float too.
A weight lies between 1/8 of the largest possible one and that one; a rule caps shares once more (`weight_cap`).
"""

from __future__ import annotations

STAKE = 10_000_000
"""Stake that doubles a weight; more adds nothing."""
LEAST_TRUST, MOST_TRUST = 250, 1000


def weight_of(trust: int, stake: int) -> int:
    """The weight of a miner's update.

    Args:
        trust: in thousandths.
        stake: what works for the miner, without what is on its way out.
    """
    return min(max(trust, LEAST_TRUST), MOST_TRUST) * (STAKE + min(max(stake, 0), STAKE))
