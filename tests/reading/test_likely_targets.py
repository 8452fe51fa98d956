"""Which column a hint proposes to forecast."""

from __future__ import annotations

import pytest

from forecast_cli.reading.likely_targets import likely_target


def test_a_quantity_is_proposed_before_an_index() -> None:
    cells = {"row": ["1", "2", "3"], "sales": ["5", "9", "7"]}
    assert likely_target(["row", "sales"], cells) == "sales"


def test_a_column_that_counts_its_rows_is_proposed_last() -> None:
    cells = {"a": ["4", "5", "6"], "b": ["5", "9", "7"]}
    assert likely_target(["a", "b"], cells) == "b"


@pytest.mark.parametrize("odd", ["inf", "-inf", "nan", ""])
def test_cells_that_are_no_finite_numbers_are_no_count(odd: str) -> None:
    cells = {"a": [odd, odd, "3", odd], "sales": ["5", "9", "7", "8"]}
    assert likely_target(["a", "sales"], cells) == "sales"
