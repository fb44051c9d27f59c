"""A challenge carries evidence, is made for fraud alone, and rests on what the checker could see for itself."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from r3mes_ray.content import open_store
from r3mes_ray.errors import ContentNotFound, NotFraud
from r3mes_ray.models.adapters import Exclusion, make_package, read_package, write_package
from r3mes_ray.settings import Settings
from r3mes_ray.training.checking.challenge import challenge_round
from r3mes_ray.training.checking.verification import check_round
from r3mes_ray.training.proposer.context import RoundPorts
from r3mes_ray.training.proposer.coordinator import RoundCoordinator
from r3mes_ray.wire.r3mes.v1 import query_pb2 as ours
from r3mes_ray.wire.remes.remes.v1.tx_pb2 import MsgChallengeAggregationResponse


class Client:
    """The fake chain for a challenger: it knows the bond, and takes the challenge."""

    def __init__(self, chain):
        self._chain, self.address = chain, chain.address
        chain._on_MsgChallengeAggregation = lambda message: None

    async def sign(self, messages, *, gas=None, memo=""):
        return await self._chain.sign(messages, gas=gas, memo=memo)

    async def broadcast(self, tx):
        return replace(await self._chain.broadcast(tx), responses=(MsgChallengeAggregationResponse(challenge_id=3),))

    async def query(self, request):
        if isinstance(request, ours.QueryParamsRequest):
            return ours.QueryParamsResponse(denom="uremes", challenge_bond="7000000uremes")
        return await self._chain.query(request)


@pytest.fixture
async def world(chain, clock, base, packages, tmp_path):
    """A finished round of three updates, a checker, and a way to publish another package in the aggregate's place."""
    settings = Settings(home=tmp_path / "home")
    store = open_store(settings)
    for number in range(3):
        await packages.publish(chain, store, packages.make(number, dora=number != 1))
    report = await RoundCoordinator(RoundPorts(settings, chain, store, lambda: base, clock=clock)).run(0)
    revealed = chain.aggregations[0]
    revealed.participant_gradient_ids.extend(report.accepted)
    revealed.merkle_root = report.merkle_root
    client = Client(chain)
    await store.get(report.cid, tmp_path / "original")
    package = read_package(tmp_path / "original", max_bytes=2**20)

    async def check():
        (tmp_path / "check").mkdir()
        return await check_round(settings, client, store, lambda: base, 0, tmp_path / "check")

    async def republish(tensors, accepted=None, **origin):
        manifest = package.manifest
        accepted = manifest.origin.accepted if accepted is None else accepted
        (past,) = manifest.origin.history
        past = replace(past, updates=tuple(update for update in past.updates if update.id in accepted))
        origin |= {"accepted": accepted, "history": (past,)}
        made = make_package(
            package.config,
            tensors,
            base_id=manifest.base_id,
            expert=manifest.expert,
            version=manifest.version,
            origin=replace(manifest.origin, **origin),
        )
        write_package(made, tmp_path / "changed")
        revealed.aggregated_gradient_ipfs_hash = await store.add(tmp_path / "changed")

    async def challenge(checked):
        return await challenge_round(client, store, 0, checked, tmp_path / "check")

    world = SimpleNamespace(store=store, report=report, revealed=revealed, package=package)
    world.check, world.republish, world.challenge = check, republish, challenge
    return world


async def test_manifest_with_other_weights_is_fraud(world):
    await world.republish(world.package.tensors, weights=(0.5, 0.25, 0.25))
    found = (await world.check()).verification
    assert (found.verdict, found.reason) == (
        "FRAUD",
        "its manifest names other weights than the chain and the rule give",
    )


async def test_update_that_is_not_to_be_had_gives_no_verdict(world, chain):
    """A node that cannot fetch what the proposer had knows nothing: it must not cry fraud."""
    chain.updates[1].ipfs_hash = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    with pytest.raises(ContentNotFound, match="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"):
        await world.check()


async def test_exclusion_on_the_proposers_word_is_told(world):
    lost = (Exclusion(1, "content-missing", "has not arrived by block 27"),)
    await world.republish(world.package.tensors, excluded=lost, accepted=(0, 2), weights=(0.5, 0.5))
    del world.revealed.participant_gradient_ids[1]
    found = await world.check()
    assert found.verification.on_trust == (1,)
    assert found.own.admission.accepted == (0, 2)


async def test_limit_that_is_not_the_chains_is_fraud(world):
    """Who counts is no proposer's choice: without a limit on chain all valid updates enter."""
    own = (Exclusion(2, "limit", "only 2 are considered"),)
    await world.republish(world.package.tensors, excluded=own, accepted=(0, 1), weights=(0.5, 0.5))
    del world.revealed.participant_gradient_ids[2]
    found = (await world.check()).verification
    assert (found.verdict, found.reason) == ("FRAUD", "the chain says [0, 1] were accepted, valid are [0, 1, 2]")


async def test_challenge_of_an_honest_aggregate_is_refused_and_sends_nothing(world, chain):
    sent = len(chain.accepted)
    checked = await world.check()
    with pytest.raises(NotFraud, match="of round 0 is EXACT, so it is not challenged"):
        await world.challenge(checked)
    assert len(chain.accepted) == sent


async def test_challenge_of_an_equivalent_aggregate_is_refused(world, chain):
    factor = {"lora_A.weight": 3.0, "lora_B.weight": 1 / 3.0}
    turned = {name: tensor * factor.get(name[-13:], 1.0) for name, tensor in world.package.tensors.items()}
    await world.republish(turned)
    with pytest.raises(NotFraud, match="is EQUIVALENT"):
        await world.challenge(await world.check())


async def test_challenge_of_fraud_carries_bond_reason_and_evidence(world, chain, tmp_path):
    await world.republish({name: tensor * 1.5 for name, tensor in world.package.tensors.items()})
    checked = await world.check()
    landed = await world.challenge(checked)
    sent = chain.accepted[-1]
    assert (sent.aggregation_id, sent.evidence_ipfs_hash) == (0, landed.evidence)
    assert [(coin.denom, coin.amount) for coin in sent.bond_amount] == [("uremes", "7000000")]
    assert (landed.challenge_id, sent.reason) == (3, checked.verification.reason)
    await world.store.get(landed.evidence, tmp_path / "evidence")
    said = json.loads((tmp_path / "evidence" / "evidence.json").read_text())
    assert (said["verification"]["verdict"], said["verification"]["own_cid"]) == ("FRAUD", world.report.cid)
    own = read_package(tmp_path / "evidence" / "aggregate", max_bytes=2**20)
    assert own.manifest.gradient_hash == world.package.manifest.gradient_hash
