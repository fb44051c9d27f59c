"""The node's own key, and the passphrase that a laptop without one is given."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from r3mes_ray.chain.keyring import Keyring, passphrase
from r3mes_ray.chain.keys import PrivateKey, mnemonic_key, new_mnemonic
from r3mes_ray.errors import KeyNotFound
from r3mes_ray.settings import Settings


def ensure_passphrase(settings: Settings) -> Path | None:
    """Make a random passphrase where none is set, in a file that only the owner reads.

    Returns:
        The file, when it was made now.
    """
    path = settings.home / "keyring" / "passphrase"
    chosen = settings.keyring.passphrase_file
    if os.environ.get(settings.keyring.passphrase_env) or (chosen is not None and chosen.exists()) or path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(24) + "\n")
    return path


def ensure_key(settings: Settings, name: str) -> PrivateKey:
    """The key of that name, made from a new mnemonic where there is none.

    Raises:
        WrongPassphrase: the key is there, but the passphrase does not open it.
    """
    keyring = Keyring.open(settings)
    secret = passphrase(settings)
    try:
        return keyring.load(name, secret)
    except KeyNotFound:
        key = mnemonic_key(new_mnemonic(), coin_type=settings.chain.coin_type)
        keyring.save(name, key, secret)
        return key
