"""What the rules depend on."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Amount = Annotated[int, Field(ge=0, lt=2**128)]
_Blocks = Annotated[int, Field(ge=1, le=10**9)]
_Seconds = Annotated[int, Field(ge=1, le=10**9)]
_Share = Annotated[int, Field(ge=0, le=10_000)]


class Record(BaseModel):
    """Frozen data that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Parameters(Record):
    """Part of the state, so that governance can change it. Shares are in ten-thousandths."""

    rule_set: Literal["v2", "v1"] = "v2"
    """Which rules hold; never chosen by a message."""
    submit_blocks: _Blocks = 120
    """Default length of a round's submit phase."""
    commit_blocks: _Blocks = 60
    """Default length of the commit phase."""
    reveal_blocks: _Blocks = 120
    """Default length of the reveal phase."""
    challenge_blocks: _Blocks = 60
    """Default length of the challenge phase."""
    grace_blocks: _Blocks = 120
    """Blocks after the challenge phase until the chain finalises by itself."""
    min_phase_blocks: _Blocks = 2
    """Shortest phase that a proposer may ask for."""
    max_phase_blocks: _Blocks = 1_000_000
    """Longest phase that a proposer may ask for."""
    expert_bond: Amount = 1_000_000
    """Smallest bond of an expert."""
    proposer_stake: Amount = 10_000_000
    """Smallest stake of a proposer."""
    validator_stake: Amount = 100_000_000
    """Smallest stake of a validator, who verifies aggregates that are challenged."""
    max_validators: int = Field(100, ge=1, le=10_000)
    """Validators at a time."""
    unbonding_blocks: _Blocks = 600
    """Blocks until stake that is taken out is paid; it can be slashed until then."""
    challenge_bond: Amount = 10_000_000
    """Smallest bond of a challenge."""
    verification_blocks: _Blocks = 60
    """Blocks that verifiers have to answer, for each layer of a challenge."""
    appeal_blocks: _Blocks = 120
    """Blocks in which a slash can be appealed."""
    unrevealed_slash: _Share = 1_000
    """Part of a proposer's stake that an unrevealed commitment costs."""
    fraud_slash: _Share = 5_000
    """Part of a proposer's stake that a proven fraud costs."""
    absent_slash: _Share = 100
    """Part of a validator's stake that a missing verdict costs."""
    miner_reward: Amount = 100_000_000
    """Minted for each accepted update when its round is finalised."""
    proposer_reward: Amount = 500_000_000
    """Minted for the proposer of a finalised aggregate."""
    supply_cap: Amount = 10**15
    """Minting stops here."""
    min_gas_price: Annotated[str, StringConstraints(pattern=r"^\d{1,12}(\.\d{1,18})?$")] = "0.025"
    """Fee for one unit of gas, as a decimal."""
    proof_of_work_bits: int = Field(0, ge=0, le=32)
    """Leading zero bits that an update's proof of work needs; 0 asks for none."""
    nonce_window: int = Field(10_000, ge=1, le=10**9)
    """How far an update's nonce may lie from the highest one that its miner has used."""
    rate_window_blocks: _Blocks = 10
    """Blocks over which a miner's updates are counted."""
    max_updates_per_window: int = Field(10, ge=1, le=10_000)
    """Updates of one miner in that many blocks."""
    inference_blocks: _Blocks = 120
    """Blocks until an unanswered inference request is refunded."""
    dataset_deposit: Amount = 10_000_000
    """Smallest deposit of a proposed dataset."""
    task_blocks: _Blocks = 100_000
    """Blocks until a task pool closes."""
    claim_blocks: _Blocks = 600
    """Blocks that a miner has for a claimed chunk."""
    proposal_deposit: Amount = 10_000_000
    """Deposit from which on a proposal is voted on."""
    deposit_period_s: _Seconds = 172_800
    """Seconds in which a proposal must reach its deposit."""
    voting_period_s: _Seconds = 172_800
    """Seconds in which a proposal or a dataset is voted on."""
    quorum: _Share = 3_340
    """Part of all stake that must vote."""
    threshold: _Share = 5_000
    """Part of the votes without abstentions that must be exceeded by yes."""
    veto_threshold: _Share = 3_340
    """Part of the votes from which on no-with-veto rejects and the deposits are kept."""
    max_tx_bytes: int = Field(262_144, ge=1024, le=4_000_000)
    """Largest transaction."""
    max_block_bytes: int = Field(4_000_000, ge=4096, le=64_000_000)
    """Transactions in one block, in bytes."""
    max_memo_chars: int = Field(256, ge=0, le=65_536)
    """Longest memo."""
    max_signatures: int = Field(7, ge=1, le=100)
    """Signers of one transaction."""

    def fee_for(self, gas: int) -> int:
        """Smallest fee for a gas limit, rounded up."""
        price = Decimal(self.min_gas_price).as_integer_ratio()
        return -(-gas * price[0] // price[1])


AMOUNTS = frozenset(
    (
        "expert_bond",
        "proposer_stake",
        "validator_stake",
        "challenge_bond",
        "miner_reward",
        "proposer_reward",
        "supply_cap",
        "dataset_deposit",
        "proposal_deposit",
    )
)
"""The parameters that are amounts, which the wire has as decimal text: they may need more than 64 bits."""


def share(amount: int, ten_thousandths: int) -> int:
    """A part of an amount, rounded down."""
    return amount * ten_thousandths // 10_000
