"""Numbers as text, and how many decimals a forecast has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from forecast_cli import tables
from forecast_cli.panel import Panel, from_series
from forecast_cli.tables.digits import SIGNIFICANT

NAN = float("nan")
numbers = st.floats(-1e9, 1e9)


def panel_of(*series: Any) -> Panel:
    return from_series([np.asarray(values, float) for values in series])


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([112, 622, 458], 4),  # whole passengers: 458.7936
        ([1000, 9999], 3),
        ([1_000_000_000_000, 2_000_000_000_000], 3),
        ([1, 5, 0], 6),  # 1.234567 has seven digits
        ([12.5, 14.25, 99], 5),
        ([0.05, 20.1], 8),
        ([-3.25, 3.5], 6),
        ([1.5e-9, 2.25e-9], 15),
        ([1e-20, 2e-20], "full"),
        ([1e-20, 500], 4),  # beside 500 the other is as good as nothing
        ([1e300, 2e300], 3),
        ([0, 0], 3),
        ([NAN, 20.5, NAN], 5),
        ([NAN], 3),
    ],
)
def test_forecasts_have_three_more_decimals_than_the_data_and_seven_digits(
    values: list[float], decimals: Any
) -> None:
    assert tables.decimals(panel_of(values)) == decimals


def test_what_sums_of_decimal_numbers_leave_behind_are_no_decimals() -> None:
    assert tables.decimals(panel_of([0.1 + 0.2, 10.0])) == tables.decimals(panel_of([0.3, 10.0]))
    sums = np.cumsum(np.full(5000, 0.1))
    assert sums[-1] != 500
    assert (
        tables.decimals(panel_of(sums)) == tables.decimals(panel_of(np.arange(1, 5001) / 10)) == 7
    )


def test_what_float32_adds_to_a_number_is_no_decimals() -> None:
    values = [10.1, 12.34, 33.3]
    assert (
        tables.decimals(panel_of(np.array(values, np.float32)))
        == tables.decimals(panel_of(values))
        == 5
    )


def test_values_that_were_filled_in_do_not_count() -> None:
    panel = panel_of([10, 10 + 1 / 3, 11])
    assert tables.decimals(panel) == 14
    assert tables.decimals(replace(panel, filled=np.array([False, True, False]))) == 5


def test_the_series_with_the_most_decimals_decides_for_the_whole_file() -> None:
    assert tables.decimals(panel_of([1000, 2000], [10.25, 20.5])) == 5
    assert tables.decimals(panel_of([1e12, 2e12], [0.011, 0.025])) == 8
    assert tables.decimals(panel_of([1e-20], [500])) == "full"


@given(
    st.integers(0, 6),
    st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=50),
)
@example(6, [1])
@example(2, [10**8, 1])
def test_decimals_are_those_of_the_data_and_three_to_six(places: int, units: list[int]) -> None:
    values = [unit / 10**places for unit in units]
    needed = max(len(f"{value:.{places}f}".rstrip("0").partition(".")[2]) for value in values)
    # Halves beside millions may be what a float32 adds, and count as nothing.
    is_float32 = bool((np.array(values) == np.array(values, np.float32)).all())
    assume(not needed or not is_float32)
    decimals = tables.decimals(panel_of(values))
    assert isinstance(decimals, int)
    assert needed + 3 <= decimals <= needed + 6
    for value in values:
        digits = f"{abs(value):.{decimals}f}".replace(".", "").lstrip("0")
        assert value == 0 or len(digits) >= SIGNIFICANT


@pytest.mark.parametrize("count", [3, 700, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_decimals_of_any_number_of_rows(count: int) -> None:
    assert tables.decimals(panel_of(np.arange(count) / 4 + 100)) in (4, 5)


@given(numbers, numbers, numbers, st.integers(0, 20))
@example(-0.00004, 0.00004, 0.00005, 4)
@example(0.5, 1.5, 2.5, 0)
def test_rounding_keeps_the_forecast_within_its_bounds(
    one: float, two: float, three: float, digits: int
) -> None:
    low, middle, high = sorted([one, two, three])
    texts = tables.rounded(np.array([low, middle, high]), digits)
    assert float(texts[0]) <= float(texts[1]) <= float(texts[2])
    assert all(len(text.partition(".")[2]) == digits for text in texts)
    assert all("e" not in text for text in texts)


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert tables.rounded(np.array([-0.00004, -0.0, 0.00004, -0.00006]), 4) == [
        "0.0000",
        "0.0000",
        "0.0000",
        "-0.0001",
    ]
    assert tables.rounded(np.array([-0.4, 0.6]), 0) == ["0", "1"]


def test_what_is_not_known_is_empty() -> None:
    for digits in (3, "full"):
        assert tables.rounded(np.array([NAN, 1.5]), digits)[0] == ""
    assert tables.plain(np.array([NAN]))[0] == ""


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(112.0)
@example(1e-300)
@example(1e22)
def test_all_digits_are_there_where_all_are_wanted(value: float) -> None:
    assert float(tables.rounded(np.array([value]), "full")[0]) == value
    text = tables.plain(np.array([value]))[0]
    assert float(text) == value
    assert "e" not in text


def test_values_of_the_data_are_written_as_they_were() -> None:
    values = np.array([112, 112.5, 0.1, 1e-9, 1e16, -3, 1 / 3])
    assert tables.plain(values) == [
        "112",
        "112.5",
        "0.1",
        "0.000000001",
        "10000000000000000",
        "-3",
        repr(1 / 3),
    ]
