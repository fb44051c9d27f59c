"""What an operator reads of a round."""

from r3mes_ray.cli.round_tables import render_report
from r3mes_ray.training.proposer.report import report_of
from r3mes_ray.training.records import (
    Aggregated,
    Began,
    Committed,
    Ended,
    Excluded,
    Finalized,
    Prepared,
    Revealed,
    progress_of,
)

REFUSED = (
    Excluded(1, "finite", "tensors: lora_A has a NaN"),
    Excluded(3, "copy", "is update 0 again: cosine 1.000000"),
)
AGGREGATED = Aggregated("bafyA", "v2:00", "tiny/python@1", (0, 1, 2, 3), (0, 2), REFUSED, 0.0125)
BEGAN = Began("remes-test", 7, "python", "remes1abc", 17)


def lines_of(*records):
    text = render_report(report_of(7, "python", progress_of(records)))
    return [" ".join(line.split()) for line in text.splitlines()]


def test_report_of_a_finished_round_has_every_update_with_its_verdict_and_reason():
    lines = lines_of(
        BEGAN,
        AGGREGATED,
        Prepared("ab" * 32, "v2:cd"),
        Committed(0, 20, "AB"),
        Revealed(0, 30, ""),
        Finalized(2, 40, "AD"),
        Ended("finalized", ""),
    )
    assert lines[:5] == [
        "round 7 of python: finalized",
        "version python@2",
        "CID bafyA",
        "Merkle root v2:00",
        "energy 1.250% discarded by the target rank",
    ]
    verdicts = [line for line in lines if line.startswith("│") and ("accepted" in line or "rejected" in line)]
    assert verdicts == [
        "│ 0 │ accepted │ │ │",
        "│ 1 │ rejected │ finite │ tensors: lora_A has a NaN │",
        "│ 2 │ accepted │ │ │",
        "│ 3 │ rejected │ copy │ is update 0 again: cosine 1.000000 │",
    ]
    assert [line for line in lines if line.startswith(("│ commit", "│ reveal", "│ submit"))] == [
        "│ commit │ 20 │ AB │",
        "│ reveal │ 30 │ (found on chain) │",
        "│ submit │ 40 │ AD │",
    ]


def test_report_of_a_round_that_failed_says_why_and_has_no_tables():
    lines = lines_of(BEGAN, Ended("failed", "only 1 of 2 updates are valid"))
    assert lines == ["round 7 of python: failed", "reason only 1 of 2 updates are valid"]


def test_report_of_a_round_under_way_says_so():
    assert lines_of(BEGAN)[0] == "round 7 of python: under way"
