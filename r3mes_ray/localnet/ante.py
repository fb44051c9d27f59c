"""What every transaction must pass before its messages run; the checks, their order and codes are the SDK's."""

from __future__ import annotations

from enum import Enum

from google.protobuf.message import DecodeError

from r3mes_ray.chain.keys import verify_signature
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import address_of, format_address
from r3mes_ray.localnet.codes import (
    INSUFFICIENT_FEE,
    INVALID_PUBKEY,
    MEMO_TOO_LARGE,
    NO_SIGNATURES,
    NOT_IMPLEMENTED,
    NOT_SUPPORTED,
    OUT_OF_GAS,
    TIMEOUT_HEIGHT,
    TOO_MANY_SIGNATURES,
    TX_TOO_LARGE,
    UNAUTHORIZED,
    UNKNOWN_ADDRESS,
    WRONG_SEQUENCE,
    Refused,
)
from r3mes_ray.localnet.coins import parse_coins
from r3mes_ray.localnet.context import Context
from r3mes_ray.localnet.decode import DecodedTx
from r3mes_ray.localnet.gas import gas_of
from r3mes_ray.localnet.handlers import RULES
from r3mes_ray.localnet.records import ACCOUNTS
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.localnet.signature import check_pubkey
from r3mes_ray.wire.cosmos.auth.v1beta1.auth_pb2 import BaseAccount
from r3mes_ray.wire.cosmos.crypto.secp256k1.keys_pb2 import PubKey
from r3mes_ray.wire.cosmos.tx.signing.v1beta1.signing_pb2 import SIGN_MODE_DIRECT
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import SignDoc, SignerInfo

PUBKEY_URL = "/cosmos.crypto.secp256k1.PubKey"


class Mode(Enum):
    """Why the ante runs.

    REAL checks everything; RECHECKED trusts the signatures that were verified before; SIMULATED asks for the cost only
    and needs neither fee nor signature.
    """

    REAL = "real"
    RECHECKED = "rechecked"
    SIMULATED = "simulated"


def run_ante(ctx: Context, tx: DecodedTx, mode: Mode) -> None:
    """Check a transaction, take its fee and use up its signers' sequences.

    Raises:
        Refused: with the SDK's code; what was written by then must be dropped.
    """
    _check_envelope(ctx, tx)
    if mode is not Mode.SIMULATED:
        _take_fee(ctx, tx)
    _check_signatures(ctx, tx, mode)


def _check_envelope(ctx: Context, tx: DecodedTx) -> None:
    limits = ctx.parameters
    if len(tx.raw) > limits.max_tx_bytes:
        raise Refused(TX_TOO_LARGE, f"{len(tx.raw)} bytes, the limit is {limits.max_tx_bytes}")
    if tx.body.extension_options or tx.body.non_critical_extension_options or tx.auth.HasField("tip"):
        raise Refused(NOT_SUPPORTED, "extension options and tips")
    if not tx.signatures:
        raise Refused(NO_SIGNATURES, "a transaction must be signed")
    if tx.body.timeout_height and ctx.height > tx.body.timeout_height:
        raise Refused(TIMEOUT_HEIGHT, f"block height: {ctx.height}, timeout height: {tx.body.timeout_height}")
    if len(tx.body.memo) > limits.max_memo_chars:
        raise Refused(MEMO_TOO_LARGE, f"maximum number of characters is {limits.max_memo_chars}")
    for message in tx.messages:
        if type_url(message) not in RULES:
            raise Refused(NOT_IMPLEMENTED, f"{type_url(message)} has no rules on this chain yet")


def _take_fee(ctx: Context, tx: DecodedTx) -> None:
    fee = tx.auth.fee
    needed = gas_of(tx)
    if fee.gas_limit < needed:
        raise Refused(OUT_OF_GAS, f"gasWanted: {fee.gas_limit}, gasUsed: {needed}")
    payer = format_address(tx.signers[0], ctx.chain.prefix)
    if fee.granter or fee.payer not in ("", payer):
        raise Refused(NOT_SUPPORTED, "fees are paid by the first signer")
    denom = ctx.chain.denom
    offered = parse_coins(fee.amount)
    required = ctx.parameters.fee_for(fee.gas_limit)
    if offered.get(denom, 0) < required or set(offered) - {denom}:
        paid = ",".join(f"{amount}{name}" for name, amount in offered.items())
        raise Refused(INSUFFICIENT_FEE, f"insufficient fees; got: {paid} required: {required}{denom}")
    if ACCOUNTS.get(ctx.state, tx.signers[0]) is None:
        raise Refused(UNKNOWN_ADDRESS, f"fee payer address: {payer} does not exist")
    if denom in offered:
        ledger.move(ctx, tx.signers[0], ledger.FEE_COLLECTOR, denom, offered[denom])
    ctx.emit("tx", fee=f"{offered.get(denom, 0)}{denom}", fee_payer=payer)


def _check_signatures(ctx: Context, tx: DecodedTx, mode: Mode) -> None:
    infos, count = tx.auth.signer_infos, len(tx.signers)
    if count > ctx.parameters.max_signatures:
        raise Refused(TOO_MANY_SIGNATURES, f"{count} signers, the limit is {ctx.parameters.max_signatures}")
    if len(infos) != count or len(tx.signatures) != count:
        raise Refused(
            UNAUTHORIZED, f"wrong number of signers; expected {count}, got {min(len(infos), len(tx.signatures))}"
        )
    for signer, info, signature in zip(tx.signers, infos, tx.signatures, strict=True):
        account = _account_with_key(ctx, signer, info, mode)
        if info.sequence != account.sequence:
            raise Refused(
                WRONG_SEQUENCE, f"account sequence mismatch, expected {account.sequence}, got {info.sequence}"
            )
        if mode is Mode.REAL:
            _verify(ctx, tx, account, info, signature)
        ctx.emit("tx", acc_seq=f"{account.address}/{account.sequence}")
        account.sequence += 1
        ACCOUNTS.put(ctx.state, account, signer)


def _account_with_key(ctx: Context, signer: bytes, info: SignerInfo, mode: Mode) -> BaseAccount:
    """The signer's account, with the public key that this transaction brings when it has none yet."""
    text = format_address(signer, ctx.chain.prefix)
    account = ACCOUNTS.get(ctx.state, signer)
    if account is None:
        raise Refused(UNKNOWN_ADDRESS, f"account {text} does not exist")
    if info.HasField("public_key"):
        key = _parse_key(info)
        check_pubkey(key)
        if address_of(key, ctx.chain.prefix) != text:
            raise Refused(INVALID_PUBKEY, f"pubKey does not match signer address {text}")
        if not account.HasField("pub_key"):
            account.pub_key.CopyFrom(info.public_key)
    elif mode is not Mode.SIMULATED and not account.HasField("pub_key"):
        raise Refused(INVALID_PUBKEY, f"account {text} has no public key yet; the transaction must bring it")
    return account


def _parse_key(info: SignerInfo) -> bytes:
    if info.public_key.type_url != PUBKEY_URL:
        raise Refused(INVALID_PUBKEY, f"only {PUBKEY_URL} is supported, not {info.public_key.type_url[:80]!r}")
    try:
        return PubKey.FromString(info.public_key.value).key
    except DecodeError as error:
        raise Refused(INVALID_PUBKEY, f"not a public key: {error}") from error


def _verify(ctx: Context, tx: DecodedTx, account: BaseAccount, info: SignerInfo, signature: bytes) -> None:
    if info.mode_info.WhichOneof("sum") != "single" or info.mode_info.single.mode != SIGN_MODE_DIRECT:
        raise Refused(NOT_SUPPORTED, "only SIGN_MODE_DIRECT of a single key")
    document = SignDoc(
        body_bytes=tx.body_bytes,
        auth_info_bytes=tx.auth_bytes,
        chain_id=ctx.chain.chain_id,
        account_number=account.account_number,
    )
    key = PubKey.FromString(account.pub_key.value).key
    if not verify_signature(key, document.SerializeToString(deterministic=True), signature):
        raise Refused(
            UNAUTHORIZED,
            f"signature verification failed; please verify account number ({account.account_number}) "
            f"and chain-id ({ctx.chain.chain_id})",
        )
