"""The account of a faucet: a key of the home's keyring, with coins at genesis, that signs ordinary sends."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from r3mes_ray.chain.keyring import Keyring, passphrase
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.records import Coin
from r3mes_ray.chain.tx import Signer, Terms, coin_messages, sign_tx
from r3mes_ray.localnet import ledger
from r3mes_ray.localnet.genesis import Genesis, parameters_of
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend

_GAS = 100_000
"""A send costs about a third of it; fees are for the whole limit."""
_TIMEOUT_BLOCKS = 120
_SECRET_BYTES = 32


def faucet_key(settings: Settings) -> PrivateKey | None:
    """The faucet's key, made where the keyring does not have it; `None` where no faucet is asked for.

    Raises:
        ConfigError: there is no passphrase for the keyring.
        WrongPassphrase: it is not that of the key.
    """
    if settings.localnet.faucet_amount is None:
        return None
    keyring, name = Keyring.open(settings), settings.localnet.faucet_key
    if name not in keyring.names():
        keyring.save(name, PrivateKey(secrets.token_bytes(_SECRET_BYTES)), passphrase(settings))
    return keyring.load(name, passphrase(settings))


def faucet_funds(settings: Settings, key: PrivateKey | None, stored: Genesis | None) -> dict[str, int]:
    """What the faucet has in the genesis that settings ask for: a chain that is there keeps what it began with."""
    if stored is None:
        return {} if key is None else {key.address(settings.chain.bech32_prefix): settings.localnet.faucet_funds}
    keyring, name = Keyring.open(settings), settings.localnet.faucet_key
    if name not in keyring.names():
        return {}
    own = keyring.address(name, settings.chain.bech32_prefix)
    return {entry.address: entry.amount for entry in stored.balances if entry.address == own}


class FaucetAccount:
    """Pays `amount` at a time from one key. For the node's thread; nothing else may sign with the key meanwhile."""

    def __init__(self, node: ChainNode, key: PrivateKey, amount: int, wake: Callable[[], None]) -> None:
        self.node, self.amount = node, amount
        self._key, self._wake = key, wake

    @property
    def address(self) -> Address:
        """The account."""
        return self._key.address(self.node.chain.prefix)

    @property
    def balance(self) -> int:
        """What it has, in the base denomination."""
        owner = parse_address(self.address, self.node.chain.prefix)
        return ledger.balance(self.node.store, owner, self.node.chain.denom)

    def pay(self, recipient: Address) -> bytes:
        """Hand one signed send to the node, and return its bytes; it waits for the next block.

        Raises:
            Refused: the node does not take it, such as for too little funds.
        """
        denom = self.node.chain.denom
        message = MsgSend(
            from_address=self.address, to_address=recipient, amount=coin_messages([Coin(self.amount, denom)])
        )
        fee = parameters_of(self.node.store).fee_for(_GAS)
        terms = Terms(_GAS, (Coin(fee, denom),) if fee else (), "faucet", self.node.height + _TIMEOUT_BLOCKS)
        number, sequence = self.node.next_sequence(parse_address(self.address, self.node.chain.prefix))
        raw = sign_tx(self._key, [message], Signer(self.node.chain.chain_id, number, sequence), terms).raw
        self.node.simulate(raw)
        self.node.add(raw)
        self._wake()
        return raw
