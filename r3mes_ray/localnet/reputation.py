"""A miner's trust: a score from 0 to 1 in thousandths, and the tier that it gives. No floats."""

from __future__ import annotations

from r3mes_ray.wire.remes.remes.v1.state_pb2 import MiningContribution

_START = 500
_FINALIZED = 10
_TIERS = ((300, "low"), (600, "medium"), (800, "high"))


def new_miner(address: str) -> MiningContribution:
    """The counters of a miner's first update."""
    return MiningContribution(
        miner_address=address, trust_score=_text(_START), reputation_tier="new", fraud_score=_text(0)
    )


def reward_trust(counters: MiningContribution) -> None:
    """Count an update that went into a finalised aggregate."""
    score = min(1000, _thousandths(counters.trust_score) + _FINALIZED)
    counters.successful_submissions += 1
    counters.trust_score = _text(score)
    counters.reputation_tier = next((tier for limit, tier in _TIERS if score < limit), "excellent")


def trust_of(counters: MiningContribution) -> int:
    """The trust score in thousandths."""
    return min(1000, _thousandths(counters.trust_score))


def complete(counters: MiningContribution) -> None:
    """Fill in what the first version of the state did not keep."""
    counters.trust_score = counters.trust_score or _text(_START)
    counters.reputation_tier = counters.reputation_tier or "new"
    counters.fraud_score = counters.fraud_score or _text(0)


def _thousandths(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0")[:3] or 0)


def _text(score: int) -> str:
    return f"{score // 1000}.{score % 1000:03d}"
