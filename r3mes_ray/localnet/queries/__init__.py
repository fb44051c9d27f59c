"""What the servers answer: for each method of each service a function of the node and the request.

gRPC and `abci_query` share them. A method that is on the wire but not here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from r3mes_ray.errors import NotOnChain
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.queries import (
    auth,
    bank,
    consensus,
    disputes,
    endpoints,
    gov,
    market,
    miners,
    r3mes,
    remes,
    tendermint,
    tx,
)
from r3mes_ray.wire.cosmos.auth.v1beta1 import query_pb2 as auth_wire
from r3mes_ray.wire.cosmos.bank.v1beta1 import query_pb2 as bank_wire
from r3mes_ray.wire.cosmos.base.tendermint.v1beta1 import query_pb2 as tendermint_wire
from r3mes_ray.wire.cosmos.consensus.v1 import query_pb2 as consensus_wire
from r3mes_ray.wire.cosmos.gov.v1 import query_pb2 as gov_wire
from r3mes_ray.wire.cosmos.tx.v1beta1 import service_pb2 as tx_wire
from r3mes_ray.wire.r3mes.v1 import query_pb2 as r3mes_wire
from r3mes_ray.wire.remes.remes.v1 import query_pb2 as remes_wire

Answer = Callable[[ChainNode, Any], Message]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the wire, and the methods of it that have an answer here."""

    descriptor: ServiceDescriptor
    answers: dict[str, Answer]


_AUTH: dict[str, Answer] = {
    "Account": auth.account,
    "Accounts": auth.accounts,
    "ModuleAccounts": auth.module_accounts,
    "Params": auth.params,
    "Bech32Prefix": auth.bech32_prefix,
    "AddressBytesToString": auth.address_text,
    "AddressStringToBytes": auth.address_bytes,
}
_BANK: dict[str, Answer] = {
    "Balance": bank.balance,
    "AllBalances": bank.all_balances,
    "SpendableBalances": bank.spendable_balances,
    "TotalSupply": bank.total_supply,
    "SupplyOf": bank.supply_of,
    "DenomsMetadata": bank.denoms_metadata,
    "DenomMetadata": bank.denom_metadata,
    "DenomOwners": bank.denom_owners,
    "Params": bank.params,
}
_TX: dict[str, Answer] = {
    "BroadcastTx": tx.broadcast_tx,
    "Simulate": tx.simulate,
    "GetTx": tx.get_tx,
    "GetTxsEvent": tx.get_txs_event,
    "GetBlockWithTxs": tx.get_block_with_txs,
}
_TENDERMINT: dict[str, Answer] = {
    "GetLatestBlock": tendermint.get_latest_block,
    "GetBlockByHeight": tendermint.get_block_by_height,
    "GetNodeInfo": tendermint.get_node_info,
    "GetSyncing": tendermint.get_syncing,
    "GetLatestValidatorSet": tendermint.get_latest_validator_set,
    "GetValidatorSetByHeight": tendermint.get_validator_set_by_height,
}
_CONSENSUS: dict[str, Answer] = {"Params": consensus.params}
_GOV: dict[str, Answer] = {
    "Proposal": gov.proposal,
    "Proposals": gov.proposals,
    "Vote": gov.vote,
    "Votes": gov.votes,
    "Deposit": gov.deposit,
    "Deposits": gov.deposits,
    "TallyResult": gov.tally_of,
    "Params": gov.params,
}
_R3MES: dict[str, Answer] = {
    "Params": r3mes.params,
    "Expert": r3mes.expert,
    "Experts": r3mes.experts,
    "Round": r3mes.round_,
    "Rounds": r3mes.rounds,
    "RoundGradients": r3mes.round_gradients,
    "RoundWeights": r3mes.round_weights,
    "Commitment": r3mes.commitment,
    "Commitments": r3mes.commitments,
    "Aggregation": r3mes.aggregation,
    "Proofs": disputes.proofs,
    "Challenge": disputes.challenge,
    "Challenges": disputes.challenges,
    "Slashes": disputes.slashes,
    "Appeals": disputes.appeals,
    "Models": disputes.models,
    "ContentEndpoints": endpoints.content_endpoints,
    "InferenceRequests": market.inference_requests,
}
_REMES: dict[str, Answer] = {
    "Params": remes.params,
    "GetGradient": remes.get_gradient,
    "GetStoredGradient": remes.get_stored_gradient,
    "ListStoredGradient": remes.list_stored_gradient,
    "GetAggregation": remes.get_aggregation,
    "GetNodeRegistration": remes.get_node_registration,
    "ListNodeRegistrations": remes.list_node_registrations,
    "GetModelParams": remes.get_model_params,
    "GetGlobalModelState": remes.get_global_model_state,
    "QueryMiners": miners.miners,
    "QueryStatistics": remes.statistics,
    "GetMinerScore": market.miner_score,
    "QueryMinerFraudScore": market.miner_fraud_score,
    "GetDatasetProposal": market.dataset_proposal,
    "ListDatasetProposals": market.dataset_proposals,
    "GetApprovedDataset": market.approved_dataset,
    "ListApprovedDatasets": market.approved_datasets,
    "GetInferenceRequest": market.inference_request,
    "GetServingNodeStatus": market.serving_node,
    "ListServingNodes": market.serving_nodes,
    "GetRewardFormula": market.reward_formula,
    "QueryActivePool": market.active_pool,
    "QueryAvailableChunks": market.available_chunks,
    "QueryBlocks": remes.blocks,
    "QueryBlock": remes.block,
}

SERVICES = (
    Service(auth_wire.DESCRIPTOR.services_by_name["Query"], _AUTH),
    Service(bank_wire.DESCRIPTOR.services_by_name["Query"], _BANK),
    Service(tx_wire.DESCRIPTOR.services_by_name["Service"], _TX),
    Service(tendermint_wire.DESCRIPTOR.services_by_name["Service"], _TENDERMINT),
    Service(consensus_wire.DESCRIPTOR.services_by_name["Query"], _CONSENSUS),
    Service(gov_wire.DESCRIPTOR.services_by_name["Query"], _GOV),
    Service(r3mes_wire.DESCRIPTOR.services_by_name["Query"], _R3MES),
    Service(remes_wire.DESCRIPTOR.services_by_name["Query"], _REMES),
)
"""Everything that is served."""


def not_found(missing: NotOnChain) -> str:
    """The text of a missing record: cosmpy takes `tx` and `not found`, and nothing else, for "not in a block yet"."""
    return f"{missing.what} not found: {missing.key}"
