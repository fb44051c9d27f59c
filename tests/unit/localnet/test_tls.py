"""TLS of the servers: files that cannot be used are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from r3mes_ray.errors import ConfigError
from r3mes_ray.localnet.tls import open_tls
from r3mes_ray.settings import LocalnetSettings


def test_tls_without_files_is_off() -> None:
    assert open_tls(LocalnetSettings()) is None


@pytest.mark.parametrize(
    "given", [{"tls_key": "key"}, {"tls_certificate": "cert"}, {"tls_certificate": "cert", "tls_key": "no"}]
)
def test_tls_files_that_cannot_be_used_are_refused(tmp_path: Path, given: dict[str, str]) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).write_text("not PEM")
    settings = LocalnetSettings.model_validate({name: tmp_path / file for name, file in given.items()})
    with pytest.raises(ConfigError, match=r"localnet\.tls_certificate"):
        open_tls(settings)
