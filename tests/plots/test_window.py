from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import plots, train
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.plots import gates
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK, many


def test_a_series_is_chosen_by_its_name_and_the_first_by_default(tmp_path: Path) -> None:
    panel = many(3)
    run = train(panel, draw=False, store_folder=tmp_path, **QUICK).run
    lookback = run.config.plan.lookback
    for name, position in ((None, 0), ("series 0", 0), ("series 2", 2)):
        figure = gates.figure(run, Labels(), name)
        assert f"series {position} (y)" in figure.get_suptitle()
        end = panel.offsets[position + 1]
        assert np.array_equal(
            figure.axes[0].lines[0].get_ydata(), panel.values[end - lookback : end]
        )
    with pytest.raises(SettingsError) as wrong:
        plots.draw(run, ["gates"], "series2")
    assert (wrong.value.message, wrong.value.hint) == (
        "no series 'series2' in the run",
        "did you mean 'series 2'?",
    )


def test_a_series_that_the_network_cannot_read_is_passed_over_or_refused(tmp_path: Path) -> None:
    panel = many(2)
    keep = np.r_[65:70, 70:140]
    panel = replace(panel, offsets=np.array([0, 5, 75]), values=panel.values[keep])
    run = train(panel, draw=False, store_folder=tmp_path, **QUICK).run
    assert "series 1" in gates.figure(run, Labels()).get_suptitle()
    with pytest.raises(TooLittleDataError, match="series 'series 0' is shorter than the lookback"):
        gates.figure(run, Labels(), "series 0")
