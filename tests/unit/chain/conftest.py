from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from r3mes_ray.chain.grpc_client import GrpcChainClient, Pace
from r3mes_ray.chain.keyring import Keyring
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.tx import pack_any
from r3mes_ray.errors import ChainUnavailable, InvalidInput, NotOnChain
from r3mes_ray.settings import ChainSettings
from r3mes_ray.wire.cosmos.auth.v1beta1 import auth_pb2
from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSendResponse
from r3mes_ray.wire.cosmos.base.abci.v1beta1.abci_pb2 import GasInfo, TxMsgData, TxResponse
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as service
from r3mes_ray.wire.cosmos.tx.v1beta1.tx_pb2 import AuthInfo, TxRaw
from r3mes_ray.wire.tendermint.types import block_pb2
from r3mes_ray.wire.tendermint.types import types_pb2 as types

KEY = PrivateKey(b"\x01" * 32)
MISMATCH = "account sequence mismatch, expected {}, got {}: incorrect account sequence"


class FakeNode:
    """A node of one account, in memory: strict sequences, a mempool, blocks when the test says so."""

    def __init__(self) -> None:
        self.chain_id, self.height, self.sequence = "remes-test", 7, 3
        self.auto_include, self.down, self.lose_answers, self.full = True, 0, 0, 0
        self.mempool: dict[str, bytes] = {}
        self.included: dict[str, TxResponse] = {}
        self.taken: list[int] = []
        self.offered: list[bytes] = []
        self.deliver_code = 0

    async def call(self, request: Message) -> Message:
        if self.down:
            self.down -= 1
            raise ChainUnavailable("fake", "down")
        match request:
            case tendermint.GetLatestBlockRequest():
                header = types.Header(chain_id=self.chain_id, height=self.height, app_hash=b"\x0a")
                return tendermint.GetLatestBlockResponse(block=block_pb2.Block(header=header))
            case auth.QueryAccountRequest():
                account = auth_pb2.BaseAccount(address=request.address, account_number=5, sequence=self.sequence)
                return auth.QueryAccountResponse(account=pack_any(account))
            case service.SimulateRequest():
                self.check(request.tx_bytes)
                return service.SimulateResponse(gas_info=GasInfo(gas_used=50_000))
            case service.BroadcastTxRequest():
                return service.BroadcastTxResponse(tx_response=self.take(request.tx_bytes))
            case service.GetTxRequest():
                if request.hash not in self.included:
                    raise NotOnChain("tx", request.hash)
                return service.GetTxResponse(tx_response=self.included[request.hash])
        raise InvalidInput(request.DESCRIPTOR.full_name, "not faked")

    async def close(self) -> None:
        return

    def check(self, raw: bytes) -> int:
        sequence = AuthInfo.FromString(TxRaw.FromString(raw).auth_info_bytes).signer_infos[0].sequence
        if sequence != self.sequence:
            raise InvalidInput("tx", MISMATCH.format(self.sequence, sequence))
        return sequence

    def take(self, raw: bytes) -> TxResponse:
        tx_hash = hashlib.sha256(raw).hexdigest().upper()
        self.offered.append(raw)
        if self.full:
            self.full -= 1
            return TxResponse(code=20, codespace="sdk", raw_log="mempool is full")
        if tx_hash in self.mempool:
            return TxResponse(code=19, codespace="sdk", raw_log="tx already in mempool")
        try:
            self.taken.append(self.check(raw))
        except InvalidInput as error:
            return TxResponse(code=32, codespace="sdk", raw_log=error.reason)
        self.sequence += 1
        self.mempool[tx_hash] = raw
        if self.auto_include:
            self.include()
        if self.lose_answers:
            self.lose_answers -= 1
            raise ChainUnavailable("fake", "the answer was lost")
        return TxResponse(code=0, txhash=tx_hash)

    def include(self) -> None:
        self.height += 1
        data = TxMsgData(msg_responses=[pack_any(MsgSendResponse()), Any(type_url="/un.Known", value=b"x")])
        for tx_hash in self.mempool:
            self.included[tx_hash] = TxResponse(
                height=self.height,
                txhash=tx_hash,
                code=self.deliver_code,
                codespace="sdk" if self.deliver_code else "",
                raw_log="out of gas" if self.deliver_code else "",
                data=data.SerializeToString().hex().upper(),
                gas_used=48_000,
            )
        self.mempool.clear()

    def crash(self) -> None:
        """Lose the mempool, as a killed node does."""
        self.sequence -= len(self.mempool)
        self.mempool.clear()


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def client(node: FakeNode) -> GrpcChainClient:
    settings = ChainSettings(inclusion_timeout_s=0.4)
    pace = Pace(first_poll_s=0.001, last_poll_s=0.002, resend_s=0.005, hold_s=0.05, index_lag_s=0.001)
    return GrpcChainClient(settings, KEY, node, pace)


@pytest.fixture(scope="session")
def saved_keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "keyring"
    Keyring(folder).save("alice", KEY, "secret words")
    return folder


@pytest.fixture
def keyring(saved_keyring: Path, tmp_path: Path) -> Keyring:
    return Keyring(Path(shutil.copytree(saved_keyring, tmp_path / "keyring")))
