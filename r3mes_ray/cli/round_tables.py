"""Rounds as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from r3mes_ray.chain.records import RoundRecord, UpdateRecord
from r3mes_ray.cli.tables import fields
from r3mes_ray.training.proposer.report import RoundReport

_WIDTH = 118


def render_report(report: RoundReport) -> str:
    """How a round came out: its end, its verdicts, its transactions."""
    outcome = report.outcome or "under way"
    lines = [f"round        {report.round_id} of {report.expert}: {outcome}"]
    if report.reason:
        lines.append(f"reason       {report.reason}")
    if report.version is not None:
        lines.append(f"version      {report.expert}@{report.version}")
    if report.cid is not None:
        lines += [f"CID          {report.cid}", f"Merkle root  {report.merkle_root}"]
        lines.append(f"energy       {report.discarded_energy:.3%} discarded by the target rank")
    return "\n".join(lines) + "\n" + _print(_verdicts(report)) + _print(_transactions(report))


def render_round(record: RoundRecord, updates: Sequence[UpdateRecord], report: RoundReport | None) -> str:
    """A round as the chain has it, its updates, and this node's report where it has one."""
    listed = Table(title="Updates on chain", title_justify="left")
    for heading in ("id", "miner", "CID", "height", "status", "claimed loss"):
        listed.add_column(heading, overflow="fold")
    for update in updates:
        row = (update.update_id, update.miner, update.cid, update.submitted_height, update.status, update.claimed_loss)
        listed.add_row(*map(str, row))
    own = "" if report is None else "\n" + render_report(report)
    return fields(record) + "\n" + _print(listed) + own


def _verdicts(report: RoundReport) -> Table:
    table = Table(title="Updates", title_justify="left")
    for heading in ("id", "verdict", "rule", "detail"):
        table.add_column(heading, overflow="fold")
    rows = [(update_id, "accepted", "", "") for update_id in report.accepted]
    rows += [(entry.update_id, "rejected", entry.rule, entry.detail) for entry in report.excluded]
    for row in sorted(rows):
        table.add_row(*map(str, row))
    return table


def _transactions(report: RoundReport) -> Table:
    table = Table(title="Transactions", title_justify="left")
    for heading in ("step", "height", "hash"):
        table.add_column(heading)
    for entry in report.transactions:
        table.add_row(entry.step, str(entry.height), entry.tx_hash or "(found on chain)")
    return table


def _print(table: Table) -> str:
    if not table.row_count:
        return ""
    console = Console(width=_WIDTH, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get()
