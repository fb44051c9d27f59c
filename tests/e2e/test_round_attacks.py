"""`r3mes bench attacks` on updates that miners of the shipped model train: docs/aggregation.md has its tables."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.soak, pytest.mark.timeout(3600)]

RULES, BOUNDED, ATTACKS = 13, 12, 10


def test_every_rule_stays_within_its_bound_on_trained_updates(r3mes, tmp_path):
    code, report, said = r3mes("bench", "attacks", "--home", tmp_path, timeout_s=3600)
    assert code == 0, said
    check(report)


def check(report):
    rows = {(row["name"], row["unit"]): row for row in report["rows"]}
    distances = [row for (_, unit), row in rows.items() if unit == "honest radii"]
    bounded = [row for row in distances if row["peer"] == "bound"]
    assert (len(distances), len(bounded)) == (RULES * ATTACKS, BOUNDED * ATTACKS)
    beyond = [row["name"] for row in bounded if row["value"] > row["peer_value"]]
    assert beyond == []
    without, mean = rows["base, without a round", "nats"], rows["mean | none", "nats"]
    assert mean["value"] < without["value"]
    # The gate leaves nothing of these, so no rule can tell them from a round without liars.
    for attack in ("mimic", "replay", "NaN", "huge norm"):
        assert rows[f"mean | {attack}", "nats"]["value"] == mean["value"]
