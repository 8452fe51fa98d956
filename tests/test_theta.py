"""The theta method, beside what statsmodels 0.15.0 gives for the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.theta import seasonal_indices, theta

# The logarithms of the first three years of air passengers (Box & Jenkins 1976).
PASSENGERS = np.log(
    [
        *(112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118),
        *(115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140),
        *(145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166),
    ]
)


def test_seasonal_indices_are_those_of_classical_decomposition() -> None:
    # From seasonal_decompose with the additive model and the periods 12 and 7.
    of_even = [-0.096896, -0.04660753, 0.08273948, 0.00425621, -0.02084568, 0.06993766]
    of_even += [0.17870335, 0.16832449, 0.07821634, -0.0857748, -0.24241731, -0.08963622]
    of_odd = [0.01959802, -0.05734748, -0.03724076, -0.01300916, 0.0056796, 0.04573399, 0.0365858]

    assert seasonal_indices(PASSENGERS[None], 12)[0] == pytest.approx(of_even, abs=1e-8)
    assert seasonal_indices(PASSENGERS[None], 7)[0] == pytest.approx(of_odd, abs=1e-8)


def test_forecast_agrees_with_that_of_statsmodels() -> None:
    # From ThetaModel with theta=2, given the passengers without their season, which is added again;
    # its alpha is 0.782, and the nearest of those tried here is 0.8.
    expected = [5.114917, 5.171292, 5.306725, 5.234328, 5.215313, 5.312183]
    expected += [5.427035, 5.422742, 5.33872, 5.180815, 5.030259, 5.189127]

    assert theta(PASSENGERS[None], 12, 12)[0] == pytest.approx(expected, abs=2e-4)


def test_forecast_is_smoothing_with_a_drift_of_half_the_slope() -> None:
    # SimpleExpSmoothing from the first value has its smallest squared errors at alpha 0.8 of the
    # alphas, and then the level 5.204082909; the slope of polyfit is 0.01217268155.
    expected = [5.11479483, 5.17116965, 5.306603, 5.23420607, 5.21519052, 5.3120602]

    assert theta(PASSENGERS[None], 6, 12)[0] == pytest.approx(expected, abs=1e-8)


def test_each_window_is_forecast_as_if_it_were_alone() -> None:
    windows = np.random.default_rng(1).normal(size=(5, 30)).cumsum(axis=1)

    together = theta(windows, 9, 7)

    for window, forecast in zip(windows, together, strict=True):
        assert theta(window[None], 9, 7)[0] == pytest.approx(forecast, abs=1e-12)


def test_pure_season_on_a_line_goes_on() -> None:
    steps = np.arange(60)
    values = np.array([3.0, -1.0, 0.0, -2.0])[steps % 4]

    forecast = theta(values[None, :48], 12, 4)

    assert forecast[0] == pytest.approx(values[48:], abs=1e-9)


def test_window_shorter_than_two_seasons_is_not_adjusted() -> None:
    windows = np.random.default_rng(2).normal(size=(3, 13))

    assert theta(windows, 5, 7).tolist() == theta(windows, 5, 1).tolist()
    assert theta(windows, 5, 6).tolist() != theta(windows, 5, 1).tolist()


def test_constant_stays_what_it_is() -> None:
    assert theta(np.full((2, 20), 5.0), 4, 4) == pytest.approx(np.full((2, 4), 5.0))


@pytest.mark.parametrize("length", [1, 2])
def test_window_without_a_trend_repeats_its_last_value(length: int) -> None:
    past = np.array([[4.0, 7.0]])[:, -length:]

    assert theta(past, 3, 1).tolist() == [[7.0, 7.0, 7.0]]
