from __future__ import annotations

import numpy as np

from forecast_cli import plots
from forecast_cli.evaluation import NETWORK, Backtest, scores_by
from forecast_cli.forecasting import BASELINES
from forecast_cli.plots import backtest
from tests.plots.helpers import picture


def a_backtest(origins: int = 4, scale: float = 1.0) -> Backtest:
    random = np.random.default_rng(1)
    actual = random.normal(50, 9, (origins, 6))
    forecasts = {name: actual + random.normal(0, 2, actual.shape) for name in (NETWORK, *BASELINES)}
    return Backtest(
        series=np.zeros(origins, np.int64),
        origin=np.arange(origins),
        actual=actual,
        forecasts=forecasts,
        bounds={},
        scales=np.array([scale]),
    )


def test_every_method_has_its_errors_by_step_and_by_origin() -> None:
    result = a_backtest()
    figure = backtest.figure(result, "sales")
    left, right = figure.axes
    for axes, by in ((left, "step"), (right, "origin")):
        names = ["this network", *BASELINES.values()]
        assert [line.get_label() for line in axes.lines] == names
        for line, method in zip(axes.lines, result.forecasts, strict=True):
            expected = scores_by(result, method, by)["mase"]  # type: ignore[arg-type]
            assert np.asarray(line.get_ydata()).tolist() == expected.tolist()
            assert np.asarray(line.get_xdata()).tolist() == list(range(1, len(expected) + 1))
    assert figure.get_suptitle() == "Errors of forecasts of sales"
    assert left.get_ylabel() == "MASE"


def test_without_a_scale_the_errors_are_in_the_units_of_the_data() -> None:
    left, _ = backtest.figure(a_backtest(scale=0.0), "sales").axes
    assert left.get_ylabel() == "MAE (in units of sales)"


def test_methods_that_are_far_worse_do_not_flatten_the_others() -> None:
    result = a_backtest()
    result.forecasts["drift"] += 1e6
    left, _ = backtest.figure(result, "sales").axes
    highest = left.get_ylim()[1]
    assert scores_by(result, NETWORK, "step")["mase"].max() < highest < 100


def test_the_picture_of_one_origin_and_of_thousands_has_the_usual_size() -> None:
    for origins in (1, 3_000):
        drawn = plots.draw_backtest(a_backtest(origins), "日 $sales$")
        assert picture(drawn.files["backtest.png"]).shape[:2] == (450, 800)


def test_a_single_origin_is_number_one_on_its_axis() -> None:
    _, right = backtest.figure(a_backtest(1), "sales").axes
    assert right.get_xticks().tolist() == [1]
