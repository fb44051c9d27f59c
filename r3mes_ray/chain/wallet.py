"""Signing as the user orders it: what an order leaves open is asked of the node, or refused offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from r3mes_ray.chain import queries
from r3mes_ray.chain.base import ChainClient, SignedTx, TxResult
from r3mes_ray.chain.codes import code_of, log_of, wrong_sequence
from r3mes_ray.chain.gas import adjusted, fee_for
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, hash_of, sign_tx, unsigned_tx
from r3mes_ray.errors import ConfigError, InvalidInput, TxRejected
from r3mes_ray.settings import ChainSettings
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as service

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What the user wants of a transaction; `None` leaves it open.

    Attributes:
        gas: the limit; open, it is simulated.
        fees: open, they follow from gas and price.
        timeout_height: open, the settings' number of blocks from now; 0 is for ever.
    """

    gas: int | None = None
    fees: tuple[Coin, ...] | None = None
    memo: str = ""
    timeout_height: int | None = None
    account_number: int | None = None
    sequence: int | None = None


def offline_signer(settings: ChainSettings, order: Order) -> Signer:
    """Whom the signature is for, from the order alone.

    Raises:
        ConfigError: names the option that is missing.
    """
    if order.account_number is None or order.sequence is None:
        raise ConfigError("--offline", "no node is asked, so it needs --account-number and --sequence")
    return Signer(settings.chain_id, order.account_number, order.sequence)


def offline_terms(settings: ChainSettings, order: Order) -> Terms:
    """What the transaction pays, from the order alone; without --timeout-height it counts for ever.

    Raises:
        ConfigError: names the option that is missing.
    """
    if order.gas is None:
        raise ConfigError("--offline", "no node is asked, so it needs --gas with a number")
    return Terms(order.gas, _fees(settings, order, order.gas), order.memo, order.timeout_height or 0)


async def signer_of(client: ChainClient, settings: ChainSettings, order: Order, owner: Address) -> Signer:
    """Whom the signature is for; what is open comes from the account on chain.

    Raises:
        NotOnChain: the account never had coins.
    """
    number, sequence = order.account_number, order.sequence
    if number is None or sequence is None:
        found = await queries.account(client, owner)
        number = found.number if number is None else number
        sequence = found.sequence if sequence is None else sequence
    return Signer(settings.chain_id, number, sequence)


async def terms_of(
    client: ChainClient,
    settings: ChainSettings,
    order: Order,
    messages: Sequence[Message],
    public_key: bytes,
    sequence: int,
) -> Terms:
    """What the transaction pays and until when it counts; open gas is simulated.

    Raises:
        TxRejected: the simulation fails.
    """
    gas = order.gas
    if gas is None:
        gas = await _simulated(client, settings, unsigned_tx(public_key, messages, sequence, order.memo))
    timeout = order.timeout_height
    if timeout is None:
        timeout = (await client.status()).height + settings.timeout_blocks
    return Terms(gas, _fees(settings, order, gas), order.memo, timeout)


async def sign_order(
    client: ChainClient, settings: ChainSettings, key: PrivateKey, messages: Sequence[Message], order: Order
) -> SignedTx:
    """Sign messages by an order. Raises as `signer_of` and `terms_of`."""
    await client.status()
    signer = await signer_of(client, settings, order, key.address(settings.bech32_prefix))
    terms = await terms_of(client, settings, order, messages, key.public_key, signer.sequence)
    return sign_tx(key, messages, signer, terms)


async def send_order(
    client: ChainClient, settings: ChainSettings, key: PrivateKey, messages: Sequence[Message], order: Order
) -> TxResult:
    """Sign and broadcast by an order; a sequence that was left open and is stale by now is read again.

    Raises:
        TxRejected, TxUnknown, ChainUnavailable: as `ChainClient.broadcast`.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return await client.broadcast(await sign_order(client, settings, key, messages, order))
        except TxRejected as error:
            if error.height or order.sequence is not None or not wrong_sequence(error.codespace, error.code):
                raise
    return await client.broadcast(await sign_order(client, settings, key, messages, order))


async def _simulated(client: ChainClient, settings: ChainSettings, raw: bytes) -> int:
    try:
        answer = await queries.ask(client, service.SimulateRequest(tx_bytes=raw), service.SimulateResponse)
    except InvalidInput as error:
        raise TxRejected(*code_of(error.reason), log_of(error.reason), hash_of(raw), 0) from error
    return adjusted(answer.gas_info.gas_used, settings.gas_adjustment)


def _fees(settings: ChainSettings, order: Order, gas: int) -> tuple[Coin, ...]:
    return fee_for(gas, settings.gas_price, settings.denom) if order.fees is None else order.fees
