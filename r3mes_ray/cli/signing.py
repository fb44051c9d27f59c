"""The options of every command that signs, and the four ways that such a command can end.

It sends and waits; with --generate-only it prints the unsigned transaction; with --offline the signed one, and asks no
node.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

import typer
from google.protobuf.message import Message

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.base import TxResult
from r3mes_ray.chain.document import signed_document, unsigned_document
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.chain.tx import Terms, sign_tx
from r3mes_ray.chain.wallet import Order, offline_signer, offline_terms, send_order, signer_of, terms_of
from r3mes_ray.cli.accounts import address_argument
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.passphrases import open_key
from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import ChainSettings, Settings
from r3mes_ray.types import Address


@dataclass(frozen=True, slots=True)
class Signing:
    """The options, as they were typed."""

    from_name: Annotated[str | None, typer.Option("--from", help="Name of the key that signs.")] = None
    gas: Annotated[str, typer.Option(help="Gas limit, or auto to simulate.")] = "auto"
    gas_price: Annotated[str | None, typer.Option(help="Price of one unit of gas, like 0.025uremes.")] = None
    fees: Annotated[str | None, typer.Option(help="Fee, like 5000uremes, instead of gas times price.")] = None
    memo: Annotated[str, typer.Option(help="Text that everybody can read.")] = ""
    timeout_height: Annotated[int | None, typer.Option(min=0, help="Last block that may have it; 0: any.")] = None
    account_number: Annotated[int | None, typer.Option(min=0, help="The account's number on chain.")] = None
    sequence: Annotated[int | None, typer.Option(min=0, help="The account's next sequence.")] = None
    chain_id: Annotated[str | None, typer.Option(help="Chain that it is signed for.")] = None
    generate_only: Annotated[bool, typer.Option("--generate-only", help="Print it unsigned; send nothing.")] = False
    offline: Annotated[bool, typer.Option("--offline", help="Ask no node; print it signed, send nothing.")] = False

    @property
    def settings(self) -> Settings:
        """The settings of this invocation with the options that replace one."""
        settings = current().settings
        given: dict[str, Any] = {}
        if self.gas_price is not None:
            given["gas_price"] = self.gas_price.removesuffix(settings.chain.denom)
        if self.chain_id is not None:
            given["chain_id"] = self.chain_id
        return settings.model_copy(update={"chain": settings.chain.model_copy(update=given)})

    @property
    def order(self) -> Order:
        """What they leave open is decided by the node.

        Raises:
            ConfigError, InvalidInput: one of them cannot be read.
        """
        if self.fees is not None and self.gas_price is not None:
            raise ConfigError("--fees", "they replace --gas-price; give one of the two")
        fees = None if self.fees is None else () if self.fees in ("", "0") else parse_coins(self.fees)
        gas = None if self.gas == "auto" else _gas(self.gas)
        return Order(gas, fees, self.memo, self.timeout_height, self.account_number, self.sequence)

    @property
    def sender(self) -> Address:
        """The account that signs; only with --generate-only it may be an address without a key."""
        return address_argument(self.from_name)


def signing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Signing`; it gets them as its keyword `signing`."""
    own = [p for name, p in inspect.signature(command).parameters.items() if name != "signing"]
    shared = list(inspect.signature(Signing).parameters.values())

    def called(**values: Any) -> None:
        options = Signing(**{parameter.name: values.pop(parameter.name) for parameter in shared})
        command(**values, signing=options)

    hints = {**get_type_hints(command, include_extras=True), **get_type_hints(Signing, include_extras=True)}
    called.__name__, called.__doc__ = command.__name__, command.__doc__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[p.name]) for p in (*own, *shared)]
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def conclude(messages: Sequence[Message], options: Signing, done: str) -> None:
    """Sign and send messages of one account, or print them as the options ask; `done` is what was achieved.

    Raises:
        TxRejected, TxUnknown, ChainUnavailable: as `ChainClient.broadcast`.
    """
    settings, order = options.settings, options.order
    if options.generate_only:
        document = unsigned_document(messages, _generated_terms(settings, messages, options))
        emit(document, _json(document))
    elif options.offline:
        signer, terms = offline_signer(settings.chain, order), offline_terms(settings.chain, order)
        document = signed_document(sign_tx(open_key(options.from_name), messages, signer, terms))
        emit(document, _json(document))
    else:
        key = open_key(options.from_name)

        async def send() -> TxResult:
            return await send_order(open_chain(settings, key), settings.chain, key, messages, order)

        tell(run(send()), done)


def tell(result: TxResult, done: str) -> None:
    """Print what became of an included transaction."""
    record = {"txhash": result.tx_hash, "height": result.height, "code": 0, "gas_used": result.gas_used}
    emit(record, f"{done}\ntransaction {result.tx_hash} is in block {result.height}")


def _generated_terms(settings: Settings, messages: Sequence[Message], options: Signing) -> Terms:
    if options.offline or options.order.gas is not None:
        return offline_terms(settings.chain, options.order)

    async def asked(chain: ChainSettings) -> Terms:
        client, order = open_chain(settings, None), options.order
        signer = await signer_of(client, chain, order, options.sender)
        public_key = Keyring.open(settings).public_key(options.from_name or settings.keyring.key)
        return await terms_of(client, chain, order, messages, public_key, signer.sequence)

    return run(asked(settings.chain))


def _gas(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise ConfigError("--gas", f"{text[:40]!r} is neither auto nor a positive number")
    return int(text)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)
