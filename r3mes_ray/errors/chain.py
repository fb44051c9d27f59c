"""Errors of the chain, its keys and its training rounds."""

from __future__ import annotations

from r3mes_ray.errors.base import R3mesError


class ChainError(R3mesError):
    """Something about the chain or a transaction."""


class ChainUnavailable(ChainError, ConnectionError):
    """No node answers at the address."""

    hint = "start one (`r3mes chain start` or `make up`), or point chain.grpc_address at a running node"

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason

    def __str__(self) -> str:
        return f"no chain node answers at {self.address}: {self.reason}"


class ChainMismatch(ChainError, ValueError):
    """The node at the address belongs to another chain."""

    hint = "set chain.chain_id to the chain that you mean; signing for another chain is refused"

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(expected, actual)
        self.expected, self.actual = expected, actual

    def __str__(self) -> str:
        return f"expected chain {self.expected}, but the node is of chain {self.actual}"


class NotOnChain(ChainError, LookupError):
    """The record that was asked for does not exist."""

    def __init__(self, what: str, key: str) -> None:
        super().__init__(what, key)
        self.what, self.key = what, key

    def __str__(self) -> str:
        return f"the chain has no {self.what} {self.key}"


class TxRejected(ChainError):
    """The chain refused a transaction; `(codespace, code)` says why, `height` is 0 when it was never included."""

    def __init__(self, codespace: str, code: int, log: str, tx_hash: str, height: int) -> None:
        super().__init__(codespace, code, log, tx_hash, height)
        self.codespace, self.code, self.log, self.tx_hash, self.height = codespace, code, log, tx_hash, height

    def __str__(self) -> str:
        return f"transaction {self.tx_hash} was refused ({self.codespace} {self.code}): {self.log}"


class TxUnknown(ChainError, TimeoutError):
    """Sent, and neither included nor refused in time: it may still be included."""

    hint = "ask again with `r3mes query tx HASH`; only the same bytes may be sent again"

    def __init__(self, tx_hash: str, waited_s: float) -> None:
        super().__init__(tx_hash, waited_s)
        self.tx_hash, self.waited_s = tx_hash, waited_s

    def __str__(self) -> str:
        return f"transaction {self.tx_hash} is not in a block after {self.waited_s:.0f} s; its outcome is unknown"


class FaucetRefused(ChainError):
    """A faucet of a test network does not pay now; `status` is its HTTP status."""

    hint = "each address and each source is paid at intervals; ask later, or ask whoever runs the network for coins"

    def __init__(self, url: str, status: int, reason: str) -> None:
        super().__init__(url, status, reason)
        self.url, self.status, self.reason = url, status, reason

    def __str__(self) -> str:
        return f"the faucet at {self.url} refused (HTTP {self.status}): {self.reason}"


class GenesisConflict(ChainError, ValueError):
    """A home already has a chain, which began from another genesis."""

    hint = "undo the change of settings, or use another --home for another chain"

    def __init__(self, home: str, difference: str) -> None:
        super().__init__(home, difference)
        self.home, self.difference = home, difference

    def __str__(self) -> str:
        return f"the chain in {self.home} began from another genesis: {self.difference}"


class ChainCorrupt(ChainError, ValueError):
    """The chain's database was changed or torn: it does not hash to its own last block."""

    hint = "restore the file from a backup, or move it away to start a new chain under another chain-id"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"the chain database {self.path} is damaged: {self.reason}"


class ChainWriteFailed(ChainError, OSError):
    """The disk did not take a block; nothing that was told as included is lost."""

    hint = "free space on the disk of the home, or mend it, and start the chain again"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"a block could not be written to {self.path}: {self.reason}"


class KeyringError(R3mesError):
    """Something about the keys on disk."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class KeyNotFound(KeyringError, LookupError):
    """The keyring has no key of that name."""

    hint = "`r3mes keys list` shows the names, `r3mes keys add NAME` makes one"

    def __str__(self) -> str:
        return f"the keyring has no key {self.name!r}"


class KeyExists(KeyringError, ValueError):
    """A key of that name is there already; it was left as it is."""

    hint = "choose another name, or `r3mes keys delete NAME` first"

    def __str__(self) -> str:
        return f"the keyring already has a key {self.name!r}"


class WrongPassphrase(KeyringError, PermissionError):
    """The passphrase does not open the key."""

    hint = "set R3MES_KEYRING_PASSPHRASE, or keyring.passphrase_file, to the passphrase the key was made with"

    def __str__(self) -> str:
        return f"the passphrase does not open key {self.name!r}"


class RoundError(R3mesError):
    """Something about a training round."""


class RoundClosed(RoundError):
    """The phase that an action needs is over, or has not begun."""

    def __init__(self, round_id: int, action: str, reason: str) -> None:
        super().__init__(round_id, action, reason)
        self.round_id, self.action, self.reason = round_id, action, reason

    def __str__(self) -> str:
        return f"round {self.round_id}: cannot {self.action}: {self.reason}"


class TooFewUpdates(RoundError):
    """Fewer valid updates are left than the rule needs."""

    hint = "`r3mes round show` lists why each update was refused; open another round once miners have submitted"

    def __init__(self, round_id: int, accepted: int, needed: int) -> None:
        super().__init__(round_id, accepted, needed)
        self.round_id, self.accepted, self.needed = round_id, accepted, needed

    def __str__(self) -> str:
        return f"round {self.round_id} has {self.accepted} valid updates, its rule needs {self.needed}"


class InvalidAggregate(RoundError):
    """A round's rule and outer step give no adapter, whoever computes them."""

    hint = "nobody can aggregate this round; open another one, with a smaller outer momentum or a robust rule"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the round has no aggregate: {self.reason}"


class WorkLost(RoundError):
    """Workers of the cluster died again and again, and what they were computing with them."""

    hint = "look at the cluster with `ray status`; `r3mes round resume` goes on from the last durable step"

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task, self.reason = task, reason

    def __str__(self) -> str:
        return f"the task {self.task!r} has no result: {self.reason}"


class NotFraud(RoundError, ValueError):
    """A challenge was asked for, but the aggregate is not fraudulent; nothing was sent."""

    hint = "only FRAUD can be challenged: a challenge of an honest aggregate costs its bond"

    def __init__(self, round_id: int, verdict: str, cid: str) -> None:
        super().__init__(round_id, verdict, cid)
        self.round_id, self.verdict, self.cid = round_id, verdict, cid

    def __str__(self) -> str:
        return f"the aggregate {self.cid} of round {self.round_id} is {self.verdict}, so it is not challenged"


class NoRound(RoundError, TimeoutError):
    """No round took the update in time."""

    hint = "a proposer opens one with `r3mes round open`; training.mining.wait_for_round_s makes the wait longer"

    def __init__(self, expert: str, waited_s: float) -> None:
        super().__init__(expert, waited_s)
        self.expert, self.waited_s = expert, waited_s

    def __str__(self) -> str:
        return f"no round of expert {self.expert} took updates for {self.waited_s:g} s"


class RoundBusy(RoundError):
    """Another process works on the round: its journal is locked."""

    hint = "wait until that process ends, or stop it"

    def __init__(self, round_id: int) -> None:
        super().__init__(round_id)
        self.round_id = round_id

    def __str__(self) -> str:
        return f"round {self.round_id} is worked on by another process of this home"


class JournalDamaged(RoundError, ValueError):
    """A round's journal cannot be read in the middle; it may hold a salt, so nothing was changed."""

    hint = "restore the file from a backup; without it a commitment on chain cannot be revealed"

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(path, line, reason)
        self.path, self.line, self.reason = path, line, reason

    def __str__(self) -> str:
        return f"journal {self.path}, line {self.line}: {self.reason}"
