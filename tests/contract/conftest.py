"""A daemon's RPC in memory, as an offline daemon answers its six calls; and a home whose chain runs in a thread."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.cli.main import execute
from r3mes_ray.content.unixfs import children
from r3mes_ray.localnet.genesis import genesis_of
from r3mes_ray.localnet.server import Endpoints, serve_chain
from r3mes_ray.protocol.cid import DAG_PB, RAW, CidParts, parse_cid
from r3mes_ray.settings import Settings

ALICE, BOB = PrivateKey(b"\x01" * 32), PrivateKey(b"\x02" * 32)
FUNDS = 1_000_000_000
Run = Callable[..., tuple[int, Any]]


class DaemonRpc(ThreadingHTTPServer):
    """Blocks by digest and recursive pins."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.blocks: dict[bytes, bytes] = {}
        self.pins: set[str] = set()

    @property
    def multiaddr(self) -> str:
        return f"/ip4/127.0.0.1/tcp/{self.server_address[1]}/http"

    def answer(self, call: str, query: dict[str, str], body: bytes) -> bytes | dict[str, object]:
        if call == "block/put":
            codec = {"raw": RAW, "dag-pb": DAG_PB}[query["cid-codec"]]
            cid = CidParts(1, codec, hashlib.sha256(body).digest())
            self.blocks[cid.digest] = body
            return {"Key": cid.text, "Size": len(body)}
        cid = parse_cid(query["arg"])
        if call in ("block/get", "block/stat"):
            block = self.block(cid)
            return block if call == "block/get" else {"Key": cid.text, "Size": len(block)}
        if call == "pin/add":
            self.check(cid)
            self.pins.add(cid.text)
        elif cid.text not in self.pins:
            raise LookupError(
                f"path '{cid.text}' is not pinned" if call == "pin/ls" else "not pinned or pinned indirectly"
            )
        elif call == "pin/rm":
            self.pins.remove(cid.text)
        return {"Pins": [cid.text], "Keys": {cid.text: {"Type": "recursive"}}}

    def block(self, cid: CidParts) -> bytes:
        if cid.digest not in self.blocks:
            raise LookupError(f"block was not found locally (offline): ipld: could not find {cid.text}")
        return self.blocks[cid.digest]

    def check(self, cid: CidParts) -> None:
        for child in children(cid, self.block(cid)):
            self.check(child)


class _Call(BaseHTTPRequestHandler):
    server: DaemonRpc
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        body = self.part()
        try:
            answer = self.server.answer(url.path.removeprefix("/api/v0/"), query, body)
            status = 200
        except LookupError as error:
            answer, status = {"Message": error.args[0], "Code": 0, "Type": "error"}, 500
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if data is answer else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def part(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        if not body:
            return b""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        [part] = message.get_payload()
        return part.get_payload(decode=True)

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def daemon_rpc() -> Iterator[DaemonRpc]:
    with DaemonRpc() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run_node(settings: Settings, ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        genesis = genesis_of(settings, {ALICE.address("remes"): FUNDS})
        await serve_chain(settings, genesis, ready=lambda found: ready.set_result((found, loop, stop)), stop=stop)

    try:
        asyncio.run(serve())
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with two keys whose chain runs in a thread."""
    monkeypatch.setenv("R3MES_KEYRING_PASSPHRASE", "words of the test")
    keyring = Keyring(tmp_path / "keyring")
    keyring.save("alice", ALICE, "words of the test")
    keyring.save("bob", BOB, "words of the test")
    ready: Future[tuple[Endpoints, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    local = {"grpc_port": 0, "rpc_port": 0, "block_time_ms": 20}
    thread = threading.Thread(
        target=run_node, args=(Settings.model_validate({"home": tmp_path, "localnet": local}), ready)
    )
    thread.start()
    endpoints, loop, stop = ready.result(timeout=30)
    config = {"chain": {"grpc_address": endpoints.grpc}, "keyring": {"key": "alice"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    yield tmp_path
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def r3mes(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with --json: exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, Any]:
        code = execute([*arguments, "--home", str(home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run
