"""`r3mes keys`: make, import, list, show, export and delete keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain.foreign_keys import open_wallet, raw_seed_key, read_wallet_file
from r3mes_ray.chain.keyring import Keyring, write_new
from r3mes_ray.chain.keys import PrivateKey, mnemonic_key, new_mnemonic
from r3mes_ray.cli.context import current, emit
from r3mes_ray.cli.passphrases import known_passphrase, new_passphrase, read_secret, wallet_password
from r3mes_ray.cli.tables import fields, table
from r3mes_ray.errors import ConfigError, InvalidInput
from r3mes_ray.protocol.framing import hex32
from r3mes_ray.types import Address

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Make, import, list, show, export and delete keys.")

Name = Annotated[str, typer.Argument(help="Name of the key.")]
HdPath = Annotated[str | None, typer.Option(help="BIP-32 path; default m/44'/<coin type>'/0'/0/0.")]


@dataclass(frozen=True, slots=True)
class KeyView:
    """What may be seen of a key."""

    name: str
    address: Address
    public_key: str


@dataclass(frozen=True, slots=True)
class NewKeyView:
    """A key that was just made, with the words that bring it back; they are shown once and kept nowhere."""

    name: str
    address: Address
    public_key: str
    mnemonic: str


@app.command()
def add(name: Name, hd_path: HdPath = None) -> None:
    """Make a key from a new mnemonic, which is shown once."""
    words = new_mnemonic()
    key = mnemonic_key(words, coin_type=current().settings.chain.coin_type, path=hd_path)
    _keyring().save(name, key, new_passphrase())
    view = _view(name)
    text = (
        f"{fields(view)}\n\nWrite these words down now; they are the only way to get the key back, and are not kept:"
        f"\n\n{words}"
    )
    emit(NewKeyView(view.name, view.address, view.public_key, words), text)


@app.command("import")
def import_key(
    name: Name,
    mnemonic_file: Annotated[
        Path | None, typer.Option(help="File with a BIP-39 mnemonic; - is standard input.")
    ] = None,
    private_key_file: Annotated[
        Path | None, typer.Option(help="File with 64 hex digits of a private key; - is standard input.")
    ] = None,
    wallet_file: Annotated[Path | None, typer.Option(help="Wallet file of the predecessor's commands.")] = None,
    wallet_password_file: Annotated[
        Path | None, typer.Option(help="File with that wallet's password; without it you are asked.")
    ] = None,
    raw_seed: Annotated[
        bool, typer.Option("--raw-seed", help="The mnemonic's key as the predecessor derived it, without BIP-32.")
    ] = False,
    hd_path: HdPath = None,
) -> None:
    """Bring a key from a file: a mnemonic, the hex digits of a private key, or a wallet of the predecessor."""
    key = _key_of(mnemonic_file, private_key_file, wallet_file, wallet_password_file, hd_path, raw_seed=raw_seed)
    _keyring().save(name, key, new_passphrase())
    emit(_view(name), fields(_view(name)))


@app.command("list")
def list_keys() -> None:
    """List all keys with their addresses."""
    views = [_view(name) for name in _keyring().names()]
    emit(views, table(views, ("name", "address"), "no key yet; `r3mes keys add NAME` makes one"))


@app.command()
def show(name: Name) -> None:
    """Show a key's address and public key."""
    emit(_view(name), fields(_view(name)))


@app.command()
def export(
    name: Name,
    output: Annotated[Path, typer.Option(help="New file for the private key, readable by you alone.")],
) -> None:
    """Write a key's private part, not encrypted, as hex digits into a new file."""
    secret = _keyring().load(name, known_passphrase()).secret().hex()
    try:
        write_new(output.absolute(), f"{secret}\n".encode())
    except OSError as error:
        raise ConfigError(str(output), f"cannot be written: {error.strerror}") from error
    emit(
        {"name": name, "output": str(output)}, f"wrote the private key of {name} to {output}: whoever reads it owns it"
    )


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a key for good."""
    view = _view(name)
    if not yes:
        typer.confirm(f"Delete {name} ({view.address})? Without its mnemonic it cannot come back.", abort=True)
    _keyring().delete(name)
    emit(view, f"deleted {name} ({view.address})")


def _keyring() -> Keyring:
    return Keyring.open(current().settings)


def _view(name: str) -> KeyView:
    keyring = _keyring()
    address = keyring.address(name, current().settings.chain.bech32_prefix)
    return KeyView(name, address, keyring.public_key(name).hex())


def _key_of(
    mnemonic_file: Path | None,
    private_key_file: Path | None,
    wallet_file: Path | None,
    password_file: Path | None,
    hd_path: str | None,
    *,
    raw_seed: bool,
) -> PrivateKey:
    chain = current().settings.chain
    if hd_path is not None and (mnemonic_file is None or raw_seed):
        raise ConfigError("--hd-path", "it goes with --mnemonic-file alone; other keys have no path")
    match mnemonic_file, private_key_file, wallet_file:
        case Path(), None, None if raw_seed:
            return raw_seed_key(read_secret(mnemonic_file))
        case Path(), None, None:
            return mnemonic_key(read_secret(mnemonic_file), coin_type=chain.coin_type, path=hd_path)
        case None, Path(), None:
            return _raw_key(read_secret(private_key_file))
        case None, None, Path():
            wallet = read_wallet_file(read_secret(wallet_file))
            password = "" if wallet.private_key else wallet_password(password_file)
            return open_wallet(wallet, password, chain.bech32_prefix)
        case _:
            raise ConfigError("keys import", "give one of --mnemonic-file, --private-key-file and --wallet-file")


def _raw_key(text: str) -> PrivateKey:
    try:
        return PrivateKey(hex32(text.lower().removeprefix("0x"), "private key"))
    except InvalidInput:
        # The text is a secret: it must not be quoted in an error.
        raise InvalidInput("private key", "the file does not hold 64 hex digits of a secp256k1 key") from None
