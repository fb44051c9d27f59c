"""What the servers answer, service by service, and pages of lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3mes_ray.errors import InvalidInput, NotOnChain
from r3mes_ray.localnet.queries import SERVICES, auth, bank, consensus, r3mes, remes, tendermint, tx
from r3mes_ray.localnet.queries.paging import page
from r3mes_ray.protocol.cid import cid_of
from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth_wire
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank_wire
from r3mes_ray.wire.cosmos.base.query.v1beta1.pagination_pb2 import PageRequest
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint_wire
from r3mes_ray.wire.cosmos.consensus.v1 import query_pb2 as consensus_wire
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as tx_wire
from r3mes_ray.wire.r3mes.v1 import query_pb2 as r3mes_wire
from r3mes_ray.wire.r3mes.v1.types_pb2 import RoundPhase
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes_wire


@given(st.integers(0, 30), st.integers(1, 7), st.booleans())
def test_page_by_key_visits_every_entry_once(total: int, limit: int, reverse: bool) -> None:
    rows = [(b"%03d" % n, n) for n in range(total)]
    seen, key = [], b""
    while True:
        taken, answer = page(rows, PageRequest(key=key, limit=limit, reverse=reverse))
        seen += taken
        if not answer.next_key:
            break
        key = answer.next_key
    assert seen == sorted(range(total), reverse=reverse)


def test_page_by_offset_counts_the_total() -> None:
    taken, answer = page([(b"%d" % n, n) for n in range(5)], PageRequest(offset=3, limit=10))
    assert (taken, answer.total, answer.next_key) == ([3, 4], 5, b"")


@pytest.mark.parametrize("request_", [PageRequest(key=b"1", offset=1), PageRequest(key=b"nothing")])
def test_page_that_cannot_be_is_refused(request_: PageRequest) -> None:
    with pytest.raises(InvalidInput):
        page([(b"1", 1)], request_)


def test_services_answer_only_methods_that_exist() -> None:
    for service in SERVICES:
        assert set(service.answers) <= {method.name for method in service.descriptor.methods}
    assert set(SERVICES[4].answers) == {method.name for method in SERVICES[4].descriptor.methods}


def test_account_and_balance_of_an_account(lab) -> None:
    answer = auth.account(lab.node, auth_wire.QueryAccountRequest(address=lab.address(lab.alice)))
    assert answer.account.type_url == "/cosmos.auth.v1beta1.BaseAccount"
    owner = bank_wire.QueryBalanceRequest(address=lab.address(lab.alice), denom="uremes")
    assert bank.balance(lab.node, owner).balance.amount == "1000000000000"
    supply = bank.total_supply(lab.node, bank_wire.QueryTotalSupplyRequest()).supply
    assert [(coin.denom, coin.amount) for coin in supply] == [("uremes", "4000000000000")]


def test_account_that_is_not_there_is_not_found(lab) -> None:
    with pytest.raises(NotOnChain):
        auth.account(lab.node, auth_wire.QueryAccountRequest(address=lab.address(lab.stranger)))
    with pytest.raises(InvalidInput):
        auth.account(lab.node, auth_wire.QueryAccountRequest(address="remes1nonsense"))


def test_accounts_lists_module_accounts_as_such(lab) -> None:
    found = auth.accounts(lab.node, auth_wire.QueryAccountsRequest()).accounts
    kinds = sorted(account.type_url.rpartition(".")[2] for account in found)
    assert kinds == ["BaseAccount"] * 4 + ["ModuleAccount"] * 3


def test_transaction_is_found_by_hash_and_by_event(lab) -> None:
    sent = lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    found = tx.get_tx(lab.node, tx_wire.GetTxRequest(hash=sent.txhash.lower()))
    assert (found.tx_response.height, found.tx_response.code) == (1, 0)
    assert found.tx.body.messages[0].type_url == "/cosmos.bank.v1beta1.MsgSend"
    events = [f"message.sender='{lab.address(lab.alice)}'"]
    assert tx.get_txs_event(lab.node, tx_wire.GetTxsEventRequest(events=events)).tx_responses[0].txhash == sent.txhash
    with pytest.raises(NotOnChain):
        tx.get_tx(lab.node, tx_wire.GetTxRequest(hash="00" * 32))
    with pytest.raises(InvalidInput):
        tx.get_tx(lab.node, tx_wire.GetTxRequest(hash="zz"))


def test_broadcast_in_block_mode_is_refused(lab) -> None:
    raw = lab.sign(lab.alice, lab.transfer(lab.alice, lab.bob))
    request = tx_wire.BroadcastTxRequest(tx_bytes=raw, mode=tx_wire.BROADCAST_MODE_BLOCK)
    with pytest.raises(InvalidInput):
        tx.broadcast_tx(lab.node, request)


def test_block_has_the_hash_that_the_next_one_names(lab) -> None:
    lab.to_height(2)
    first = tendermint.get_block_by_height(lab.node, tendermint_wire.GetBlockByHeightRequest(height=1))
    latest = tendermint.get_latest_block(lab.node, tendermint_wire.GetLatestBlockRequest())
    assert latest.block.header.last_block_id.hash == first.block_id.hash
    assert latest.block.header.time.ToJsonString() == "2026-01-01T00:00:02Z"
    with pytest.raises(NotOnChain):
        tendermint.get_block_by_height(lab.node, tendermint_wire.GetBlockByHeightRequest(height=3))


def test_round_is_told_with_its_phase_and_updates(lab) -> None:
    found = lab.with_updates()
    told = r3mes.round_(lab.node, r3mes_wire.QueryRoundRequest(round_id=0)).round
    assert (told.phase, told.gradient_count) == (RoundPhase.ROUND_PHASE_SUBMIT, 2)
    lab.to_height(found.submit_end + 1)
    told = r3mes.rounds(lab.node, r3mes_wire.QueryRoundsRequest(expert="python")).rounds[0]
    assert told.phase == RoundPhase.ROUND_PHASE_COMMIT
    updates = r3mes.round_gradients(lab.node, r3mes_wire.QueryRoundGradientsRequest(round_id=0)).gradients
    assert [(update.id, update.miner) for update in updates] == [(0, lab.address(lab.bob)), (1, lab.address(lab.carol))]


def test_rounds_are_newest_first(lab) -> None:
    found = lab.with_round()
    lab.to_height(found.submit_end)
    lab.ok(lab.alice, lab.open_message(lab.alice))
    for expert in ("", "python"):
        told = r3mes.rounds(lab.node, r3mes_wire.QueryRoundsRequest(expert=expert)).rounds
        assert [one.round_id for one in told] == [1, 0]
    assert not r3mes.rounds(lab.node, r3mes_wire.QueryRoundsRequest(expert="none")).rounds


def test_commitment_is_found_by_round_and_proposer(lab) -> None:
    lab.with_commitment()
    request = r3mes_wire.QueryCommitmentRequest(round_id=0, proposer=lab.address(lab.alice))
    assert r3mes.commitment(lab.node, request).commitment.status == "committed"
    request = r3mes_wire.QueryCommitmentRequest(round_id=0, proposer=lab.address(lab.dave))
    with pytest.raises(NotOnChain):
        r3mes.commitment(lab.node, request)


def test_records_that_are_not_there_are_not_found(lab) -> None:
    for answer, request in (
        (r3mes.round_, r3mes_wire.QueryRoundRequest(round_id=0)),
        (r3mes.expert, r3mes_wire.QueryExpertRequest(name="python")),
        (r3mes.aggregation, r3mes_wire.QueryAggregationRequest(aggregation_id=0)),
        (r3mes.round_gradients, r3mes_wire.QueryRoundGradientsRequest(round_id=0)),
        (remes.get_gradient, remes_wire.QueryGetGradientRequest(id=0)),
        (remes.get_aggregation, remes_wire.QueryGetAggregationRequest(id=0)),
        (remes.get_model_params, remes_wire.QueryGetModelParamsRequest()),
        (
            remes.get_node_registration,
            remes_wire.QueryGetNodeRegistrationRequest(node_address=lab.address(lab.alice)),
        ),
    ):
        with pytest.raises(NotOnChain):
            answer(lab.node, request)


def test_statistics_and_model_after_a_round(lab) -> None:
    found = lab.with_commitment()
    told = remes.statistics(lab.node, remes_wire.QueryStatisticsRequest())
    assert (told.total_miners, told.pending_gradients, told.pending_aggregations) == (2, 2, 1)
    lab.ok(lab.alice, lab.reveal(lab.alice))
    lab.to_height(found.challenge_end)
    lab.ok(lab.alice, lab.submit(lab.alice))
    told = remes.statistics(lab.node, remes_wire.QueryStatisticsRequest())
    assert (told.total_gradients, told.total_aggregations, told.pending_gradients) == (2, 1, 0)
    model = remes.get_model_params(lab.node, remes_wire.QueryGetModelParamsRequest())
    assert (model.model_ipfs_hash, model.model_version) == (cid_of(b"aggregate"), "tiny/python@1")
    aggregation = remes.get_aggregation(lab.node, remes_wire.QueryGetAggregationRequest(id=0))
    assert (aggregation.proposer, aggregation.participant_count) == (lab.address(lab.alice), 2)
    gradients = remes.list_stored_gradient(
        lab.node, remes_wire.QueryListStoredGradientRequest(pagination=PageRequest(offset=1, limit=1))
    )
    assert [update.id for update in gradients.stored_gradients] == [1]
    assert gradients.pagination.total == 2


def test_parameters_are_told(lab) -> None:
    told = r3mes.params(lab.node, r3mes_wire.QueryParamsRequest())
    assert (told.rule_set, told.denom, told.min_gas_price) == ("v2", "uremes", "0.025")
    assert (told.expert_bond, told.proposer_stake) == ("1000000uremes", "10000000uremes")


def test_search_by_one_text_and_page_numbers_as_newer_clients_ask(lab) -> None:
    for _ in range(3):
        lab.deliver(lab.alice, lab.transfer(lab.alice, lab.bob))
    query = f"message.sender='{lab.address(lab.alice)}' AND tx.height>1"
    answer = tx.get_txs_event(lab.node, tx_wire.GetTxsEventRequest(query=query, page=2, limit=1))
    assert [found.height for found in answer.tx_responses] == [3]
    assert answer.total == 2


def test_consensus_params_name_the_bytes_of_a_block_and_no_gas_limit(lab) -> None:
    block = consensus.params(lab.node, consensus_wire.QueryParamsRequest()).params.block
    assert (block.max_bytes, block.max_gas) == (4_000_000, -1)
