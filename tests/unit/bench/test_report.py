from r3mes_ray.bench.report import Report, row, table


def test_row_with_a_faster_peer_has_a_ratio_below_one():
    summary = row("add", [4.0, 2.0, 3.0], "s", peer="other", peer_samples=[1.0, 2.0, 1.5])
    assert (summary.value, summary.peer_value, summary.ratio) == (3.0, 1.5, 0.5)
    assert summary.spread == 0.5 / 3.0


def test_row_of_a_rate_has_the_inverse_ratio():
    summary = row("decode", [30.0], "tokens/s", lower_is_better=False, peer="other", peer_samples=[10.0])
    assert (summary.ratio, summary.spread) == (3.0, 0.0)


def test_table_leaves_cells_without_a_peer_empty():
    lines = table(Report("a machine", (row("start", [2.5], "s"),))).splitlines()
    assert lines[-1] == "| start | 2.5 | s |  |  |  | 0% |"
