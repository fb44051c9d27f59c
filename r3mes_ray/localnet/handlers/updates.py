"""Submission of updates by miners."""

from __future__ import annotations

import re

from r3mes_ray.chain.keys import verify_signature
from r3mes_ray.errors import InvalidInput
from r3mes_ray.localnet.addresses import parse_address
from r3mes_ray.localnet.codes import (
    DUPLICATE_GRADIENT,
    INVALID_GPU,
    INVALID_GRADIENT_HASH,
    INVALID_MODEL,
    INVALID_MODEL_VERSION,
    INVALID_NONCE,
    INVALID_PARAMETER,
    INVALID_PROOF_OF_WORK,
    INVALID_SIGNATURE,
    RATE_LIMITED,
    Refused,
)
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.handlers.checks import HARDWARE, check_gradient_hash, checked_cid, round_in
from r3mes_ray.localnet.records import (
    ACCOUNTS,
    MINER_UPDATES,
    MINERS,
    MODELS,
    NONCE_HEADS,
    NONCES,
    RECENT_UPDATES,
    ROUND_UPDATES,
    ROUNDS,
    UPDATES,
    next_id,
    u64,
)
from r3mes_ray.localnet.reputation import new_miner
from r3mes_ray.localnet.rounds import start_version_text
from r3mes_ray.protocol.submission import Submission, has_work, message_hash
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from r3mes_ray.wire.r3mes.v1 import types_pb2
from r3mes_ray.wire.r3mes.v1.types_pb2 import Round
from r3mes_ray.wire.remes.remes.v1.model_pb2 import ENCRYPTION_TYPE_PLAINTEXT
from r3mes_ray.wire.remes.remes.v1.stored_gradient_pb2 import StoredGradient
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgSubmitGradient, MsgSubmitGradientResponse

_LOSS = re.compile(r"(\d{1,12}(\.\d{1,12})?)?")
_TOKENS = 2048
_MAX_CONTAINER_BYTES = 256


def submit_gradient(ctx: Context, message: MsgSubmitGradient) -> MsgSubmitGradientResponse:
    """Take in a miner's one update of a round while the round's submit phase lasts."""
    miner = parse_address(message.miner, ctx.chain.prefix)
    _check_fields(message)
    found = round_in(ctx, message.training_round_id, types_pb2.ROUND_PHASE_SUBMIT, "an update")
    expected = start_version_text(found)
    if message.model_version != expected:
        raise Refused(INVALID_MODEL_VERSION, f"the round trains from {expected}, the update names another version")
    if MINER_UPDATES.get(ctx.state, u64(found.round_id), miner) is not None:
        raise Refused(DUPLICATE_GRADIENT, f"{message.miner} has an update in round {found.round_id}")
    _check_model(ctx, message)
    _check_rate(ctx, message.miner, miner)
    _check_nonce(ctx, message.nonce, miner)
    _check_authorship(ctx, message, miner)
    number = next_id(ctx.state, "update")
    _store(ctx, message, found, miner, number)
    ctx.emit(
        "gradient_submitted",
        miner=message.miner,
        gradient_id=number,
        ipfs_hash=message.ipfs_hash,
        model_version=message.model_version,
        training_round_id=found.round_id,
    )
    return MsgSubmitGradientResponse(stored_gradient_id=number)


def _check_fields(message: MsgSubmitGradient) -> None:
    checked_cid(message.ipfs_hash, "ipfs_hash")
    check_gradient_hash(message.gradient_hash)
    if HARDWARE.fullmatch(message.gpu_architecture) is None:
        raise Refused(
            INVALID_GPU,
            f"{message.gpu_architecture[:80]!r}: expected at most 64 letters, digits and ' ._-'; empty on a CPU",
        )
    if message.token_count not in (0, _TOKENS):
        raise Refused(INVALID_GRADIENT_HASH, f"token_count is {_TOKENS}, or 0 where it is not given")
    if message.shard_id or message.global_seed:
        raise Refused(INVALID_PARAMETER, "shard_id and global_seed must be 0: a round has neither")
    if _LOSS.fullmatch(message.claimed_loss) is None:
        raise Refused(INVALID_PARAMETER, f"claimed_loss {message.claimed_loss[:40]!r} is not a decimal")
    if message.porep_proof_ipfs_hash:
        checked_cid(message.porep_proof_ipfs_hash, "porep_proof_ipfs_hash")
    if max(len(message.container_hash), len(message.container_signature)) > _MAX_CONTAINER_BYTES:
        raise Refused(INVALID_PARAMETER, "container_hash or container_signature is too long")


def _check_model(ctx: Context, message: MsgSubmitGradient) -> None:
    number = message.model_config_id
    model = MODELS.get(ctx.state, u64(number)) if number else None
    if number and (model is None or not model.is_active):
        raise Refused(INVALID_MODEL, f"model_config_id {number} is no active model; 0 stands for none")


def _check_rate(ctx: Context, address: str, miner: bytes) -> None:
    """Count the miner's updates of the last blocks, and forget those before them."""
    since = ctx.height - ctx.parameters.rate_window_blocks
    total = 0
    for key, number in list(RECENT_UPDATES.items(ctx.state, miner)):
        if int.from_bytes(key, "big") > since:
            total += number
        else:
            RECENT_UPDATES.delete(ctx.state, miner, key)
    limit = ctx.parameters.max_updates_per_window
    if total >= limit:
        raise Refused(RATE_LIMITED, f"{address} has {total} updates in {ctx.parameters.rate_window_blocks} blocks")
    now = RECENT_UPDATES.get(ctx.state, miner, u64(ctx.height)) or 0
    RECENT_UPDATES.put(ctx.state, now + 1, miner, u64(ctx.height))


def _check_nonce(ctx: Context, nonce: int, miner: bytes) -> None:
    """Each nonce is used once, and lies in a window around the highest; what is below it is forgotten."""
    head, window = NONCE_HEADS.get(ctx.state, miner) or 0, ctx.parameters.nonce_window
    if not max(0, head - window) < nonce <= head + window:
        raise Refused(INVALID_NONCE, f"nonce {nonce} is outside {max(0, head - window) + 1} to {head + window}")
    if NONCES.get(ctx.state, miner, u64(nonce)) is not None:
        raise Refused(INVALID_NONCE, f"nonce {nonce} was used before")
    if nonce <= head:
        return
    NONCE_HEADS.put(ctx.state, nonce, miner)
    for key, _ in list(NONCES.items(ctx.state, miner)):
        if int.from_bytes(key, "big") > nonce - window:
            break
        NONCES.delete(ctx.state, miner, key)


def _check_authorship(ctx: Context, message: MsgSubmitGradient, miner: bytes) -> None:
    submission = Submission(
        chain_id=ctx.chain.chain_id,
        miner=Address(message.miner),
        cid=checked_cid(message.ipfs_hash, "ipfs_hash"),
        model_version=message.model_version,
        round_id=message.training_round_id,
        shard_id=message.shard_id,
        gradient_hash=message.gradient_hash,
        gpu_architecture=message.gpu_architecture,
        nonce=message.nonce,
    )
    try:
        hashed = message_hash(submission)
    except InvalidInput as error:
        raise Refused(INVALID_PARAMETER, str(error)) from error
    account = ACCOUNTS.get(ctx.state, miner)
    key = PubKey.FromString(account.pub_key.value).key if account is not None else b""
    if not verify_signature(key, hashed, message.signature):
        raise Refused(INVALID_SIGNATURE, "the update's signature is not the miner's over its message hash")
    bits = ctx.parameters.proof_of_work_bits
    if bits and not has_work(hashed, message.proof_of_work_nonce, bits):
        raise Refused(INVALID_PROOF_OF_WORK, f"the chain asks for {bits} leading zero bits")


def _store(ctx: Context, message: MsgSubmitGradient, found: Round, miner: bytes, number: int) -> None:
    update = StoredGradient(
        id=number,
        miner=message.miner,
        ipfs_hash=message.ipfs_hash,
        model_version=message.model_version,
        training_round_id=found.round_id,
        gradient_hash=message.gradient_hash,
        gpu_architecture=message.gpu_architecture,
        submitted_at_height=ctx.height,
        status="pending",
        model_config_id=message.model_config_id,
        encryption_type=ENCRYPTION_TYPE_PLAINTEXT,
        container_hash=message.container_hash,
        container_signature=message.container_signature,
        claimed_loss=message.claimed_loss,
        porep_proof_ipfs_hash=message.porep_proof_ipfs_hash,
    )
    UPDATES.put(ctx.state, update, u64(number))
    ROUND_UPDATES.put(ctx.state, number, u64(found.round_id), u64(number))
    MINER_UPDATES.put(ctx.state, number, u64(found.round_id), miner)
    NONCES.put(ctx.state, number, miner, u64(message.nonce))
    found.gradient_count += 1
    ROUNDS.put(ctx.state, found, u64(found.round_id))
    counters = MINERS.get(ctx.state, miner) or new_miner(message.miner)
    counters.total_submissions += 1
    counters.last_submission_height = ctx.height
    MINERS.put(ctx.state, counters, miner)
