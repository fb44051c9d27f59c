from __future__ import annotations

from dataclasses import dataclass

from r3mes_ray.cli.tables import cell, fields, table


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    opened_height: int | None


def test_fields_are_aligned_and_nothing_is_a_dash() -> None:
    assert fields(Row("python", None)) == "name           python\nopened height  -"


def test_table_columns_are_aligned_under_their_names() -> None:
    rows = [Row("python", 0), Row("go", 12)]
    assert table(rows, ("name", "opened_height"), "none") == "name    opened height\npython  0\ngo      12"


def test_table_without_rows_says_so() -> None:
    assert table([], ("name",), "no expert") == "no expert"


def test_cell_zero_is_written_out() -> None:
    assert [cell(value) for value in (0, False, (), ("a", "b"), b"\x0a")] == ["0", "False", "-", "a, b", "0a"]
