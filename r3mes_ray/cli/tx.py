"""`r3mes tx`: send, sign, broadcast and look up transactions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import SignedTx
from r3mes_ray.chain.document import MAX_CHARS, read_document, read_signed, signed_content, signed_document
from r3mes_ray.chain.gas import parse_coins
from r3mes_ray.chain.tx import coin_messages, sign_tx
from r3mes_ray.chain.wallet import offline_signer, signer_of
from r3mes_ray.cli.accounts import address_argument, tx_hash_argument
from r3mes_ray.cli.context import current, emit, run
from r3mes_ray.cli.passphrases import open_key, read_text
from r3mes_ray.cli.signing import Signing, conclude, signing, tell
from r3mes_ray.cli.tables import fields
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.r3mes.v1.tx_pb2 import MsgRetireExpert

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Send, sign, broadcast and look up transactions.")

Document = Annotated[Path, typer.Argument(help="File; - is standard input.")]


@app.command("send")
@signing
def send_coins(
    to: Annotated[str, typer.Argument(help="Address, or name of a key, that gets the coins.")],
    amount: Annotated[str, typer.Option(help="Coins, like 5uremes or 5uremes,1aaa; a bare number is in --denom.")],
    signing: Signing,
    denom: Annotated[str | None, typer.Option(help="Denomination of a bare number.")] = None,
) -> None:
    """Send coins, and wait until they are in a block."""
    coins = parse_coins(f"{amount}{denom or current().settings.chain.denom}" if amount.isdigit() else amount)
    recipient = address_argument(to)
    message = MsgSend(from_address=signing.sender, to_address=recipient, amount=coin_messages(coins))
    conclude([message], signing, f"sent {', '.join(map(str, coins))} to {recipient}")


@app.command()
@signing
def retire_expert(
    name: Annotated[str, typer.Argument(help="Name of an expert that the signer owns.")], signing: Signing
) -> None:
    """Retire an expert: its bond goes back, and no further round is opened for it; its versions stay."""
    message = MsgRetireExpert(owner=signing.sender, name=name)
    conclude([message], signing, f"retired {name}")


@app.command("sign")
def sign_document(
    document: Document,
    from_name: Annotated[str | None, typer.Option("--from", help="Name of the key that signs.")] = None,
    account_number: Annotated[int | None, typer.Option(min=0, help="The account's number on chain.")] = None,
    sequence: Annotated[int | None, typer.Option(min=0, help="The account's next sequence.")] = None,
    chain_id: Annotated[str | None, typer.Option(help="Chain that it is signed for.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no node.")] = False,
) -> None:
    """Sign the JSON that --generate-only printed; prints `tx_bytes` in base64 and `txhash`."""
    messages, terms = read_document(read_text(document, MAX_CHARS))
    options = Signing(from_name=from_name, account_number=account_number, sequence=sequence, chain_id=chain_id)
    settings, order, key = options.settings, options.order, open_key(from_name)
    if offline:
        signer = offline_signer(settings.chain, order)
    else:
        client = open_chain(settings, None)
        signer = run(signer_of(client, settings.chain, order, options.sender))
    signed = signed_document(sign_tx(key, messages, signer, terms))
    emit(signed, json.dumps(signed, indent=1))


@app.command()
def broadcast(document: Document) -> None:
    """Send a signed transaction (JSON with `tx_bytes`, base64 or hex), and wait until it is in a block."""
    signed = read_signed(read_text(document, MAX_CHARS))

    async def sent() -> None:
        tell(await open_chain(current().settings, None).broadcast(signed), "broadcast")

    run(sent())


@app.command()
def show(
    what: Annotated[str, typer.Argument(help="64 hex digits of a hash, or a file of a signed transaction.")],
) -> None:
    """Show a transaction that is in a block, also one that failed; or what a signed one in a file says."""
    if Path(what).is_file():
        _show_file(read_signed(read_text(Path(what), MAX_CHARS)))
        return
    wanted = tx_hash_argument(what)

    async def found() -> None:
        record = await queries.transaction(open_chain(current().settings, None), wanted)
        emit(record, fields(record))

    run(found())


def _show_file(signed: SignedTx) -> None:
    content = signed_content(signed)
    emit(content, json.dumps(content, ensure_ascii=False, indent=1))
