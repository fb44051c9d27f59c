"""The unmodified cosmpy against one node; prints one line of JSON. Runs in an environment of its own."""

import json
import sys

import grpc
from cosmpy.aerial.client import LedgerClient, NetworkConfig
from cosmpy.aerial.client.bank import create_bank_send_msg
from cosmpy.aerial.client.utils import prepare_and_broadcast_basic_transaction
from cosmpy.aerial.exceptions import BroadcastError
from cosmpy.aerial.tx import Transaction, TxFee
from cosmpy.aerial.wallet import LocalWallet
from cosmpy.crypto.keypairs import PrivateKey
from cosmpy.protos.cosmos.tx.v1beta1.service_pb2 import GetTxsEventRequest

url, chain_id, rich_hex, poor_hex, stranger_hex, recipient = sys.argv[1:]
client = LedgerClient(NetworkConfig(chain_id, 0.025, "uremes", "uremes", url), query_interval_secs=0.2)
rich, poor, stranger = (
    LocalWallet(PrivateKey(bytes.fromhex(text)), prefix="remes") for text in (rich_hex, poor_hex, stranger_hex)
)


def refusal(work):
    try:
        return f"{work().wait_to_complete().response.code} in a block"
    except BroadcastError as error:
        return f"refused {error}"
    except (grpc.RpcError, RuntimeError) as error:
        return f"error {error.details() if isinstance(error, grpc.RpcError) else error}"


def wrong_sequence():
    account = client.query_account(rich.address())
    account.sequence += 7
    tx = Transaction()
    tx.add_message(create_bank_send_msg(rich.address(), recipient, 1, "uremes"))
    return prepare_and_broadcast_basic_transaction(client, tx, rich, account=account, fee=fee())


def fee():
    return TxFee("5000uremes", 200_000)


before = client.query_bank_balance(rich.address())
sent = client.send_tokens(recipient, 1_000_000, "uremes", rich, memo="from cosmpy").wait_to_complete().response
found = client.query_tx(sent.hash)
events = [f"message.sender='{rich.address()}'"]
searches = [GetTxsEventRequest(events=events)] + (
    [GetTxsEventRequest(query=events[0], page=1, limit=5)] if url.startswith("grpc") else []
)
record = {
    "address": str(rich.address()),
    "before": before,
    "sent": {"code": sent.code, "height": sent.height, "hash": sent.hash},
    "found": {"code": found.code, "height": found.height, "recipient": found.events["transfer"]["recipient"]},
    "searched": [[answer.txhash for answer in client.txs.GetTxsEvent(search).tx_responses] for search in searches],
    "received": client.query_bank_balance(recipient, "uremes"),
    "all": [str(coin) for coin in client.query_bank_all_balances(recipient)],
    "height": client.query_height() >= sent.height,
    "chain_id": client.query_chain_id(),
    "too_little": refusal(lambda: client.send_tokens(recipient, 1_000_000, "uremes", poor, fee=fee())),
    "too_little_simulated": refusal(lambda: client.send_tokens(recipient, 1_000_000, "uremes", poor)),
    "wrong_sequence": refusal(wrong_sequence),
    "unknown_account": refusal(lambda: client.send_tokens(recipient, 1, "uremes", stranger)),
}
print(json.dumps(record))
