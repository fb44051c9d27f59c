"""Every choice of part and every limit, as frozen data that is resolved once.

`Settings()` runs offline on a laptop. The same schema is read from a YAML file (`--config FILE`, or `config.yaml` in
the home), from `args:` in `cluster/serve.yaml`, and built in a notebook. Unknown keys fail. Secrets are never in it: a
setting holds the name of an environment variable or of a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from r3mes_ray.errors import ConfigError
from r3mes_ray.settings.network import (
    ChainSettings,
    ContentServerSettings,
    ContentSettings,
    DiskContent,
    GatewayContent,
    KeyringSettings,
    KuboContent,
    LocalnetSettings,
)
from r3mes_ray.settings.section import Section
from r3mes_ray.settings.serving import (
    ModelSettings,
    RetrievalSettings,
    RoutingSettings,
    ServingSettings,
    TransformersEngine,
    VllmEngine,
)
from r3mes_ray.settings.training import MiningSettings, TrainingSettings

__all__ = [
    "ChainSettings",
    "ContentServerSettings",
    "ContentSettings",
    "DiskContent",
    "GatewayContent",
    "KeyringSettings",
    "KuboContent",
    "LocalnetSettings",
    "MiningSettings",
    "ModelSettings",
    "RaySettings",
    "RetrievalSettings",
    "RoutingSettings",
    "Section",
    "ServingSettings",
    "Settings",
    "TrainingSettings",
    "TransformersEngine",
    "VllmEngine",
    "load_settings",
    "parse_settings",
]


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
    content_mirrors: tuple[ContentSettings, ...] = ()
    """Further stores: what is added or pinned goes into each of them too; what `content` lacks is read from them."""
    content_server: ContentServerSettings = ContentServerSettings()
    model: ModelSettings = ModelSettings()
    serving: ServingSettings = ServingSettings()
    training: TrainingSettings = TrainingSettings()
    ray: RaySettings = RaySettings()

    @field_validator("content", mode="before")
    @classmethod
    def _embedded_content(cls, value: Any) -> Any:
        return {"kind": "disk", **value} if isinstance(value, dict) else value

    @field_validator("content_mirrors")
    @classmethod
    def _have_places(cls, mirrors: tuple[ContentSettings, ...]) -> tuple[ContentSettings, ...]:
        if any(isinstance(content, DiskContent) and content.path is None for content in mirrors):
            raise ValueError("a disk store beside the first needs a `path` of its own")
        return mirrors

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
