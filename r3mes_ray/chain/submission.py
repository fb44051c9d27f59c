"""The message with which a miner submits an update."""

from __future__ import annotations

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.protocol.cid import parse_cid_v1
from r3mes_ray.protocol.gradient_hash import check_gradient_hash
from r3mes_ray.protocol.submission import Submission, find_work, message_hash
from r3mes_ray.types import Cid, RoundId
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgSubmitGradient


def build_submit_gradient(
    key: PrivateKey,
    chain_id: str,
    *,
    cid: Cid,
    gradient_hash: str,
    model_version: str,
    round_id: RoundId,
    nonce: int,
    claimed_loss: str = "",
    proof_of_work_bits: int = 0,
    gpu_architecture: str = "",
    token_count: int = 0,
    prefix: str = "remes",
) -> MsgSubmitGradient:
    """Sign an update for one chain and do its proof of work (about 2^bits hashes).

    Args:
        key: the miner's.
        chain_id: the chain that the signature counts on.
        cid: the update package, canonical CIDv1.
        gradient_hash: 64 hex digits; see `protocol.gradient_hash`.
        model_version: `<base>/<expert>@<start version>` of the round.
        round_id: the open round.
        nonce: greater than 0; the chain takes each one of a miner once.
        claimed_loss: the loss after training, as decimal text.
        proof_of_work_bits: leading zero bits that the chain's parameters ask for.
        gpu_architecture: free text in rule set v2; empty on a CPU.
        token_count: tokens of the last batch, 0 for "not said".
        prefix: of the chain's addresses.

    Raises:
        InvalidInput: a CID or hash that is not in canonical text, or a text that contains `|`.
    """
    parse_cid_v1(cid)
    check_gradient_hash(gradient_hash)
    miner = key.address(prefix)
    hashed = message_hash(
        Submission(chain_id, miner, cid, model_version, round_id, 0, gradient_hash, gpu_architecture, nonce)
    )
    return MsgSubmitGradient(
        miner=miner,
        ipfs_hash=cid,
        model_version=model_version,
        training_round_id=round_id,
        gradient_hash=gradient_hash,
        gpu_architecture=gpu_architecture,
        nonce=nonce,
        signature=key.sign(hashed),
        proof_of_work_nonce=find_work(hashed, proof_of_work_bits),
        claimed_loss=claimed_loss,
        token_count=token_count,
    )
