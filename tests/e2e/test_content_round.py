"""A miner and a proposer that share nothing but the chain: the one announces where it serves, the other finds it."""

import asyncio

import pytest
from rounds import ENVIRONMENT, UPDATES, Network

from r3mes_ray.chain import open_chain
from r3mes_ray.chain.base import send
from r3mes_ray.content import open_peers, open_store
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.settings import load_settings
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def network(tmp_path_factory, new_home, process, ray_address, rounds_environment):
    return Network(tmp_path_factory.mktemp("strangers"), new_home, process, ray_address)


@pytest.fixture(scope="module")
def miner(network, new_home):
    """A home of its own with an account that can pay its fees."""
    home = new_home(network.root / "miner", chain={"grpc_address": network.settings.chain.grpc_address})
    address = ensure_key(load_settings(home, None), "operator").address("remes")
    client = open_chain(network.settings, network.operator)
    coins = [Coin(denom="uremes", amount="5000000")]
    asyncio.run(send(client, [MsgSend(from_address=client.address, to_address=address, amount=coins)]))
    return home


def test_proposer_fetches_from_a_miner_that_it_learns_of_from_the_chain(network, miner, process):
    url = process("content", "serve", "--announce", "--home", miner, "--json", env=ENVIRONMENT).wait_json()["url"]
    opened = network.open_round("python", store=open_store(load_settings(miner, None)))
    assert open_peers(network.settings).read() == ()
    network.skip_to(opened.submit_end)
    proposer = process("round", "run", "--expert", "python", "--home", network.home, "--json", env=ENVIRONMENT)
    network.wait_for(proposer, "[3/9]")
    assert open_peers(network.settings).read() == (url,)
    network.wait_for(proposer, f"{UPDATES} of {UPDATES}")
