"""The SDK's lesser queries, which explorers and wallets ask."""

from __future__ import annotations

import pytest

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.queries import auth, bank, market, r3mes, tendermint, tx
from r3mes_ray.protocol.address import parse_address
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.cosmos.auth.v1beta1.query_pb2 import AddressBytesToStringRequest, AddressStringToBytesRequest
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank_wire
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1.query_pb2 import (
    GetLatestValidatorSetRequest,
    GetValidatorSetByHeightRequest,
)
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import GetBlockWithTxsRequest
from r3mes_ray.wire.r3mes.v1.query_pb2 import QueryCommitmentsRequest, QueryInferenceRequestsRequest
from r3mes_ray.wire.remes.remes.v1 import node_pb2
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import (
    MsgRegisterNode,
    MsgRequestInference,
    MsgSubmitInferenceResult,
    MsgUpdateServingNodeStatus,
)


def test_address_is_told_as_text_and_as_bytes(lab) -> None:
    text = lab.address(lab.alice)
    owner = parse_address(text, "remes")
    assert auth.address_text(lab.node, AddressBytesToStringRequest(address_bytes=owner)).address_string == text
    assert auth.address_bytes(lab.node, AddressStringToBytesRequest(address_string=text)).address_bytes == owner
    with pytest.raises(InvalidInput):
        auth.address_text(lab.node, AddressBytesToStringRequest(address_bytes=b"\1"))


def test_denom_owners_are_those_with_coins_of_it(lab) -> None:
    request = bank_wire.QueryDenomOwnersRequest(denom="uremes", pagination=PageRequest(limit=2))
    answer = bank.denom_owners(lab.node, request)
    assert (len(answer.denom_owners), answer.pagination.total) == (2, 4)
    assert answer.denom_owners[0].balance.amount == "1000000000000"
    assert not bank.denom_owners(lab.node, bank_wire.QueryDenomOwnersRequest(denom="remes")).denom_owners


def test_denominations_have_no_metadata(lab) -> None:
    assert not bank.denoms_metadata(lab.node, bank_wire.QueryDenomsMetadataRequest()).metadatas
    with pytest.raises(NotOnChain):
        bank.denom_metadata(lab.node, bank_wire.QueryDenomMetadataRequest(denom="uremes"))


def test_block_is_told_with_a_page_of_its_transactions(lab) -> None:
    raws = [lab.sign(key, lab.transfer(key, lab.dave)) for key in (lab.alice, lab.bob, lab.carol)]
    lab.block(*raws)
    answer = tx.get_block_with_txs(
        lab.node, GetBlockWithTxsRequest(height=1, pagination=PageRequest(offset=1, limit=1))
    )
    assert (answer.block.header.height, list(answer.block.data.txs)) == (1, raws)
    assert [one.body.messages[0].type_url for one in answer.txs] == ["/cosmos.bank.v1beta1.MsgSend"]
    assert answer.pagination.total == 3
    with pytest.raises(NotOnChain):
        tx.get_block_with_txs(lab.node, GetBlockWithTxsRequest(height=2))


def test_validators_of_the_consensus_are_none(lab) -> None:
    lab.to_height(2)
    latest = tendermint.get_latest_validator_set(lab.node, GetLatestValidatorSetRequest())
    assert (latest.block_height, list(latest.validators)) == (2, [])
    assert tendermint.get_validator_set_by_height(lab.node, GetValidatorSetByHeightRequest(height=1)).block_height == 1
    with pytest.raises(NotOnChain):
        tendermint.get_validator_set_by_height(lab.node, GetValidatorSetByHeightRequest(height=3))


def test_commitments_of_a_round_are_listed(lab) -> None:
    lab.with_updates()
    lab.block(lab.sign(lab.alice, lab.commit(lab.alice)), lab.sign(lab.dave, lab.commit(lab.dave)))
    found = r3mes.commitments(lab.node, QueryCommitmentsRequest(round_id=0)).commitments
    assert [(one.commitment_id, one.proposer) for one in found] == [
        (0, lab.address(lab.alice)),
        (1, lab.address(lab.dave)),
    ]
    with pytest.raises(NotOnChain):
        r3mes.commitments(lab.node, QueryCommitmentsRequest(round_id=9))


def test_serving_node_finds_the_requests_that_wait_for_it(lab) -> None:
    bob, data = lab.address(lab.bob), cid_of(b"question")
    lab.ok(lab.bob, MsgRegisterNode(node_address=bob, node_type=node_pb2.NODE_TYPE_SERVING))
    lab.ok(lab.bob, MsgUpdateServingNodeStatus(serving_node=bob, model_version="m", is_available=True))
    request = MsgRequestInference(
        requester=lab.address(lab.alice),
        serving_node=bob,
        model_version="m",
        input_data_ipfs_hash=data,
        fee="1000uremes",
    )
    names = [lab.ok(lab.alice, request).request_id for _ in range(2)]
    lab.ok(lab.bob, MsgSubmitInferenceResult(serving_node=bob, request_id=names[0], result_ipfs_hash=data))

    def listed(**wanted: str) -> list[str]:
        answer = market.inference_requests(lab.node, QueryInferenceRequestsRequest(**wanted))
        return [found.request_id for found in answer.requests]

    assert listed() == names
    assert listed(serving_node=bob, status="pending") == names[1:]
    assert listed(status="completed") == names[:1]
    assert listed(serving_node=lab.address(lab.carol)) == []
