"""Runs that older releases wrote: each still loads, and forecasts what it forecast then."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.tables import forecast_csv
from forecast_cli.workflow import predict
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
ENOUGH_FOR_95 = 19  # errors, of which the largest is not exceeded by 95 % of others
STORES = sorted(GOLDEN.glob("*/store"))


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_every_release_has_left_a_golden_store() -> None:
    released = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    kept = [
        version for version in released if version != "0.1.0"
    ]  # the first to leave one was 0.2.0
    assert sorted(kept) == [path.parent.name for path in STORES], "run python tests/golden/make.py"


@pytest.mark.parametrize("root", STORES, ids=lambda path: path.parent.name)
def test_a_run_of_an_older_release_forecasts_the_same(root: Path) -> None:
    assert len(store.names(root)) == len(list(root.parent.glob("*.csv")))
    for name in store.names(root):
        run = store.load(root, name)
        assert run.manifest.versions["forecast"] == root.parent.name
        found = forecast_csv(
            predict(root.parent / run.config.source, store_folder=root, run=name).forecast
        )
        before, now = table(run.texts["forecast.csv"]), table(found)
        assert [len(row) for row in now] == [len(row) for row in before]
        assert before[0] == now[0]
        texts = now[0].index("forecast")
        assert [row[:texts] for row in before[1:]] == [row[:texts] for row in now[1:]]
        numbers = [np.array([row[texts:] for row in rows[1:]], float) for rows in (before, now)]
        points = [values[:, 0] for values in numbers]
        np.testing.assert_allclose(points[1], points[0], rtol=1e-4, atol=1e-4)
        if run.model.point_residuals.size >= ENOUGH_FOR_95:
            np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-4, atol=1e-4)
        else:  # up to 0.9.0, the largest of few errors was taken for any level
            assert (numbers[1][:, 1::2] <= numbers[0][:, 1::2] + 1e-4).all()
            assert (numbers[1][:, 2::2] >= numbers[0][:, 2::2] - 1e-4).all()
