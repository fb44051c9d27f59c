"""Secrets at the terminal: never on a command line, never in a file that others can read."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from r3mes_ray.chain.keyring import Keyring, passphrase
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.cli.context import current
from r3mes_ray.errors import ConfigError, InvalidInput

_MAX_SECRET_CHARS = 4096


def known_passphrase() -> str:
    """The passphrase from environment or file, else asked for at the terminal.

    Raises:
        ConfigError: it is nowhere, and there is no terminal to ask at.
    """
    try:
        return passphrase(current().settings)
    except ConfigError:
        if not sys.stdin.isatty():
            raise
        return getpass.getpass("Passphrase of the keyring: ")


def new_passphrase() -> str:
    """The passphrase for a new key: as `known_passphrase`, but typed twice.

    Raises:
        InvalidInput: the two differ.
    """
    try:
        return passphrase(current().settings)
    except ConfigError:
        if not sys.stdin.isatty():
            raise
    first = getpass.getpass("New passphrase of the keyring: ")
    if first != getpass.getpass("Once more: "):
        raise InvalidInput("passphrase", "the two differ")
    return first


def wallet_password(path: Path | None) -> str:
    """The password of another program's wallet: from a file, else asked for at the terminal.

    Raises:
        ConfigError: there is neither, or the file cannot be read.
    """
    if path is not None:
        return read_secret(path)
    if not sys.stdin.isatty():
        raise ConfigError("--wallet-password-file", "the wallet is encrypted: name a file with its password")
    return getpass.getpass("Password of the wallet file: ")


def open_key(name: str | None) -> PrivateKey:
    """A key of the keyring, by default the one that this node signs with."""
    settings = current().settings
    return Keyring.open(settings).load(name or settings.keyring.key, known_passphrase())


def read_secret(path: Path) -> str:
    """The text of a small file; `-` is standard input.

    Raises:
        ConfigError: it cannot be read as text, or is too large.
    """
    return read_text(path, _MAX_SECRET_CHARS).strip()


def read_text(path: Path, limit: int) -> str:
    """The text of a file of at most `limit` characters; `-` is standard input.

    Raises:
        ConfigError: it cannot be read as text, or is too large.
    """
    try:
        if str(path) == "-":
            text = sys.stdin.read(limit + 1)
        else:
            with path.open(encoding="utf-8") as stream:
                text = stream.read(limit + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}") from error
    if len(text) > limit:
        raise ConfigError(str(path), f"is larger than {limit} characters")
    return text
