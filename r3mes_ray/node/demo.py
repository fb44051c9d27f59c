"""The whole loop in one command: three miners, one round, one question, and a table that shows that it helped.

The miners, the proposer and the judge are processes, as they would be on machines of their own: each miner has
its home and key, and the judge scores adapters that it fetches by CID.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from r3mes_ray.chain import open_chain, queries
from r3mes_ray.errors import DemoFailed
from r3mes_ray.node.bootstrap import ShippedExpert, shipped_experts
from r3mes_ray.node.command import Command
from r3mes_ray.node.miners import Miners
from r3mes_ray.node.ports import free_ports
from r3mes_ray.node.question import Answer, ask, wait_for_version
from r3mes_ray.node.up import Node, Say, Stage, dump_settings
from r3mes_ray.settings import DiskContent, Settings
from r3mes_ray.wire.cosmos.tx.v1beta1.service_pb2 import GetTxRequest, GetTxResponse

MINERS = ("alice", "bob", "carol")
EXPERT = "python"
QUESTION = "What does str.join do in Python?"
BLOCK_TIME_MS = 500
PHASES = {"submit_blocks": 26, "commit_blocks": 60, "reveal_blocks": 20, "challenge_blocks": 12}
"""59 s of phases; half of it to commit, in which two busy cores fetch, verify and aggregate."""
REQUIRED_GAIN_NATS = 0.1


@dataclass(frozen=True, slots=True)
class Score:
    """Held-out loss of one version, in nats per token; `low` and `high` bound the difference to the base at 95 %."""

    who: str
    cid: str
    loss: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo showed.

    Attributes:
        transactions: what each transaction was for, and its hash; all were included with code 0.
        stages: seconds by stage.
        phase_seconds: what the round's phases take by themselves.
    """

    expert: str
    round_id: int
    cid: str
    merkle_root: str
    transactions: tuple[tuple[str, str], ...]
    scores: tuple[Score, ...]
    answer: Answer
    stages: dict[str, float]
    phase_seconds: float


def demo_settings(settings: Settings) -> Settings:
    """A home, ports and phases of the demo's own, so that it disturbs no node that runs."""
    grpc, rpc, http, dashboard, content = free_ports(5)
    return settings.model_copy(
        update={
            "home": settings.home / "demo",
            "chain": settings.chain.model_copy(update={"grpc_address": f"127.0.0.1:{grpc}"}),
            "localnet": settings.localnet.model_copy(
                update={"grpc_port": grpc, "rpc_port": rpc, "block_time_ms": BLOCK_TIME_MS, **PHASES}
            ),
            "content": DiskContent(),
            "content_server": settings.content_server.model_copy(update={"port": content, "public_url": None}),
            "serving": settings.serving.model_copy(update={"port": http}),
            "ray": settings.ray.model_copy(update={"dashboard_port": dashboard}),
        }
    )


async def run_demo(settings: Settings, say: Say) -> DemoResult:
    """Run the loop from nothing, check what it claims, and stop all that was started.

    Raises:
        DemoFailed: a step did not do what it should.
    """
    own = demo_settings(settings)
    shutil.rmtree(own.home, ignore_errors=True)
    dump_settings(own, "config.yaml")
    node = Node(own, say)
    await node.start()
    try:
        return await _Demo(own, node, say).run()
    finally:
        await node.stop()


class _Demo:
    """One run: what the steps hand to each other."""

    def __init__(self, settings: Settings, node: Node, say: Say) -> None:
        self._settings, self._node, self._say = settings, node, say
        self._expert: ShippedExpert = next(item for item in shipped_experts() if item.name == EXPERT)
        self._url = f"http://{settings.serving.host}:{settings.serving.port}"

    async def run(self) -> DemoResult:
        miners = Miners(self._settings, self._expert, MINERS, self._say)
        try:
            return await self._run(miners)
        finally:
            await miners.stop()

    async def _run(self, miners: Miners) -> DemoResult:
        with self._stage("miners' keys and coins"):
            funding = await miners.fund()
        with self._stage("training"):
            await miners.train()
        with self._stage("round"):
            opened = await self._r3mes("round", "open", "--expert", EXPERT)
            updates = await miners.submitted()
            settled = await self._r3mes("round", "run", "--expert", EXPERT)
        with self._stage("new version served"):
            await wait_for_version(self._url, f"{EXPERT}@{settled['version']}", timeout_s=60)
        with self._stage("answer"):
            answer = await ask(self._url, QUESTION)
        with self._stage("held-out losses"):
            judged = await self._judge([str(update["cid"]) for update in updates], str(settled["cid"]))
        steps = [(str(item["step"]), str(item["tx_hash"])) for item in settled["transactions"]]
        result = DemoResult(
            expert=EXPERT,
            round_id=int(settled["round_id"]),
            cid=str(settled["cid"]),
            merkle_root=str(settled["merkle_root"]),
            transactions=(
                ("fund the miners", funding),
                ("open the round", str(opened["tx_hash"])),
                *((f"update of {name}", str(update["tx_hash"])) for name, update in zip(MINERS, updates, strict=True)),
                *steps,
            ),
            scores=judged,
            answer=answer,
            stages=dict(self._node.stages),
            phase_seconds=sum(PHASES.values()) * BLOCK_TIME_MS / 1000,
        )
        await self._check(result)
        return result

    async def _r3mes(self, *arguments: str) -> dict[str, Any]:
        name = "-".join(arguments[:2])
        command = await Command.start(name, *arguments, home=self._settings.home, say=self._say)
        return await command.result()

    async def _judge(self, updates: Sequence[str], aggregate: str) -> tuple[Score, ...]:
        adapters = [part for cid in (*updates, aggregate) for part in ("--adapter", cid)]
        data = ("--data", str(self._expert.folder / "heldout.txt"))
        scored = await self._r3mes("model", "evaluate", *data, *adapters)
        names = ("base model", *(f"update of {name}" for name in MINERS), "aggregate")
        return tuple(
            Score(who, str(row["cid"] or ""), row["loss"], row["difference"], row["low"], row["high"])
            for who, row in zip(names, scored["rows"], strict=True)
        )

    async def _check(self, result: DemoResult) -> None:
        """Look at the claims once more, on the chain and in the scores."""
        client = open_chain(self._settings, None)
        for what, tx_hash in result.transactions:
            found = await queries.ask(client, GetTxRequest(hash=tx_hash), GetTxResponse)
            code = found.tx_response.code
            require(code == 0, f"the transaction to {what} succeeded", f"its code is {code}")
        onchain = (await queries.expert(client, EXPERT)).adapter
        require(onchain == result.cid, "the submitted aggregate is the expert's version", f"the chain says {onchain}")
        served = result.answer.cid
        require(served == result.cid, "the answer came from the submitted aggregate", f"it came from {served}")
        best = result.scores[-1]
        gain = f"the difference to the base is {best.difference:+.3f} nats, 95 % in [{best.low:+.3f}, {best.high:+.3f}]"
        require(best.difference <= -REQUIRED_GAIN_NATS and best.high < 0, "the aggregate is better than the base", gain)

    def _stage(self, name: str) -> Stage:
        return Stage(name, self._node.stages, self._say)


def require(holds: bool, claim: str, found: str) -> None:
    """Raise DemoFailed unless the claim holds."""
    if not holds:
        raise DemoFailed(claim, found)
