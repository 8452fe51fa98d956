from __future__ import annotations

import os

import numpy as np
import pytest

from forecast_cli import calendar
from forecast_cli.errors import SettingsError
from forecast_cli.panel import Floats, from_series
from forecast_cli.planning import PRESETS, Decided, Preset, rules

HOURLY = calendar.Frequency("fixed", calendar.HOUR)
HOURS = np.arange(1400)
NOISE: Floats = np.random.default_rng(1).normal(size=1400)
DAY: Floats = 3 * np.sin(2 * np.pi * HOURS / 24)
WEEK: Floats = np.where(HOURS // 24 % 7 >= 5, -3.0, 0.0)
SEQ2SEQ, CLASSIC, BILSTM = PRESETS["seq2seq"], PRESETS["classic"], PRESETS["bilstm"]


# -- what any rule may use -------------------------------------------------------------------------------------------


def test_a_setting_beats_the_preset() -> None:
    assert rules.setting_or_preset(0.0, BILSTM, 0.3) == Decided(0.0, "as given")
    assert rules.setting_or_preset(None, BILSTM, 0.3) == Decided(0.3, "preset bilstm")


def test_training_parts_end_before_the_rows_held_out() -> None:
    panel = from_series([np.arange(10.0), np.arange(3.0), np.arange(7.0)])
    assert [part.tolist() for part in rules.training_parts(panel, 4)] == [
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2],
    ]


def test_training_parts_are_a_sample_of_many_series_and_the_newest_rows_of_long_ones() -> None:
    panel = from_series([np.arange(5_100.0) + i for i in range(300)])
    parts = rules.training_parts(panel, 50)
    assert len(parts) == 200
    assert {len(part) for part in parts} == {5_000}
    assert (parts[0][0], parts[0][-1], parts[-1][-1]) == (50, 5_049, 5_049 + 299)


def test_there_is_a_training_part_even_if_no_series_of_the_sample_is_long_enough() -> None:
    series = [np.arange(5.0)] * 301
    series[100] = np.arange(20.0)
    panel = from_series(series)
    assert 100 not in np.linspace(0, 300, 200).astype(int), (
        "the long series must not be in the sample"
    )
    assert [part.tolist() for part in rules.training_parts(panel, 8)] == [list(range(12))]


def test_windows_are_counted_over_all_series() -> None:
    panel = from_series([np.arange(float(length)) for length in (30, 10, 20)])
    assert rules.count_windows(panel, held_out=6, lookback=5, horizon=3) == (30 - 6 - 7) + 0 + (
        20 - 6 - 7
    )


def test_windows_with_a_hole_do_not_count() -> None:
    values = np.arange(30.0)
    values[10] = np.nan
    panel = from_series([values])
    assert rules.count_windows(panel, held_out=0, lookback=5, horizon=3) == 30 - 7 - 8


@pytest.mark.parametrize(
    ("windows", "units"),
    [(0, (50, 50)), (1_999, (50, 50)), (2_000, (64, 64)), (50_000, (128, 128))],
)
def test_the_size_goes_by_the_number_of_windows(windows: int, units: tuple[int, ...]) -> None:
    assert rules.size_for(windows).units == units


# -- the horizon, the parts of the data, the seasons -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "seasons", "longest", "expected"),
    [
        (7, (24,), 1000, Decided(7, "as given")),
        (None, None, 1000, Decided(24, "one main season (hourly)")),
        (None, (12, 24), 1000, Decided(12, "one main season (hourly)")),
        (None, (168,), 1000, Decided(24, "one main season (hourly)")),
        (None, (), 1000, Decided(24, "one main season (hourly)")),
        (None, None, 50, Decided(10, "a fifth of 50 rows")),
        (None, None, 3, Decided(1, "a fifth of 3 rows")),
    ],
)
def test_the_horizon_is_one_season_and_at_most_a_fifth_of_the_rows(
    setting: int | None, seasons: tuple[int, ...] | None, longest: int, expected: Decided[int]
) -> None:
    assert rules.choose_horizon(setting, seasons, HOURLY, longest) == expected


def test_one_horizon_is_held_out() -> None:
    assert rules.choose_held_out(None, 12) == Decided(12, "one horizon")
    assert rules.choose_held_out(0, 12) == Decided(0, "as given")


@pytest.mark.parametrize(
    ("series", "seasons"),
    [
        (NOISE + DAY, (24,)),
        (NOISE + DAY + 0.05 * HOURS, (24,)),
        (NOISE + DAY + WEEK, (24, 168)),
        (NOISE + WEEK, (168,)),
        (NOISE, (24,)),  # the baseline needs one
    ],
    ids=["day", "day and trend", "day and week", "week", "none"],
)
def test_seasons_are_those_that_the_training_part_shows(
    series: Floats, seasons: tuple[int, ...]
) -> None:
    assert rules.choose_seasons(None, HOURLY, len(series), [series]).value == seasons


def test_seasons_that_are_left_out_are_named() -> None:
    usual = "hourly, with two full seasons in the training part"
    assert rules.choose_seasons(None, HOURLY, 1400, [NOISE + DAY + WEEK]).reason == usual
    left_out = rules.choose_seasons(None, HOURLY, 1400, [NOISE + DAY])
    assert left_out.reason == f"{usual}; 168 left out: the training part does not show it"


def test_a_season_must_fit_twice_into_the_training_part() -> None:
    series = NOISE + DAY + WEEK
    assert rules.choose_seasons(None, HOURLY, 336, [series[:336]]).value == (24, 168)
    assert rules.choose_seasons(None, HOURLY, 335, [series[:335]]).value == (24,)
    assert rules.choose_seasons(None, HOURLY, 40, [series[:40]]).value == ()


def test_seasons_that_the_user_names_are_not_measured() -> None:
    assert rules.choose_seasons((24, 168), HOURLY, 40, [NOISE[:40]]) == Decided(
        (24, 168), "as given"
    )


@pytest.mark.parametrize(
    ("showing", "weak"), [(0, (24, 168)), (1, (24, 168)), (3, (24,)), (8, (24,))]
)
def test_a_season_that_a_quarter_of_the_series_show_stays(
    showing: int, weak: tuple[int, ...]
) -> None:
    noise = np.random.default_rng(1).normal(size=(8, 1400))
    series = [values + WEEK * (number < showing) for number, values in enumerate(noise)]
    assert rules.weak_seasons((24, 168), series) == weak


def test_a_season_that_cannot_be_measured_stays() -> None:
    assert rules.weak_seasons((168,), [NOISE[:400]]) == ()
    assert rules.weak_seasons((168,), [NOISE[:400], NOISE]) == (168,), (
        "one series is long enough to tell"
    )


# -- scaling ---------------------------------------------------------------------------------------------------------


def lag_of(
    series: Floats, seasons: tuple[int, ...] = (24, 168), lookback: int | None = None
) -> Decided[int]:
    return rules.choose_lag([series], seasons, 24, len(series), lookback)


def test_the_lag_is_the_season_that_repeats_best() -> None:
    best = "has the smallest error"
    assert lag_of(DAY + 0.1 * NOISE, (24,)) == Decided(
        24, f"repeating the value 24 steps earlier {best}"
    )
    assert lag_of(np.cumsum(NOISE)) == Decided(1, f"repeating the last value {best}")
    assert lag_of(WEEK + 0.1 * NOISE) == Decided(
        168, f"repeating the value 168 steps earlier {best}"
    )


def test_a_longer_season_that_is_hardly_worse_is_taken_since_it_holds_the_shorter_one() -> None:
    assert lag_of(DAY + NOISE) == Decided(
        168,
        "repeating the value 24 steps earlier has the smallest error; "
        "168 steps earlier is hardly worse and covers both seasons",
    )


def test_a_lag_longer_than_the_lookback_cannot_be_chosen() -> None:
    assert lag_of(DAY + NOISE, lookback=100).value == 24
    assert lag_of(DAY + NOISE, lookback=10) == Decided(1, "no season to look back on")


def test_a_lag_must_leave_room_for_two_seasons_and_a_horizon() -> None:
    assert lag_of((DAY + NOISE)[:360]).value == 168
    assert lag_of((DAY + NOISE)[:359]).value == 24
    assert lag_of((DAY + NOISE)[:71]).value == 1


def test_constant_series_cannot_be_compared() -> None:
    assert lag_of(np.full(400, 7.0)) == Decided(1, "no series is long enough to compare seasons")


def test_naive_errors_are_medians_over_series_in_units_of_their_deviation() -> None:
    """A series that repeats after 2 steps: the last value errs by 2 half of the time, its deviation is 1."""
    repeating = np.tile([1.0, -1.0], 10)
    errors = rules.naive_errors([repeating, 100 * repeating, np.zeros(20)], [1, 2], 2)
    assert errors is not None
    assert errors.tolist() == [1, 0]


def test_a_part_that_is_one_long_hole_says_nothing() -> None:
    """The newest rows of a series may be nothing but a hole: no warning of numpy, no vote."""
    hole = np.full(400, np.nan)
    assert rules.choose_lag([hole, DAY + 0.1 * NOISE], (24,), 24, 1400, None).value == 24
    assert lag_of(hole) == Decided(1, "no series is long enough to compare seasons")
    assert rules.allows_logs(np.exp(NOISE / 4), [hole, np.exp(NOISE / 4)])


def test_a_hole_does_not_hide_tiny_values() -> None:
    values = np.append(np.full(100, 50.0), [0.5, np.nan])
    assert not rules.allows_logs(values, [values])


@pytest.mark.parametrize(
    ("values", "allowed"),
    [
        (np.exp(NOISE / 4), True),
        (np.append(np.exp(NOISE / 4), 0.0), False),
        (np.append(np.exp(NOISE / 4), np.nan), True),
        (np.append(np.full(100, 50.0), np.full(1, 0.5)), False),
        (np.full(100, 5.0), False),
        (5 + 1e-7 * NOISE, False),
    ],
    ids=["positive", "a zero", "a hole", "tiny values", "constant", "rounding"],
)
def test_logs_are_for_positive_values_of_one_size(values: Floats, allowed: bool) -> None:
    assert rules.allows_logs(values, [values[~np.isnan(values)]]) == allowed


def test_series_of_different_sizes_allow_logs_each_by_its_own_median() -> None:
    series = np.exp(NOISE / 4)
    assert rules.allows_logs(np.concatenate([series, 1000 * series]), [series, 1000 * series])


def test_the_normalization_of_a_preset_needs_no_data() -> None:
    chosen = rules.choose_normalization(BILSTM, np.empty(0), [])
    assert chosen == Decided(
        "standard", "preset bilstm: fitted on the training part of each series"
    )
    assert rules.choose_normalization(SEQ2SEQ, NOISE, [NOISE]).value == "spread"
    assert (
        rules.choose_normalization(SEQ2SEQ, np.exp(NOISE / 4), [np.exp(NOISE / 4)]).value == "log"
    )


def test_a_network_that_predicts_values_has_no_reference() -> None:
    assert rules.choose_reference(Decided(24, "why"), SEQ2SEQ) == Decided(24, "why")
    assert rules.choose_reference(Decided(24, "why"), BILSTM) == Decided(
        0, "preset bilstm: the network predicts values, not differences"
    )


# -- the window ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lag", "horizon", "room", "expected"),
    [
        (168, 24, 1000, Decided(168, "one season of 168")),
        (24, 24, 1000, Decided(48, "two seasons of 24")),
        (7, 7, 1000, Decided(28, "four seasons of 7")),
        (2, 2, 1000, Decided(8, "four seasons of 2")),
        (1, 24, 1000, Decided(24, "one horizon, at least 8")),
        (1, 3, 1000, Decided(8, "one horizon, at least 8")),
        (24, 24, 60, Decided(30, "half of the training part")),
        (24, 24, 40, Decided(24, "half of the training part")),
        (1, 24, 5, Decided(2, "half of the training part")),
    ],
)
def test_the_lookback_is_some_seasons_and_at_most_half_of_the_rows(
    lag: int, horizon: int, room: int, expected: Decided[int]
) -> None:
    assert rules.choose_lookback(None, lag, horizon, room) == expected


def test_a_lookback_that_the_user_asks_for_is_taken() -> None:
    assert rules.choose_lookback(90, 24, 24, 100) == Decided(90, "as given")


@pytest.mark.parametrize(("rows", "lookback"), [(1000, 50), (150, 50), (60, 20), (2, 1)])
def test_the_textbook_lookback_is_fifty_or_a_third_of_the_rows(rows: int, lookback: int) -> None:
    reason = "preset classic: 50, or a third of the rows"
    assert rules.choose_textbook_lookback(None, rows) == Decided(lookback, reason)


@pytest.mark.parametrize(
    ("lookback", "seasons", "expected"),
    [
        (24, (12,), Decided(1, "the lookback is short")),
        (168, (24, 168), Decided(24, "a lookback of 168 is long")),
        (60, (12,), Decided(12, "a lookback of 60 is long")),
        (36, (24,), Decided(6, "a lookback of 36 is long")),
        (48, (), Decided(12, "a lookback of 48 is long")),
        (37, (24,), Decided(1, "no segment divides the lookback")),
    ],
)
def test_long_windows_are_read_in_segments(
    lookback: int, seasons: tuple[int, ...], expected: Decided[int]
) -> None:
    assert rules.choose_segment(None, lookback, seasons, "none") == expected


@pytest.mark.parametrize(
    ("lookback", "segment"), [(24, 1), (48, 1), (96, 2), (168, 4), (49, 1), (53, 1), (1, 1)]
)
def test_attention_reads_segments_as_fine_as_it_can_look_at(lookback: int, segment: int) -> None:
    expected = Decided(segment, "attention looks at 48 steps at most")
    assert rules.choose_segment(None, lookback, (24,), "luong") == expected


@pytest.mark.parametrize(
    ("lookback", "segment", "room", "fitted"),
    [(48, 1, 100, 48), (48, 7, 100, 49), (48, 7, 48, 42), (5, 24, 30, 24)],
)
def test_the_lookback_is_a_multiple_of_the_segment(
    lookback: int, segment: int, room: int, fitted: int
) -> None:
    assert rules.fit_lookback(Decided(lookback, "why"), segment, room) == Decided(fitted, "why")


def test_a_segment_longer_than_the_rows_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        rules.fit_lookback(Decided(20), 31, 30)
    assert caught.value.message == "--segment 31 is longer than the 30 steps to look back on"
    assert (caught.value.hint, caught.value.option) == ("use a smaller --segment", "segment")


# -- the network -----------------------------------------------------------------------------------------------------


def test_units_are_as_given_or_of_the_preset_or_by_the_number_of_windows() -> None:
    assert rules.choose_units((7,), BILSTM, 100) == Decided((7,), "as given")
    assert rules.choose_units(None, BILSTM, 100) == Decided((32, 32, 32, 32), "preset bilstm")
    assert rules.choose_units(None, SEQ2SEQ, 60_000) == Decided(
        (128, 128), "60,000 training windows"
    )


def test_inputs_are_the_target_and_the_covariates() -> None:
    assert rules.choose_inputs(0) == Decided(1, "the target")
    assert rules.choose_inputs(3) == Decided(4, "the target and the covariates over the window")


def test_a_recursive_network_predicts_one_step() -> None:
    assert rules.choose_outputs("direct", 12) == Decided(12, "the horizon")
    assert rules.choose_outputs("recursive", 12) == Decided(1, "one step, rolled forward")
    assert rules.choose_outputs("recursive", 1) == Decided(1, "the horizon")


def test_quantiles_are_the_median_and_both_ends_of_every_interval() -> None:
    assert rules.choose_quantiles("quantile", (50.0, 90.0)).value == (0.05, 0.25, 0.5, 0.75, 0.95)
    assert rules.choose_quantiles("quantile", ()).value == (0.5,)
    assert rules.choose_quantiles("mse", (50.0, 90.0)).value == ()


# -- the training ----------------------------------------------------------------------------------------------------


def test_batches_grow_with_the_number_of_windows() -> None:
    sizes = [
        rules.choose_batch_size(None, SEQ2SEQ, windows).value for windows in (100, 10_000, 100_000)
    ]
    assert sizes == [32, 64, 256]
    assert rules.choose_batch_size(None, CLASSIC, 100_000) == Decided(50, "preset classic")
    assert rules.choose_batch_size(8, CLASSIC, 100) == Decided(8, "as given")


@pytest.mark.parametrize(
    ("preset", "windows", "batches"),
    [
        (SEQ2SEQ, 0, 1),
        (SEQ2SEQ, 32, 1),
        (SEQ2SEQ, 33, 2),
        (SEQ2SEQ, 100_000, 50),
        (CLASSIC, 100_000, 3125),
    ],
)
def test_an_epoch_is_all_windows_or_fifty_batches(
    preset: Preset, windows: int, batches: int
) -> None:
    assert rules.choose_epoch_batches(preset, windows, 32).value == batches


@pytest.mark.parametrize(
    ("windows", "batches", "epochs"), [(100, 4, 200), (100, 900, 1), (10_000, 50, 30)]
)
def test_epochs_together_take_as_many_steps_as_the_windows_call_for(
    windows: int, batches: int, epochs: int
) -> None:
    assert rules.choose_epochs(None, SEQ2SEQ, windows, batches) == Decided(
        epochs, f"{batches} batches each"
    )
    assert rules.choose_epochs(None, CLASSIC, windows, batches) == Decided(20, "preset classic")


@pytest.mark.parametrize(("epochs", "patience"), [(200, 66), (30, 10), (1, 10)])
def test_patience_is_a_third_of_the_epochs(epochs: int, patience: int) -> None:
    reason = "a third of the epochs, at least 10"
    assert rules.choose_patience(None, SEQ2SEQ, epochs) == Decided(patience, reason)
    assert rules.choose_patience(0, SEQ2SEQ, epochs) == Decided(0, "as given")
    assert rules.choose_patience(None, CLASSIC, epochs).value == 0


def test_few_windows_are_learned_fast_after_a_warmup() -> None:
    rates = [rules.choose_learning_rate(None, SEQ2SEQ, windows).value for windows in (1_999, 2_000)]
    assert rates == [3e-3, 1e-3]
    assert rules.choose_learning_rate(None, BILSTM, 1_999) == Decided(1e-3, "preset bilstm")
    assert [rules.choose_warmup(SEQ2SEQ, windows).value for windows in (1_999, 2_000)] == [300, 0]
    assert rules.choose_warmup(BILSTM, 1_999).value == 0


def test_networks_that_predict_values_are_trained_as_they_are() -> None:
    """No averaged weights, no clipping, no start at the reference: the recipes of others are followed."""
    assert (rules.choose_averaging(SEQ2SEQ).value, rules.choose_averaging(BILSTM).value) == (
        0.98,
        0.0,
    )
    assert (rules.choose_zero_head(SEQ2SEQ).value, rules.choose_zero_head(BILSTM).value) == (
        True,
        False,
    )
    assert (
        rules.choose_clip_norm(None, SEQ2SEQ).value,
        rules.choose_clip_norm(None, BILSTM).value,
    ) == (1.0, 0.0)
    assert rules.choose_clip_norm(0.0, SEQ2SEQ) == Decided(0.0, "as given")


@pytest.mark.parametrize(
    ("preset", "is_weighted", "clip"),
    [(SEQ2SEQ, False, 3.0), (SEQ2SEQ, True, 0.0), (BILSTM, False, 0.0)],
)
def test_targets_are_cut_unless_rare_ones_are_to_count(
    preset: Preset, is_weighted: bool, clip: float
) -> None:
    assert rules.choose_target_clip(preset, is_weighted=is_weighted).value == clip


def test_the_textbook_recipe_is_not_fitted_again() -> None:
    assert rules.choose_refit(True, SEQ2SEQ).value is True
    assert rules.choose_refit(False, SEQ2SEQ).value is False
    assert rules.choose_refit(True, CLASSIC) == Decided(False, "preset classic")


def test_threads_go_by_the_size_of_the_network_and_its_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = Decided(1, "a small network trains as fast on one thread, also on a busy machine")
    assert rules.choose_threads(None, (50, 512), 256) == small
    for cores, threads in ((2, 2), (64, 4), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert rules.choose_threads(None, (50, 513), 256) == Decided(threads, "a large network")
    assert rules.choose_threads(3, (50,), 32) == Decided(3, "as given")
