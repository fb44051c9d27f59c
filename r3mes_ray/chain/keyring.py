"""Keys on disk: one JSON file per key, encrypted with a passphrase (scrypt, AES-256-GCM).

The key's name and public key are authenticated with it: a file that is renamed or edited does not open.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.errors import ConfigError, InvalidInput, KeyExists, KeyNotFound, WrongPassphrase
from r3mes_ray.protocol.address import address_of
from r3mes_ray.settings import Settings
from r3mes_ray.types import Address

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_FILE_BYTES = 64 * 1024


class KeyFile(BaseModel):
    """What one file holds; everything but `ciphertext` is authenticated as associated data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = Field("r3mes/key/1", pattern="^r3mes/key/1$")
    name: str
    public_key: str = Field(pattern="^0[23][0-9a-f]{64}$")
    kdf: str = Field("scrypt", pattern="^scrypt$")
    # 2^15 costs 32 MiB and about 0.1 s; the upper limit keeps a forged file from asking for more than 512 MiB.
    scrypt_n: int = Field(2**15, ge=2**14, le=2**19)
    scrypt_r: int = Field(8, ge=8, le=8)
    scrypt_p: int = Field(1, ge=1, le=4)
    salt: str = Field(pattern="^[0-9a-f]{64}$")
    nonce: str = Field(pattern="^[0-9a-f]{24}$")
    ciphertext: str = Field("", pattern="^([0-9a-f]{96})?$")

    def associated(self) -> bytes:
        """The authenticated header."""
        return self.model_dump_json(exclude={"ciphertext"}).encode()

    def cipher(self, passphrase: str) -> AESGCM:
        """The cipher for this file's salt; costs one scrypt."""
        kdf = Scrypt(bytes.fromhex(self.salt), 32, n=self.scrypt_n, r=self.scrypt_r, p=self.scrypt_p)
        return AESGCM(kdf.derive(passphrase.encode()))


class Keyring:
    """The keys of one home. Safe in several processes: a file is there completely or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, settings: Settings) -> Keyring:
        """The keyring of a home; nothing is read or made yet."""
        return cls(settings.home / "keyring")

    def names(self) -> list[str]:
        """Names of all keys, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem))

    def save(self, name: str, key: PrivateKey, passphrase: str) -> None:
        """Encrypt a key and keep it; it survives a crash once this has returned.

        Raises:
            KeyExists: the name is taken; the key there is left as it is.
            InvalidInput: a name or passphrase that cannot be used.
        """
        target = self._path(name)
        if not passphrase:
            raise InvalidInput("passphrase", "it is empty")
        if target.exists():
            raise KeyExists(name)
        header = KeyFile(
            name=name, public_key=key.public_key.hex(), salt=secrets.token_hex(32), nonce=secrets.token_hex(12)
        )
        sealed = header.cipher(passphrase).encrypt(bytes.fromhex(header.nonce), key.secret(), header.associated())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = header.model_copy(update={"ciphertext": sealed.hex()}).model_dump_json(indent=1)
        try:
            write_new(target, document.encode())
        except FileExistsError as error:
            raise KeyExists(name) from error

    def load(self, name: str, passphrase: str) -> PrivateKey:
        """Open a key.

        Raises:
            KeyNotFound: there is no key of that name.
            WrongPassphrase: another passphrase, or a file that was renamed or changed.
            InvalidInput: a file that is no key file.
        """
        file = self._read(name)
        try:
            secret = file.cipher(passphrase).decrypt(
                bytes.fromhex(file.nonce), bytes.fromhex(file.ciphertext), file.associated()
            )
        except InvalidTag as error:
            raise WrongPassphrase(name) from error
        return PrivateKey(secret)

    def public_key(self, name: str) -> bytes:
        """A key's public half; needs no passphrase, so a changed file is not noticed here."""
        return bytes.fromhex(self._read(name).public_key)

    def address(self, name: str, prefix: str) -> Address:
        """A key's account; needs no passphrase."""
        return address_of(self.public_key(name), prefix)

    def delete(self, name: str) -> None:
        """Remove a key for good. Raises KeyNotFound."""
        try:
            self._path(name).unlink()
        except FileNotFoundError as error:
            raise KeyNotFound(name) from error

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise InvalidInput("key name", f"{name[:80]!r} is not 1 to 64 letters, digits, '.', '_' or '-'")
        return self.folder / f"{name}.json"

    def _read(self, name: str) -> KeyFile:
        path = self._path(name)
        try:
            with path.open("rb") as stream:
                document = stream.read(_MAX_FILE_BYTES)
        except FileNotFoundError as error:
            raise KeyNotFound(name) from error
        try:
            file = KeyFile.model_validate_json(document)
        except ValidationError as error:
            raise InvalidInput(str(path), f"not a key file: {error.errors()[0]['msg']}") from error
        if file.name != name:
            raise InvalidInput(str(path), f"it holds the key {file.name!r}: it was renamed or copied")
        return file


def passphrase(settings: Settings) -> str:
    """The passphrase from the environment variable, else from its file.

    Raises:
        ConfigError: neither is there, or the file cannot be read.
    """
    chosen = settings.keyring
    value = os.environ.get(chosen.passphrase_env, "")
    if value:
        return value
    path = chosen.passphrase_file or settings.home / "keyring" / "passphrase"
    if chosen.passphrase_file is None and not path.exists():
        raise ConfigError(
            "keyring.passphrase_env", f"no passphrase: set {chosen.passphrase_env}, or write it to the file {path}"
        )
    try:
        value = path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("keyring.passphrase_file", f"{path} cannot be read: {error}") from error
    if not value:
        raise ConfigError("keyring.passphrase_file", f"{path} is empty")
    return value


def write_new(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 that must not exist yet: completely or not at all, fsynced.

    Raises:
        FileExistsError: it is there already.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, path)
    finally:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
