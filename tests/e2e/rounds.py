"""A chain with the shipped experts, a proposer, and miners whose small updates are made, not trained.

The updates are columns and rows of a Hadamard matrix: every singular value of their mean is the same, so the truncation
has to choose among ties, and any difference in arithmetic would show in the CID.
"""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.chain.base import send
from r3mes_ray.chain.keys import PrivateKey
from r3mes_ray.chain.submission import build_submit_gradient
from r3mes_ray.content import cid_of_path, open_store
from r3mes_ray.errors import ChainUnavailable
from r3mes_ray.localnet.genesis import genesis_path, read_genesis
from r3mes_ray.localnet.node import ChainNode
from r3mes_ray.localnet.store import open_store as open_chain_store
from r3mes_ray.models.adapters import ModuleAdapter, UpdateOrigin, make_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.base import load_base
from r3mes_ray.node.bootstrap import bootstrap
from r3mes_ray.node.identity import ensure_key
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import load_settings
from r3mes_ray.training.proposer.opening import PhaseBlocks, open_round
from r3mes_ray.training.rules import RuleParameters
from r3mes_ray.wire.cosmos.bank.v1beta1.tx_pb2 import MsgSend
from r3mes_ray.wire.cosmos.base.v1beta1.coin_pb2 import Coin

ENVIRONMENT = {"R3MES_KEYRING_PASSPHRASE": "of this test", "OMP_NUM_THREADS": "1"}
EXPERTS = ("legal", "optics", "python")
PHASES = PhaseBlocks(submit=300, commit=400, reveal=400, challenge=3)
"""Blocks come for transactions (see idle_chain.py), `skip_to` makes the others: no machine is too slow for a phase."""
BLOCK_MS = 20
RANK, UPDATES, MOST_UPDATES = 3, 2, 8


class Network:
    """One chain, whose phases end when a test says so; `home` is the proposer's."""

    def __init__(self, root, new_home, process, ray_address, *, miners=UPDATES, **sections):
        self.root, self._process = root, process
        self.home = new_home(root / "node", ray={"address": ray_address}, **sections)
        self.settings = load_settings(self.home, None)
        self.operator = ensure_key(self.settings, "operator")
        self.miners = [PrivateKey(secrets.token_bytes(32)) for _ in range(miners)]
        self.base = load_base("tiny")
        self.chain = None
        self.start_chain()
        asyncio.run(self._prepare())

    def start_chain(self):
        balance = f"{self.operator.address('remes')}=1000000000000uremes"
        flags = ("--home", self.home, "--json", "--block-time-ms", BLOCK_MS, "--genesis-balance", balance)
        script = (sys.executable, Path(__file__).with_name("idle_chain.py"))
        self.chain = self._process("chain", "start", *flags, env=ENVIRONMENT, command=script)
        self.chain.wait_json()

    def kill_chain(self):
        os.kill(self.chain.process.pid, signal.SIGKILL)
        self.chain.process.wait(30)

    def skip_to(self, height):
        """Kill the chain, make blocks without transactions until it is just above a height, and start it again."""
        self.kill_chain()
        path = genesis_path(self.settings)
        genesis = read_genesis(path)
        node = ChainNode(genesis, open_chain_store(path.with_name("chain.sqlite"), genesis))
        while node.height <= height:
            node.produce(time.time_ns())
        node.store.close()
        self.start_chain()

    def ask(self, question):
        """Ask the chain, which may have been started a moment ago on a busy machine."""
        until = time.monotonic() + 120
        while True:
            try:
                return asyncio.run(question(open_chain(self.settings, None)))
            except ChainUnavailable:
                assert time.monotonic() < until, self.chain.text
                time.sleep(0.2)

    def commitment(self, round_id):
        return self.ask(lambda client: queries.commitment(client, round_id, self.operator.address("remes")))

    def finish(self, opened, proposer):
        """Let a running proposer come to the end of its round, without waiting for the phases; its report."""
        self.wait_for(proposer, "[8/9] reveal")
        self.skip_to(opened.commit_end)
        self.wait_for(proposer, "[9/9] submit")
        self.skip_to(opened.challenge_end)
        report = proposer.wait_json()
        assert report.get("outcome") == "finalized", f"{report}\n{proposer.text}"
        return report

    @staticmethod
    def wait_for(proposer, text, timeout_s=300):
        until = time.monotonic() + timeout_s
        while text not in proposer.text:
            assert proposer.process.poll() is None, f"{proposer.process.stdout.read()}\n{proposer.text}"
            assert time.monotonic() < until, proposer.text
            time.sleep(0.1)

    async def _prepare(self):
        client = open_chain(self.settings, self.operator)
        await bootstrap(self.settings, client, open_store(self.settings), lambda line: None)
        coins = [Coin(denom="uremes", amount="5000000")]
        receivers = [key.address("remes") for key in self.miners]
        await send(client, [MsgSend(from_address=client.address, to_address=to, amount=coins) for to in receivers])

    def open_round(self, expert, *, updates=UPDATES, missing=0, store=None):
        """Open a round and submit updates to it; their bytes go into `store`, by default the proposer's.

        The bytes of the last `missing` of them are nowhere.
        """
        self.ask(lambda client: client.status())
        return asyncio.run(self._open_round(expert, updates, missing, store or open_store(self.settings)))

    async def _open_round(self, expert, updates, missing, store):
        parameters = RuleParameters(rank=RANK, min_updates=2)
        opened = await open_round(open_chain(self.settings, self.operator), expert, parameters, PHASES, "mean")
        for number in range(updates):
            await self._submit(opened, number, store if number < updates - missing else None)
        return opened

    async def _submit(self, opened, number, store):
        key = self.miners[number]
        client = open_chain(self.settings, key)
        package = self._package(opened, number, client.address)
        folder = self.root / f"update-{opened.round_id}-{number}"
        write_package(package, folder)
        message = build_submit_gradient(
            key,
            self.settings.chain.chain_id,
            cid=cid_of_path(folder),
            gradient_hash=package.manifest.gradient_hash,
            model_version=f"{self.base.base_id}/{opened.expert}@{opened.start_version}",
            round_id=opened.round_id,
            nonce=await queries.next_nonce(client),
        )
        await send(client, [message])
        if store is not None:
            await store.add(folder)

    def _package(self, opened, number, miner):
        modules = {}
        for path, (rows, columns) in self.base.linear_shapes.items():
            if path.endswith("q_proj"):
                first = 2 * (number + MOST_UPDATES * opened.start_version)
                b, a = hadamard(rows)[:, first : first + 2], hadamard(columns)[first + 96 : first + 98]
                modules[path] = ModuleAdapter(a * 0.01, (b * 0.01).contiguous(), 1.0, None)
        config = AdapterConfig("LORA", 2, 2, False, False, ("q_proj",), {}, {}, self.base.base_hash)
        return make_package(
            config,
            tensors_of(modules),
            base_id=self.base.base_id,
            expert=opened.expert,
            version=opened.start_version + 1,
            origin=UpdateOrigin(miner, opened.round_id),
        )


def hadamard(size):
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)])
    return matrix


class Mortal:
    """A server of processes that die on demand, see mortal.py: one command at a time."""

    def __init__(self, network, folder):
        folder.mkdir(parents=True)
        self.home, self._out, self._log = network.home, folder / "out", folder / "log"
        script = Path(__file__).with_name("mortal.py")
        self._server = subprocess.Popen(
            [sys.executable, str(script), str(self.home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **ENVIRONMENT},
        )

    def run(self, *arguments, dies=None):
        """Run a command to its end or its death; returns the exit code, and the JSON that it printed."""
        self._out.write_text("")
        command = [*map(str, arguments), "--home", str(self.home), "--json"]
        task = {"arguments": command, "out": str(self._out), "log": str(self._log), "dies": dies}
        print(json.dumps(task), file=self._server.stdin, flush=True)
        line = self._server.stdout.readline()
        assert line, f"the server of processes ended:\n{self.said}"
        lines = self._out.read_text().splitlines()
        return int(line), json.loads(lines[-1]) if lines else None

    @property
    def said(self):
        return self._log.read_text() if self._log.exists() else ""

    def close(self):
        self._server.communicate(timeout=120)
