"""TLS of the servers: a certificate and its key, read once."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from r3mes_ray.errors import ConfigError
from r3mes_ray.settings import LocalnetSettings


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM; the certificate comes with its chain."""

    certificate: Path
    key: Path

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The same for a gRPC server."""
        return grpc.ssl_server_credentials([(self.key.read_bytes(), self.certificate.read_bytes())])


def open_tls(local: LocalnetSettings) -> Tls | None:
    """The files of the settings, or `None` for servers that speak plainly.

    Raises:
        ConfigError: one is missing, cannot be read, or they do not belong together.
    """
    match local.tls_certificate, local.tls_key:
        case None, None:
            return None
        case Path() as certificate, Path() as key:
            try:
                ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
            except OSError as error:
                raise ConfigError("localnet.tls_certificate", f"{certificate} and {key}: {error}") from error
            return Tls(certificate, key)
        case _:
            raise ConfigError("localnet.tls_certificate", "it goes with localnet.tls_key; give both or neither")
