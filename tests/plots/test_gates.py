from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from forecast_cli import store, train
from forecast_cli.plots import gates
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK, heat_maps, many, recorded, words_of


@pytest.mark.parametrize(
    ("settings", "panels"),
    [
        ({}, ["forget gate", "input gate", "output gate", "memory", "state"]),
        ({"cell": "gru", "bidirectional": True}, ["reset gate", "update gate", "candidate", "state"]),
        ({"cell": "rnn", "members": 2}, ["state"]),
        ({"preset": "classic"}, ["forget gate", "input gate", "output gate", "memory", "state"]),
        ({"lookback": 28, "segment": 7, "units": "5,3"}, ["forget gate", "input gate", "output gate", "memory", "state"]),
    ],
)  # fmt: skip
def test_gates_end_in_the_state_that_the_forecast_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], panels: list[str]
) -> None:
    # The network alone: the base network has another state.
    asked = QUICK | {"epochs": 1, "warm_start": "none"} | settings
    run = train(many(1), draw=False, store_folder=tmp_path, **asked).run
    shape, first = run.config.plan.architecture, recorded(monkeypatch, run, "encode")[0]
    figure = gates.figure(run, Labels())
    drawn = heat_maps(figure)
    assert [values.shape for values in drawn] == [(shape.units[-1], shape.steps)] * len(panels)
    assert np.sort(drawn[-1][:, -1]) == pytest.approx(
        np.sort(first.states[-1][0][0, : shape.units[-1]])
    )
    said = words_of(figure)
    assert [name for name in panels if name not in said] == []
    assert ("no gates" in said) == (shape.cell == "rnn")
    assert ("forward direction" in said) == shape.bidirectional
    assert ("segment of 7 rows" in said) == (shape.segment == 7)
    assert ("Member 1 of 2" in said) == (len(run.model.members) == 2)
    assert ("layer 2 of 2" in said.lower()) == (len(shape.units) == 2)


def test_a_row_of_the_gates_is_the_same_unit_in_every_panel(airline_store: Path) -> None:
    *_, output, memory, state = heat_maps(gates.figure(store.load(airline_store), Labels()))
    assert output * np.tanh(memory) == pytest.approx(state)


def test_heat_maps_stand_under_the_rows_that_they_are_of(airline_store: Path) -> None:
    """Months of unequal length: a column begins and ends between its rows and the next ones."""
    run = store.load(airline_store)
    figure = gates.figure(run, Labels())
    times = np.asarray(figure.axes[0].lines[0].get_xdata(orig=False))
    (mesh,) = (child for child in figure.axes[-1 - 5].collections if isinstance(child, QuadMesh))
    edges = np.asarray(mesh.get_coordinates())[0, :, 0]
    rows = times.reshape(-1, run.config.plan.architecture.segment)
    assert len(edges) == len(rows) + 1
    assert (edges[:-1] < rows[:, 0]).all()
    assert (rows[:, -1] < edges[1:]).all()
