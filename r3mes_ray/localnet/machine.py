"""The state machine: genesis, transactions and blocks as functions of a state. Equal input gives equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from r3mes_ray.chain.base import Event
from r3mes_ray.errors import ConfigError, InvalidAddress
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.addresses import format_address, parse_address
from r3mes_ray.localnet.ante import Mode, run_ante
from r3mes_ray.localnet.codes import Code, Refused
from r3mes_ray.localnet.context import Context, Identity
from r3mes_ray.localnet.deadlines import end_block
from r3mes_ray.localnet.decode import DecodedTx, decode_tx, signer_of
from r3mes_ray.localnet.gas import gas_of
from r3mes_ray.localnet.genesis import PARAMETERS_KEY, Genesis, canonical
from r3mes_ray.localnet.handlers import RULES
from r3mes_ray.localnet.migrations import migrate
from r3mes_ray.localnet.routes import type_url
from r3mes_ray.localnet.state import EmptyState, Overlay, State
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import TxMsgData

OK = Code("", 0, "")


@dataclass(frozen=True, slots=True)
class TxOutcome:
    """What one transaction came to; `data` is an encoded TxMsgData, `responses` its parts."""

    code: Code
    log: str
    gas_wanted: int
    gas_used: int
    data: bytes = b""
    responses: tuple[AnyMessage, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What one block came to: an outcome for each transaction, the block's own events, and all writes."""

    outcomes: tuple[TxOutcome, ...]
    events: tuple[Event, ...]
    writes: dict[bytes, bytes | None]


def genesis_state(genesis: Genesis) -> dict[bytes, bytes | None]:
    """The writes that make the first state.

    Raises:
        ConfigError: a balance of no address, or of an address that is there twice.
    """
    ctx = Context(identity_of(genesis), Overlay(EmptyState()), 0, time_ns_of(genesis))
    ctx.state.put(PARAMETERS_KEY, canonical(genesis.parameters))
    for module in ledger.GENESIS_MODULES:
        ledger.ensure_account(ctx, module)
    seen = set(ledger.MODULE_ACCOUNTS)
    for entry in genesis.balances:
        try:
            owner = parse_address(entry.address, genesis.bech32_prefix)
        except InvalidAddress as error:
            raise ConfigError("genesis.balances", str(error)) from error
        if owner in seen:
            raise ConfigError("genesis.balances", f"{entry.address} is there twice")
        seen.add(owner)
        ledger.credit_genesis(ctx, owner, entry.amount)
    return ctx.state.writes


def identity_of(genesis: Genesis) -> Identity:
    """What of the genesis every transition sees."""
    return Identity(genesis.chain_id, genesis.bech32_prefix, genesis.denom)


def time_ns_of(genesis: Genesis) -> int:
    """Time of block 0, which has whole seconds, in Unix nanoseconds."""
    return int(genesis.time.timestamp()) * 10**9


def execute_block(chain: Identity, state: State, height: int, time_ns: int, txs: Sequence[bytes]) -> BlockOutcome:
    """Migrate the state where it is an older program's, run the transactions in order, then the deadlines."""
    block = Context(chain, Overlay(state), height, time_ns)
    migrate(block)
    moved, block.events[:] = tuple(block.events), []
    outcomes = tuple(deliver(block, raw) for raw in txs)
    end = block.nested()
    end_block(end, _execute)
    block.absorb(end)
    return BlockOutcome(outcomes, (*moved, *end.events), block.state.writes)


def check(ctx: Context, raw: bytes, mode: Mode = Mode.REAL) -> DecodedTx:
    """Whether a transaction may enter a block: the ante alone, whose writes stay in `ctx`.

    Raises:
        Refused: it may not; `ctx` is as before.
    """
    tx = decode_tx(raw, ctx.chain.prefix)
    attempt = ctx.nested()
    run_ante(attempt, tx, mode)
    ctx.absorb(attempt)
    return tx


def deliver(ctx: Context, raw: bytes) -> TxOutcome:
    """Run a transaction in a block; where it fails, only its fee and its sequences remain."""
    try:
        tx = check(ctx, raw)
    except Refused as refused:
        return TxOutcome(refused.code, str(refused), 0, 0)
    ante_events, gas = tuple(ctx.events), gas_of(tx)
    ctx.events.clear()
    wanted = tx.auth.fee.gas_limit
    try:
        responses, events = _run_messages(ctx, tx)
    except Refused as refused:
        return TxOutcome(refused.code, str(refused), wanted, gas, events=ante_events)
    data = TxMsgData(msg_responses=responses).SerializeToString(deterministic=True)
    return TxOutcome(OK, "", wanted, gas, data, responses, (*ante_events, *events))


def simulate(ctx: Context, raw: bytes) -> TxOutcome:
    """Run a transaction without fee and signature, to learn its gas; the caller drops what it wrote.

    Raises:
        Refused: the ante or a message refuses it.
    """
    tx = decode_tx(raw, ctx.chain.prefix)
    run_ante(ctx, tx, Mode.SIMULATED)
    ctx.events.clear()
    responses, events = _run_messages(ctx, tx)
    data = TxMsgData(msg_responses=responses).SerializeToString(deterministic=True)
    return TxOutcome(OK, "", 0, gas_of(tx), data, responses, events)


def _run_messages(ctx: Context, tx: DecodedTx) -> tuple[tuple[AnyMessage, ...], tuple[Event, ...]]:
    attempt = ctx.nested()
    responses: list[AnyMessage] = []
    events: list[Event] = []
    for index, message in enumerate(tx.messages):
        try:
            responses.append(_packed(RULES[type_url(message)].execute(attempt, message)))
        except Refused as refused:
            raise Refused(
                refused.code, f"failed to execute message; message index: {index}: {refused.detail}"
            ) from None
        sender = format_address(signer_of(message, ctx.chain.prefix), ctx.chain.prefix)
        spoken = [Event("message", (("action", type_url(message)), ("sender", sender))), *attempt.events]
        events += [Event(e.type, (*e.attributes, ("msg_index", str(index)))) for e in spoken]
        attempt.events.clear()
    ctx.state.absorb(attempt.state)
    return tuple(responses), tuple(events)


def _execute(ctx: Context, message: Message) -> object:
    """Run a message of a passed proposal, as the gov account."""
    return RULES[type_url(message)].execute(ctx, message)


def _packed(response: Message) -> AnyMessage:
    return AnyMessage(type_url=type_url(response), value=response.SerializeToString(deterministic=True))
