"""Held-out loss of a round's result by rule and attack, on updates that miners of the shipped model train."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from r3mes_ray.bench.liars import ATTACKS, Modules
from r3mes_ray.bench.report import Report, Row, machine, row
from r3mes_ray.chain.records import RoundPhase, RoundRecord
from r3mes_ray.errors import PackageRejected
from r3mes_ray.models.adapters import UpdateOrigin, make_package, modules_of, read_package, write_package
from r3mes_ray.models.adapters.modules import tensors_of
from r3mes_ray.models.adapters.tensors import FILE
from r3mes_ray.models.base import BaseModel, load_base
from r3mes_ray.models.evaluate import window_losses
from r3mes_ray.models.finetune import train_adapter
from r3mes_ray.node.bootstrap import shipped_experts
from r3mes_ray.node.shards import split_corpus
from r3mes_ray.protocol.gradient_hash import AdapterConfig
from r3mes_ray.settings import MiningSettings, Settings
from r3mes_ray.training.aggregation import aggregate_updates
from r3mes_ray.training.copies import find_copies
from r3mes_ray.training.gram import gram_of_steps
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.rules import LARGEST_FAULTS, RuleParameters
from r3mes_ray.training.stored import StoredAdapter, layers_of
from r3mes_ray.training.validation import check_effect
from r3mes_ray.types import Address, RoundId

HONEST, FAULTS, EXPERT = 7, 2, "optics"
MINING = MiningSettings(rank=8, alpha=16, steps=50, batch=4, window_tokens=64)
HELDOUT_CHARACTERS = 6_000
BEFORE = {"multi-krum + nnm": ("multi-krum", "nnm"), "geometric-median + arc": ("geometric-median", "arc")}


@dataclass(frozen=True, slots=True)
class _Bench:
    base: BaseModel
    folder: Path
    text: str

    def loss(self, rule: str, before: str | None, updates: Sequence[StoredAdapter]) -> float:
        """Nats per token on held-out text after a round with this rule."""
        faults = FAULTS if LARGEST_FAULTS[rule](HONEST) >= FAULTS else 0
        parameters = RuleParameters.model_validate({"faults": faults, "if_too_few": "lower", "before": before})
        aggregate = aggregate_updates(self.base, _plan(rule, parameters), updates, None)
        package = make_package(
            aggregate.config,
            aggregate.tensors,
            base_id=self.base.base_id,
            expert=EXPERT,
            version=1,
            origin=UpdateOrigin(Address("bench"), RoundId(0)),
        )
        return float(window_losses(self.base, package, self.text, MINING.window_tokens).mean())

    def admitted(self, name: str, sent: Sequence[Modules]) -> list[StoredAdapter]:
        """The updates that pass the gate, as packages that were written and read like any miner's."""
        passed = []
        for index, modules in enumerate(sent):
            try:
                passed.append(self._stored(self.folder / f"{name}-{index}", modules))
            except PackageRejected:
                continue
        copies = {copy.index for copy in find_copies(gram_of_steps(self.base, passed, None), [""] * len(passed))}
        return [adapter for index, adapter in enumerate(passed) if index not in copies]

    def _stored(self, folder: Path, modules: Modules) -> StoredAdapter:
        first = next(iter(modules.values()))
        targets = tuple(sorted({path.rsplit(".", 1)[-1] for path in modules}))
        alpha = round(first.scale * first.rank)
        config = AdapterConfig("LORA", first.rank, alpha, False, False, targets, {}, {}, self.base.base_hash)
        origin = UpdateOrigin(Address("bench"), RoundId(0))
        package = make_package(
            config, tensors_of(modules), base_id=self.base.base_id, expert=EXPERT, version=1, origin=origin
        )
        write_package(package, folder)
        read = read_package(folder, max_bytes=2**30)
        adapter = StoredAdapter(folder, False, layers_of(read))
        check_effect(adapter, self.base)
        return adapter


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Seven honest miners and two liars, who have seen their updates; f is 2 wherever the rule bears it."""
    expert = next(expert for expert in shipped_experts() if expert.name == EXPERT)
    base = load_base(settings.model.path, threads=settings.model.threads)
    text = (expert.folder / "heldout.txt").read_text()[:HELDOUT_CHARACTERS]
    honest = [_train(base, shard, seed, say) for seed, shard in enumerate(_shards(expert.folder))]
    rules = {rule: (rule, None) for rule in LARGEST_FAULTS} | BEFORE
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(base, Path(folder), text)
        start = float(window_losses(base, None, text, MINING.window_tokens).mean())
        best = bench.loss("mean", None, bench.admitted("honest", honest))
        rows.append(row("base, without a round", [start], "nats", peer="honest mean", peer_samples=[best]))
        known: dict[tuple[str, tuple[bytes, ...]], float] = {}
        for attack, make in ATTACKS.items():
            admitted = bench.admitted(attack, [*honest, *make(honest, FAULTS)])
            say(f"{attack}: the gate lets {len(admitted)} of {HONEST + (FAULTS if attack != 'none' else 0)} pass")
            for name, (rule, before) in rules.items():
                # Where the gate stops an attack, the round is one that was computed before.
                key = (name, tuple(digest_of(adapter) for adapter in admitted))
                loss = known[key] = known[key] if key in known else bench.loss(rule, before, admitted)
                say(f"  {name}: {loss:.3f}")
                rows.append(row(f"{name} | {attack}", [loss], "nats", peer="honest mean", peer_samples=[best]))
    say(pivot(rows))
    return Report(machine(), tuple(rows))


def pivot(rows: Sequence[Row]) -> str:
    """The losses as a Markdown table: a line for each rule, a column for each attack."""
    cells = {tuple(item.name.split(" | ")): item.value for item in rows if " | " in item.name}
    rules, attacks = dict.fromkeys(key[0] for key in cells), dict.fromkeys(key[1] for key in cells)
    lines = ["| rule | " + " | ".join(attacks) + " |", "|---|" + "---:|" * len(attacks)]
    for rule in rules:
        lines.append(f"| {rule} | " + " | ".join(f"{cells[rule, attack]:.3f}" for attack in attacks) + " |")
    return "\n".join(lines)


def digest_of(adapter: StoredAdapter) -> bytes:
    """SHA-256 of an adapter's tensors on disk."""
    return hashlib.sha256((adapter.folder / FILE).read_bytes()).digest()


def _shards(folder: Path) -> tuple[str, ...]:
    return split_corpus((folder / "train.txt").read_text(), HONEST)


def _train(base: BaseModel, text: str, seed: int, say: Callable[[str], None]) -> Modules:
    trained = train_adapter(base, text, MINING, method="lora", start=None, seed=seed, on_step=lambda _: None)
    say(f"miner {seed}: loss {trained.loss_before:.3f} to {trained.loss_after:.3f} in {trained.seconds:.0f} s")
    return modules_of(trained.config, trained.tensors)


def _plan(rule: str, parameters: RuleParameters) -> RoundPlan:
    record = RoundRecord(
        round_id=RoundId(0),
        expert=EXPERT,
        base_model="",
        base_hash="",
        start_version=0,
        start=None,
        rule=rule,
        rule_parameters=parameters.to_json(),
        weight_height=0,
        opened_height=0,
        submit_end=0,
        commit_end=0,
        reveal_end=0,
        challenge_end=0,
        phase=RoundPhase.COMMIT,
        opened_by=Address(""),
        updates=0,
        aggregation=None,
    )
    return RoundPlan(record, parameters, (), (), ())
