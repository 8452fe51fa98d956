"""What benchmarks/versus.py gives to other libraries, and what it reads of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import versus
from benchmarks.suites import Suite

SUITE = Suite(
    "made-up", {"": np.array([1.0, 2.0])}, {"": np.array([3.0, 4.0, 5.0, 6.0])}, 2, 1, origins=2
)


def test_each_origin_is_a_series_of_the_rows_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = versus.histories_of(SUITE)
    found = {name: rows.tolist() for name, rows in histories.items()}
    assert found == {"series-0": [1, 2], "series-1": [1, 2, 3, 4]}

    monkeypatch.setattr(versus, "HISTORY", 1)
    assert [rows.tolist() for rows in versus.histories_of(SUITE).values()] == [[2], [4]]


def test_files_have_steps_instead_of_dates(tmp_path: Path) -> None:
    versus.write_steps(tmp_path / "from.csv", versus.histories_of(SUITE))
    lines = (tmp_path / "from.csv").read_text().splitlines()
    assert lines[:4] == ["unique_id,ds,y", "series-0,0,1.0", "series-0,1,2.0", "series-1,0,1.0"]


def test_forecasts_are_put_in_the_order_of_origins(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    path.write_text("unique_id,forecast\nseries-1,5\nseries-1,6\nseries-0,3\nseries-0,4\n")
    forecasts = versus.read_forecasts(path, SUITE)
    assert forecasts[""].tolist() == [3, 4, 5, 6]
    assert versus.error_of(SUITE, forecasts) == ("mase", 0.0)
