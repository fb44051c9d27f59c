"""Every choice of part and every limit, as frozen data that is resolved once.

`Settings()` runs offline on a laptop. The same schema is read from a YAML file (`--config FILE`, or `config.yaml` in the
home), from `args:` in `cluster/serve.yaml`, and built in a notebook. Unknown keys fail. Secrets are never in it: a
setting holds the name of an environment variable or of a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.errors import ConfigError


class Section(BaseModel):
    """A frozen group of settings that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ChainSettings(Section):
    """How this node reaches and signs for its chain."""

    grpc_address: str = "127.0.0.1:9090"
    """host:port of the node's gRPC server."""
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
    max_connections: int = Field(64, ge=1)
    """Connections at a time; more are answered with 503."""
    token_env: str | None = None
    """Environment variable that holds the bearer token which callers must send; none serves everybody."""


class ModelSettings(Section):
    """The base model."""

    path: str = "tiny"
    """Folder of a BitNet model, `tiny` for the shipped one, or a CID of a model folder."""
    threads: int = Field(0, ge=0)
    """CPU threads of one process that computes; 0 leaves it to torch."""


class RoutingSettings(Section):
    """How a question finds its expert."""

    embedder: Literal["auto", "minilm", "hashing"] = "auto"
    """`auto` takes MiniLM where its files are installed, else the hashing embedder."""
    min_score: float = Field(0.25, ge=-1.0, le=1.0)
    """Below this fused score the base model answers."""
    keyword_weight: float = Field(0.5, ge=0.0, le=1.0)
    """Share of the keyword rules in the fused score; the rest is similarity."""


class RetrievalSettings(Section):
    """Passages for the prompt."""

    enabled: bool = True
    """Whether passages are retrieved at all."""
    documents: Path | None = None
    """Folder of .txt and .md files; default: the shipped ones."""
    passages: int = Field(2, ge=1, le=20)
    """How many passages enter a prompt."""
    chunk_chars: int = Field(400, ge=100)
    """Length of a chunk, in characters."""
    min_score: float = Field(0.2, ge=-1.0, le=1.0)
    """Passages less similar than this are left out."""


class ServingSettings(Section):
    """The serving half."""

    host: str = "127.0.0.1"
    """Address of the HTTP gateway."""
    port: int = Field(8000, ge=0, le=65535)
    """Port of the HTTP gateway."""
    replicas: int = Field(1, ge=1)
    """Engine replicas to start with."""
    max_replicas: int = Field(1, ge=1)
    """Engine replicas that autoscaling may reach."""
    engine: Literal["transformers", "vllm"] = "transformers"
    """Inference backend."""
    vram_capacity_mb: int = Field(256, ge=1)
    """Bytes for adapters beside the engine's weights (its device), in MB."""
    ram_capacity_mb: int = Field(512, ge=1)
    """Bytes for decoded adapters in main memory, in MB."""
    max_running_requests: int = Field(8, ge=1)
    """Requests that one engine replica decodes at a time."""
    max_queued_requests: int = Field(64, ge=1)
    """Requests that may wait for one engine replica; more are refused with 429."""
    request_timeout_s: float = Field(60.0, gt=0)
    """Longest time for one answer."""
    follow_interval_s: float = Field(1.0, gt=0)
    """How often the chain is asked for new versions."""
    experts: tuple[str, ...] = ()
    """Experts that are served; empty means all on chain."""
    routing: RoutingSettings = RoutingSettings()
    """How a question finds its expert."""
    retrieval: RetrievalSettings = RetrievalSettings()
    """Passages for the prompt."""


class MiningSettings(Section):
    """How a miner trains one update."""

    rank: int = Field(8, ge=1, le=256)
    """Rank r of the adapter."""
    alpha: int = Field(16, ge=1)
    """lora_alpha; the scale is alpha / r."""
    learning_rate: float = Field(3e-3, gt=0)
    """Peak learning rate of AdamW."""
    batch: int = Field(8, ge=1)
    """Windows in one step."""
    window_tokens: int = Field(128, ge=8)
    """Tokens in one window."""
    steps: int = Field(150, ge=1)
    """Optimiser steps."""
    max_seconds: float = Field(600.0, gt=0)
    """Training ends here even when steps are left."""
    wait_for_round_s: float = Field(3600.0, gt=0)
    """How long a trained update waits for a round that takes it."""


class TrainingSettings(Section):
    """The training half."""

    mining: MiningSettings = MiningSettings()
    """How a miner trains one update."""
    target_rank: int = Field(16, ge=1, le=256)
    """Rank of a published aggregate."""
    min_updates: int = Field(2, ge=1)
    """Fewer valid updates end the round without an aggregate."""
    fetch_concurrency: int = Field(8, ge=1)
    """Updates that are downloaded at a time."""
    fetch_timeout_s: float = Field(30.0, gt=0)
    """Longest time for one update without progress."""
    max_update_bytes: int = Field(256 * 2**20, ge=1)
    """Largest update that is accepted."""


class RaySettings(Section):
    """The Ray cluster."""

    address: str | None = None
    """Cluster to join; none starts one on this machine."""
    num_cpus: int | None = Field(None, ge=1)
    """Logical CPUs of the cluster that is started; none counts the machine's."""
    dashboard_port: int = Field(8265, ge=1, le=65535)
    """Port of Ray's dashboard."""
    object_store_mb: int = Field(1024, ge=128)
    """Shared memory for objects of the cluster that is started."""


class Settings(Section):
    """Everything one node needs to know."""

    home: Path = Path("~/.r3mes").expanduser()
    """Folder of this node's state."""
    chain: ChainSettings = ChainSettings()
    localnet: LocalnetSettings = LocalnetSettings()
    keyring: KeyringSettings = KeyringSettings()
    content: ContentSettings = DiskContent()
    content_server: ContentServerSettings = ContentServerSettings()
    model: ModelSettings = ModelSettings()
    serving: ServingSettings = ServingSettings()
    training: TrainingSettings = TrainingSettings()
    ray: RaySettings = RaySettings()

    @property
    def content_path(self) -> Path:
        """Folder of the embedded block store."""
        chosen = self.content.path if isinstance(self.content, DiskContent) else None
        return chosen or self.home / "content"


def load_settings(home: Path | None, config: Path | None) -> Settings:
    """Resolve settings: defaults, then `config` (or `<home>/config.yaml` where it exists), then `home`.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or has an unknown key or a wrong value.
    """
    root = (home or Settings().home).expanduser().absolute()
    path = config or root / "config.yaml"
    data: dict[str, Any] = {}
    if config is not None or path.exists():
        try:
            loaded = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(str(path), f"cannot be read as YAML: {error}") from error
        if not isinstance(loaded, dict | None):
            raise ConfigError(str(path), "expected a mapping of settings")
        data = loaded or {}
    if home is not None or "home" not in data:
        data["home"] = root
    return parse_settings(data)


def parse_settings(data: dict[str, Any]) -> Settings:
    """Check a mapping against the schema.

    Raises:
        ConfigError: names the first field that is wrong.
    """
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(".".join(str(part) for part in first["loc"]), first["msg"]) from error
