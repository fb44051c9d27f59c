"""The wallet as its user runs it, on a node that is reached by TLS; and bytes that are no protocol at its ports."""

import datetime
import ipaddress
import json
import random
import socket
import ssl
import urllib.request

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from r3mes_ray.chain.keys import mnemonic_key
from r3mes_ray.localnet.addresses import format_address
from r3mes_ray.localnet.ledger import GOV

pytestmark = pytest.mark.e2e

WORDS = "abandon " * 11 + "about"
OWNER = mnemonic_key(WORDS).address("remes")
ENV = {"R3MES_KEYRING_PASSPHRASE": "words of the test"}


def _certificate(folder):
    """A certificate of 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture(scope="module")
def node(tmp_path_factory, process, new_home, r3mes):
    """A home with a key and a chain whose three servers speak TLS."""
    folder = tmp_path_factory.mktemp("wallet")
    certificate, key = _certificate(folder)
    home = new_home(
        folder / "home",
        chain={"grpc_tls": True, "grpc_tls_ca": certificate},
        localnet={"tls_certificate": certificate, "tls_key": key, "rest_port": 0},
        keyring={"key": "owner"},
    )
    flags = ("--block-time-ms", "200", "--genesis-balance", f"{OWNER}=5000000000uremes")
    endpoints = process("chain", "start", "--home", home, "--json", *flags).wait_json()
    (folder / "words").write_text(WORDS)
    assert r3mes("keys", "import", "owner", "--mnemonic-file", folder / "words", "--home", home, env=ENV)[0] == 0
    return {"home": home, "certificate": certificate, **endpoints}


def _get(node, server, path):
    context = ssl.create_default_context(cafile=node["certificate"])
    with urllib.request.urlopen(f"https://{node[server]}{path}", context=context, timeout=20) as answer:
        return json.load(answer)


def test_wallet_sends_over_tls_and_every_server_tells_of_it(node, r3mes):
    to = mnemonic_key(WORDS, path="m/44'/118'/0'/0/1").address("remes")
    arguments = (
        "tx",
        "send",
        to,
        "--amount",
        "1000000",
        "--denom",
        "uremes",
        "--from",
        "owner",
        "--home",
        node["home"],
    )
    code, sent, text = r3mes(*arguments, env=ENV)
    assert (code, text) == (0, "")
    rest = _get(node, "rest", f"/cosmos/tx/v1beta1/txs/{sent['txhash']}")["tx_response"]
    rpc = _get(node, "rpc", f"/tx?hash=0x{sent['txhash']}")["result"]
    assert rest["height"] == rpc["height"] == str(sent["height"])
    assert _get(node, "rest", f"/cosmos/bank/v1beta1/balances/{to}")["balances"][0]["amount"] == "1000000"


def test_wallet_that_does_not_trust_the_certificate_is_refused(node, r3mes, tmp_path):
    other, _ = _certificate(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text((node["home"] / "config.yaml").read_text().replace(node["certificate"], other))
    code, answer, _ = r3mes("query", "balance", OWNER, "--home", node["home"], "--config", config)
    assert (code, answer["error"]["type"]) == (1, "ChainUnavailable")


def test_ports_survive_bytes_that_are_no_protocol(node):
    before = _get(node, "rpc", "/block?height=1")["result"]["block_id"]
    noise = random.Random(7)
    for server in ("grpc", "rpc", "rest"):
        host, port = node[server].split(":")
        for size in (1, 100, 5_000, 100_000):
            with socket.create_connection((host, int(port)), timeout=20) as plain:
                try:
                    plain.sendall(noise.randbytes(size))
                    plain.shutdown(socket.SHUT_WR)
                    plain.recv(100)
                except OSError:
                    continue
    assert _get(node, "rpc", "/block?height=1")["result"]["block_id"] == before
    assert _get(node, "rest", f"/cosmos/auth/v1beta1/accounts/{OWNER}")["account"]["address"] == OWNER


def test_wallet_votes_on_a_proposal(node, r3mes, tmp_path):
    params = _get(node, "rest", "/cosmos/gov/v1/params/deposit")
    deposit = "".join(params["params"]["min_deposit"][0][name] for name in ("amount", "denom"))
    authority = format_address(GOV, "remes")
    message = {"@type": "/r3mes.v1.MsgUpdateParams", "authority": authority, "changes": {"grace_blocks": "9"}}
    document = tmp_path / "proposal.json"
    document.write_text(json.dumps({"messages": [message], "title": "A", "summary": "Of the test", "deposit": deposit}))
    options = ("--home", node["home"])
    code, sent, text = r3mes("gov", "submit", document, *options, env=ENV)
    assert (code, text) == (0, ""), sent
    _, [listed], _ = r3mes("gov", "proposals", *options)
    assert (listed["title"], listed["status"]) == ("A", "voting_period")
    number = listed["proposal_id"]
    code, sent, _ = r3mes("gov", "vote", number, "yes", *options, env=ENV)
    assert code == 0, sent
    code, found, _ = r3mes("governance", "proposal", number, *options)
    assert (code, found["proposer"]) == (0, OWNER)
    assert found["messages"] == ["/r3mes.v1.MsgUpdateParams"]
