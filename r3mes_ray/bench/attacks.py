"""What a round comes to by rule and attack, on updates that miners of the shipped model train.

Two figures for each: held-out loss, and how far the result is from the honest mean, beside the rule's bound.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from r3mes_ray.bench.bounds import Honest, bound, bound_before, distance_to_mean, honest_geometry
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
from r3mes_ray.training.aggregation import Aggregate, aggregate_updates
from r3mes_ray.training.algebra import LAPACK
from r3mes_ray.training.gate.copies import find_copies
from r3mes_ray.training.gate.validation import check_effect
from r3mes_ray.training.proposer.workspace import empty_folder
from r3mes_ray.training.round import RoundPlan
from r3mes_ray.training.rules import LARGEST_FAULTS, RuleParameters, faults_borne
from r3mes_ray.training.steps import compare_steps
from r3mes_ray.training.stored import StoredAdapter, part_at, stored
from r3mes_ray.types import Address, RoundId

HONEST, FAULTS, EXPERT = 7, 2, "optics"
LOSS, DISTANCE = "nats", "honest radii"
MINING = MiningSettings(rank=8, alpha=16, steps=30, batch=4, window_tokens=64)
HELDOUT_CHARACTERS = 4_000
BEFORE = {"multi-krum + nnm": ("multi-krum", "nnm"), "geometric-median + arc": ("geometric-median", "arc")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round: held-out loss in nats per token, and the result's distance from the honest mean.

    Attributes:
        distance: in honest radii, that is in distances of the farthest honest update from the honest mean.
        allowed: the rule's bound and what the target rank cut off, in the same unit; None without a bound.
    """

    loss: float
    distance: float
    allowed: float | None


@dataclass(frozen=True, slots=True)
class _Bench:
    """Rounds are computed with LAPACK: to the digits that are shown, the published path gives the same, later."""

    base: BaseModel
    folder: Path
    text: str

    def outcome(self, rule: str, before: str | None, updates: Sequence[StoredAdapter], known: Honest) -> Outcome:
        """A round with this rule over what the gate lets pass."""
        faults = FAULTS if LARGEST_FAULTS[rule](HONEST) >= FAULTS else 0
        parameters = RuleParameters.model_validate({"faults": faults, "if_too_few": "lower", "before": before})
        aggregate = aggregate_updates(self.base, _plan(rule, parameters), updates, algebra=LAPACK)
        package = make_package(
            aggregate.config,
            aggregate.tensors,
            base_id=self.base.base_id,
            expert=EXPERT,
            version=1,
            origin=UpdateOrigin(Address("bench"), RoundId(0)),
        )
        loss = float(window_losses(self.base, package, self.text, MINING.window_tokens).mean())
        folder, honest = empty_folder(self.folder / "result"), updates[:HONEST]
        write_package(package, folder)
        result = stored(folder, package)
        gram = compare_steps(self.base, [*honest, result], None, LAPACK).gram
        distance = distance_to_mean(gram, range(len(honest)), len(honest))
        borne = faults_borne(rule, len(updates), parameters) or 0
        sizes = (len(updates), borne, len(updates) - len(honest))
        largest = bound(rule, known, *sizes) if before is None else bound_before(before, rule, known, *sizes)
        allowed = None if largest is None else largest + _cut(aggregate, math.sqrt(max(0.0, float(gram[-1, -1]))))
        return Outcome(loss, distance / known.radius, None if allowed is None else allowed / known.radius)

    def geometry(self, honest: Sequence[StoredAdapter]) -> Honest:
        """Of the honest steps from the base."""
        return honest_geometry(compare_steps(self.base, honest, None, LAPACK).gram, self._spread(honest))

    def _spread(self, honest: Sequence[StoredAdapter]) -> float:
        """Length of the box, along the coordinates, that holds the honest steps."""
        total = 0.0
        for path in self.base.linear_names:
            parts = [part for adapter in honest if (part := part_at(adapter, path)) is not None]
            dense = torch.stack([part.b @ part.a for part in parts])
            total += float((dense.amax(dim=0) - dense.amin(dim=0)).square().sum())
        return math.sqrt(total)

    def admitted(self, name: str, sent: Sequence[Modules]) -> list[StoredAdapter]:
        """The updates that pass the gate, as packages that were written and read like any miner's."""
        passed = []
        for index, modules in enumerate(sent):
            try:
                passed.append(self._stored(self.folder / f"{name}-{index}", modules))
            except PackageRejected:
                continue
        copies = {copy.index for copy in find_copies(compare_steps(self.base, passed, None).gram, [""] * len(passed))}
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
        adapter = stored(folder, read)
        check_effect(adapter, self.base)
        return adapter


def measure(settings: Settings, say: Callable[[str], None]) -> Report:
    """Seven honest miners and two liars, who have seen their updates; f is 2 wherever the rule bears it."""
    expert = next(expert for expert in shipped_experts() if expert.name == EXPERT)
    # On a busy machine two threads of such small layers wait for each other: twenty times as long (measured).
    base = load_base(settings.model.path, threads=settings.model.threads or 1)
    text = (expert.folder / "heldout.txt").read_text()[:HELDOUT_CHARACTERS]
    honest = [_train(base, shard, seed, say) for seed, shard in enumerate(_shards(expert.folder))]
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(base, Path(folder), text)
        start = float(window_losses(base, None, text, MINING.window_tokens).mean())
        outcomes = _outcomes(bench, honest, say)
    best = outcomes["mean", "none"].loss
    rows = [row("base, without a round", [start], LOSS, peer="honest mean", peer_samples=[best])]
    for (rule, attack), found in outcomes.items():
        name = f"{rule} | {attack}"
        rows.append(row(name, [found.loss], LOSS, peer="honest mean", peer_samples=[best]))
        allowed = [] if found.allowed is None else [found.allowed]
        rows.append(row(name, [found.distance], DISTANCE, peer="bound" if allowed else None, peer_samples=allowed))
    say(pivot(rows, LOSS) + "\n\n" + pivot(rows, DISTANCE))
    return Report(machine(), tuple(rows))


def _outcomes(bench: _Bench, honest: Sequence[Modules], say: Callable[[str], None]) -> dict[tuple[str, str], Outcome]:
    """By rule and attack. Where the gate stops an attack, the round is one that was computed before."""
    rules = {rule: (rule, None) for rule in LARGEST_FAULTS} | BEFORE
    geometry: Honest | None = None
    known: dict[tuple[str, tuple[bytes, ...]], Outcome] = {}
    found: dict[tuple[str, str], Outcome] = {}
    for attack, make in ATTACKS.items():
        sent = [*honest, *make(honest, FAULTS)]
        admitted = bench.admitted(attack, sent)
        geometry = geometry or bench.geometry(admitted[:HONEST])
        digests = tuple(digest_of(adapter) for adapter in admitted)
        say(f"{attack}: the gate lets {len(admitted)} of {len(sent)} pass")
        for name, (rule, before) in rules.items():
            key = (name, digests)
            if key not in known:
                known[key] = bench.outcome(rule, before, admitted, geometry)
            found[name, attack] = known[key]
            say(f"  {name}: {known[key]}")
    return found


def _cut(aggregate: Aggregate, kept: float) -> float:
    """How far the target rank moved a result whose length is now `kept`."""
    share = min(aggregate.discarded_energy, 1.0 - 1e-12)
    return math.sqrt(max(0.0, share / (1.0 - share))) * kept


def pivot(rows: Sequence[Row], unit: str) -> str:
    """The figures of one unit as a Markdown table: a line for each rule, a column for each attack."""
    cells = {tuple(item.name.split(" | ")): item.value for item in rows if " | " in item.name and item.unit == unit}
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
