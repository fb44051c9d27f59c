"""Settings of the chain, the keys and the content."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from r3mes_ray.settings.section import Section


class ChainSettings(Section):
    """How this node reaches and signs for its chain."""

    grpc_address: str = "127.0.0.1:9090"
    """host:port of the node's gRPC server."""
    grpc_tls: bool = False
    """Whether that server speaks TLS."""
    grpc_tls_ca: Path | None = None
    """PEM file of the authorities that its certificate is checked with; none takes those of the system."""
    chain_id: str = "remes-test"
    """Chain that transactions are signed for; a node of another chain is refused."""
    bech32_prefix: str = "remes"
    """Human-readable part of account addresses."""
    coin_type: int = 118
    """BIP-44 coin type of derived keys (9999 on the predecessor's chain)."""
    denom: str = "uremes"
    """Base denomination of fees and stakes."""
    gas_price: str = "0.025"
    """Fee for one unit of gas, in the base denomination, as a decimal."""
    gas_adjustment: float = Field(1.4, ge=1.0)
    """Factor on simulated gas."""
    request_timeout_s: float = Field(10.0, gt=0)
    """Longest wait for one gRPC call."""
    inclusion_timeout_s: float = Field(60.0, gt=0)
    """Longest wait for a transaction to be in a block."""
    faucet_url: str | None = None
    """Base URL of a faucet of this chain, for `r3mes chain faucet`; none asks the one of this machine."""
    timeout_blocks: int = Field(120, ge=1)
    """Blocks after which a signed transaction is void (its timeout height)."""


class LocalnetSettings(Section):
    """The embedded chain of one process."""

    host: str = "127.0.0.1"
    """Address that its servers listen on."""
    grpc_port: int = Field(9090, ge=0, le=65535)
    """gRPC server; 0 takes a free port."""
    rpc_port: int = Field(26657, ge=0, le=65535)
    """CometBFT JSON-RPC server; 0 takes a free port."""
    rest_port: int | None = Field(None, ge=0, le=65535)
    """REST server (1317 on most chains); 0 takes a free port, none starts none."""
    tls_certificate: Path | None = None
    """PEM file of the servers' certificate and its chain; none speaks plainly."""
    tls_key: Path | None = None
    """PEM file of the certificate's key."""
    block_time_ms: int = Field(1000, ge=10)
    """Milliseconds between blocks while there is work or a deadline."""
    submit_blocks: int = Field(120, ge=1)
    """Default length of a round's submit phase (S)."""
    commit_blocks: int = Field(60, ge=1)
    """Default length of the commit phase (C)."""
    reveal_blocks: int = Field(120, ge=1)
    """Default length of the reveal phase (R); a Ray restart takes up to a minute."""
    challenge_blocks: int = Field(60, ge=1)
    """Default length of the challenge phase (F)."""
    voting_period_s: int = Field(172_800, ge=1)
    """Seconds in which a new chain's proposals are voted on."""
    rule_set: Literal["v2", "v1"] = "v2"
    """Rules of a new chain: ours, or the predecessor's commitment and Merkle tree."""
    faucet_amount: int | None = Field(None, ge=1, lt=2**63)
    """Coins that a faucet pays at a time, in the base denomination; none runs no faucet. For test networks only."""
    faucet_port: int = Field(4500, ge=0, le=65535)
    """HTTP server of the faucet; 0 takes a free port."""
    faucet_funds: int = Field(10**13, ge=0, lt=2**63)
    """What the faucet has at the genesis of a new chain."""
    faucet_key: str = "faucet"
    """Name of the faucet's key in the keyring; it is made where there is none."""
    faucet_interval_s: float = Field(86_400, gt=0)
    """An address is paid once in this time."""
    faucet_per_source: int = Field(5, ge=1)
    """Payments to one IP address (one /64 of IPv6) in that time."""


class KeyringSettings(Section):
    """Where the passphrase of the keyring comes from; never the passphrase itself."""

    passphrase_env: str = "R3MES_KEYRING_PASSPHRASE"
    """Environment variable that holds it; asked first."""
    passphrase_file: Path | None = None
    """File that holds it; asked second; default `<home>/keyring/passphrase` where that exists."""
    key: str = "operator"
    """Name of the key that this node signs with."""


class DiskContent(Section):
    """The embedded block store."""

    kind: Literal["disk"] = "disk"
    path: Path | None = None
    """Folder of the store; default `<home>/content`."""
    max_bytes: int = Field(50 * 2**30, ge=2**20)
    """Size limit; unpinned blocks are dropped first."""
    peers: tuple[str, ...] = ()
    """Base URLs of trustless gateways asked for blocks that are not here."""
    peer_timeout_s: float = Field(10.0, gt=0)
    """Longest time without progress of one peer."""


class KuboContent(Section):
    """An IPFS daemon, over its RPC."""

    kind: Literal["kubo"] = "kubo"
    api_address: str = "/ip4/127.0.0.1/tcp/5001/http"
    """Multiaddr of the daemon's RPC."""
    timeout_s: float = Field(30.0, gt=0)
    """Longest wait for one call."""


class GatewayContent(Section):
    """Trustless gateways, for reading only; every block is verified."""

    kind: Literal["gateway"] = "gateway"
    urls: tuple[str, ...] = ()
    """Base URLs, asked with hedging."""
    timeout_s: float = Field(10.0, gt=0)
    """Longest time without progress."""


ContentSettings = Annotated[DiskContent | KuboContent | GatewayContent, Field(discriminator="kind")]


class ContentServerSettings(Section):
    """The trustless gateway over this node's blocks."""

    host: str = "127.0.0.1"
    """Address that it listens on."""
    port: int = Field(8085, ge=0, le=65535)
    """Its port; 0 takes a free one."""
    public_url: str | None = None
    """Base URL under which peers reach it, announced on chain; none announces the address that it listens on."""
    max_connections: int = Field(64, ge=1)
    """Connections at a time; more are answered with 503."""
    token_env: str | None = None
    """Environment variable that holds the bearer token which callers must send; none serves everybody."""
