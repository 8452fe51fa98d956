"""The rules of planning: one small function per decision, which returns value and reason.

`setting` is what the user asked for, None where nothing was. Rules look at lengths, seasons and
the training part of the data, never at the clock. Of the test part they see one thing: whether
all values are positive, without which there are no logarithms.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from forecast_cli import calendar, checks, choices
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Frequency
from forecast_cli.errors import SettingsError
from forecast_cli.messages import plural
from forecast_cli.network import LOSSES
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.planning.plan import Decided
from forecast_cli.planning.presets import SIZES, Preset, Size
from forecast_cli.windows import between

AS_GIVEN = "as given"
LONGEST_HORIZON = 96  # steps of a season up to which it is the default horizon
TEXTBOOK_LOOKBACK = 50
LONG_LOOKBACK = 36  # steps from which a window is read in segments
ATTENTION_STEPS = 48  # steps that attention weighs at most, unless the user asks for more
WITH_MOMENTUM: tuple[choices.Optimizer, ...] = ("rmsprop", "sgd")
EPOCH_BATCHES = 50  # most batches in an epoch: validation comes at least this often
SAMPLED_SERIES, SAMPLED_ROWS, SAMPLED_ORIGINS = 200, 5_000, 200  # enough of the data for a rule

T = TypeVar("T")


# -- what any rule may use ---------------------------------------------------------------------


def setting_or(setting: T | None, default: Decided[T]) -> Decided[T]:
    """What the user asked for, else the default."""
    return default if setting is None else Decided(setting, AS_GIVEN)


def setting_or_preset(setting: T | None, preset: Preset, value: T) -> Decided[T]:
    """What the user asked for, else the value that the preset has for it."""
    return setting_or(setting, Decided(value, f"preset {preset.name}"))


def training_parts(panel: Panel, held_out: int) -> list[Floats]:
    """The training parts of a sample of the series: all but their last `held_out` rows."""
    sample = np.unique(np.linspace(0, len(panel) - 1, SAMPLED_SERIES).astype(int))
    series = [values_of(panel, int(index)) for index in sample]
    training = [values[: len(values) - held_out] for values in series if len(values) > held_out]
    parts = [values[-SAMPLED_ROWS:] for values in training]
    if parts:
        return parts

    # Only series outside of the sample are long enough.
    longest = int(np.argmax(panel.lengths))
    return [values_of(panel, longest)[: int(panel.lengths[longest]) - held_out]]


def count_windows(panel: Panel, held_out: int, lookback: int, horizon: int) -> int:
    """How many complete training windows the series have."""
    ends = np.maximum(panel.lengths - held_out, 0)
    return len(between(panel, lookback, horizon, ends * 0, ends))


def known_values(values: Floats) -> Floats:
    """The values without the holes; none where a long hole is all that there is."""
    return values[~np.isnan(values)]


def size_for(windows: int) -> Size:
    """What that many training windows allow."""
    return next(size for size in SIZES if windows < size.windows)


# -- the horizon, the parts of the data, the seasons -------------------------------------------


def choose_horizon(
    setting: int | None,
    season_setting: tuple[int, ...] | None,
    frequency: Frequency,
    longest: int,
) -> Decided[int]:
    """One main season, at most a fifth of the longest series."""
    if setting is not None:
        return Decided(setting, AS_GIVEN)

    usual = calendar.default_horizon(frequency)
    if season_setting and season_setting[0] <= LONGEST_HORIZON:
        usual = season_setting[0]

    most = max(longest // 5, 1)
    if usual > most:
        return Decided(most, f"a fifth of {longest} rows")
    return Decided(usual, f"one main season ({calendar.describe(frequency)})")


def choose_held_out(setting: int | None, horizon: int) -> Decided[int]:
    """Rows of the test part, or of the validation part: one horizon."""
    return setting_or(setting, Decided(horizon, "one horizon"))


def choose_seasons(
    setting: tuple[int, ...] | None, frequency: Frequency, rows: int, parts: Sequence[Floats]
) -> Decided[tuple[int, ...]]:
    """The seasons of the frequency that fit twice into the training part and are seen in it.

    rows: of the longest training part; parts: the training parts to measure them in.
    """
    if setting is not None:
        return Decided(setting, AS_GIVEN)

    usual = tuple(length for length in calendar.season_lengths(frequency) if 2 * length <= rows)
    reason = f"{calendar.describe(frequency)}, with two full seasons in the training part"

    weak = weak_seasons(usual, parts)
    if weak == usual:
        # The baseline needs one season, and `choose_lag` sees for itself whether it is of use.
        weak = weak[1:]
    if weak:
        reason += f"; {', '.join(map(str, weak))} left out: the training part does not show it"
    return Decided(tuple(length for length in usual if length not in weak), reason)


def weak_seasons(seasons: tuple[int, ...], parts: Sequence[Floats]) -> tuple[int, ...]:
    """The seasons that fewer than a quarter of the series show.

    A network for all series can learn what a quarter of them show.
    """
    of_parts = [checks.strengths(part, seasons) for part in parts]
    measured = np.array(of_parts, np.float64).reshape(len(parts), -1)
    weak = []
    for length, strengths in zip(seasons, measured.T, strict=True):
        # Where a season cannot be measured, it stays.
        known = strengths[~np.isnan(strengths)]
        if len(known) and np.quantile(known, 0.75) < checks.WEAK:
            weak.append(length)
    return tuple(weak)


# -- scaling -----------------------------------------------------------------------------------


def choose_lag(
    parts: Sequence[Floats],
    seasons: tuple[int, ...],
    horizon: int,
    rows: int,
    lookback_setting: int | None,
) -> Decided[int]:
    """The season (or 1: the last value) whose naive forecast has the smallest error.

    rows: of the longest training part. A season that is longer than the lookback that the user
    asked for is not in the window to be repeated.
    """
    longest = rows if lookback_setting is None else lookback_setting
    usable = [s for s in seasons if 2 * s + horizon <= rows and s <= longest]
    if not usable:
        return Decided(1, "no season to look back on")

    lags = [1, *usable]
    errors = naive_errors(parts, lags, horizon)
    if errors is None:
        return Decided(1, "no series is long enough to compare seasons")

    best = lags[int(np.argmin(errors))]
    if best == 1:
        return Decided(1, "repeating the last value has the smallest error")

    reason = f"repeating the value {best} steps earlier has the smallest error"
    # A long season holds the short ones: a week says what hour of the day it is, too.
    limit = 1.3 * errors.min()
    near = [lag for lag, error in zip(lags, errors, strict=True) if lag > best and error <= limit]
    if near:
        also = f"{near[-1]} steps earlier is hardly worse and covers both seasons"
        return Decided(near[-1], f"{reason}; {also}")
    return Decided(best, reason)


def naive_errors(parts: Sequence[Floats], lags: Sequence[int], horizon: int) -> Floats | None:
    """The error of the seasonal naive forecast with each lag: its median over the series.

    Returns (len(lags),). Errors are absolute ones over the horizon, in units of the standard
    deviation of the series. None where no series is long enough, or all are constant.
    """
    errors = []
    longest = max(lags)
    for part in parts:
        origins = np.arange(longest, len(part) - horizon + 1)
        values = known_values(part)
        spread = np.std(values) if len(values) else 0.0
        if not len(origins) or not spread:
            continue

        origins = origins[:: max(len(origins) // SAMPLED_ORIGINS, 1)]
        past = part[origins[:, None] + np.arange(-longest, 0)]
        future = part[origins[:, None] + np.arange(horizon)]
        off = np.stack([np.abs(seasonal_naive(past, horizon, lag) - future) for lag in lags])

        # Where there are holes, the seasons are compared on the same steps.
        known = ~np.isnan(off).any(axis=0)
        if known.any():
            errors.append(off[:, known].mean(axis=1) / spread)

    if not errors:
        return None
    median: Floats = np.median(errors, axis=0)
    return median


def choose_reference(best_lag: Decided[int], preset: Preset) -> Decided[int]:
    """The lag of the forecast to which the network predicts differences; 0: there is none."""
    if preset.predicts_differences:
        return best_lag
    return Decided(0, f"preset {preset.name}: the network predicts values, not differences")


def choose_normalization(
    preset: Preset,
    values: Floats,
    parts: Sequence[Floats],
) -> Decided[choices.Normalization]:
    """The one of the preset; else logarithms, if the values (N,) allow them."""
    if preset.normalization is not None:
        fitted = "fitted on the training part of each series"
        return Decided(preset.normalization, f"preset {preset.name}: {fitted}")

    by_window = "each window by its own level and spread"
    if allows_logs(values, parts):
        return Decided("log", f"all values are positive: logarithms, then {by_window}")
    return Decided("spread", by_window)


def allows_logs(values: Floats, parts: Sequence[Floats]) -> bool:
    """Whether all values (N,) are positive, and hardly any is tiny beside the median of its
    series.

    Logarithms must exist for every value that a window may ever show, and rounding must not be
    all that varies.
    """
    known = known_values(values)
    if not (known > 0).all() or np.ptp(known) <= 1e-6 * known.max():
        return False
    measured = [part for part in map(known_values, parts) if len(part)]
    tiny = [np.mean(part < 0.02 * np.median(part)) for part in measured]
    return not tiny or bool(np.mean(tiny) < 0.001)


# -- the window --------------------------------------------------------------------------------


def choose_lookback(setting: int | None, lag: int, horizon: int, room: int) -> Decided[int]:
    """Some seasons, at most half of the training part.

    room: steps before the horizon of the last training window.
    """
    if setting is not None:
        return Decided(setting, AS_GIVEN)

    wanted, reason = max(horizon, 8), "one horizon, at least 8"
    if lag > 1:
        seasons, words = _seasons_in_lookback(lag)
        wanted, reason = max(seasons * lag, 8), f"{words} of {lag}"

    lookback = max(1, min(wanted, max(lag, room // 2), room))
    if lookback < wanted:
        return Decided(lookback, "half of the training part")
    return Decided(lookback, reason)


def _seasons_in_lookback(lag: int) -> tuple[int, str]:
    if lag >= 96:
        return 1, "one season"
    if lag >= 12:
        return 2, "two seasons"
    return 4, "four seasons"


def choose_textbook_lookback(setting: int | None, rows: int) -> Decided[int]:
    """The one of the textbook recipe, at most a third of the rows."""
    lookback = max(1, min(TEXTBOOK_LOOKBACK, rows // 3))
    reason = f"preset classic: {TEXTBOOK_LOOKBACK}, or a third of the rows"
    return setting_or(setting, Decided(lookback, reason))


def choose_segment(
    setting: int | None, lookback: int, seasons: tuple[int, ...], attention: choices.Attention
) -> Decided[int]:
    """How many steps are read at once: a season or a part of it where windows are long."""
    if setting is not None:
        return Decided(setting, AS_GIVEN)
    if attention != "none":
        return _segment_for_attention(lookback)
    if lookback < LONG_LOOKBACK:
        return Decided(1, "the lookback is short")

    lengths = [length for length in (*seasons, 24, 12, 8, 6) if 4 <= length <= 48]
    for length in lengths:
        if lookback % length == 0 and lookback // length >= 4:
            return Decided(length, f"a lookback of {lookback} is long")
    return Decided(1, "no segment divides the lookback")


def _segment_for_attention(lookback: int) -> Decided[int]:
    """The shortest segment that leaves few enough steps to learn which ones to look at."""
    reason = f"attention looks at {ATTENTION_STEPS} steps at most"
    for length in (1, 2, 3, 4, 6, 8, 12, 24):
        divides_lookback = lookback % length == 0
        if divides_lookback and 2 <= lookback // length <= ATTENTION_STEPS:
            return Decided(length, reason)
    return Decided(1, reason)


def fit_lookback(lookback: Decided[int], segment: int, room: int) -> Decided[int]:
    """The lookback in whole segments: rounded up, or down where there is no room for more.

    Raises SettingsError where not even one segment fits.
    """
    rounded = -(-lookback.value // segment) * segment
    if rounded > room:
        rounded = room // segment * segment
    if not rounded:
        raise SettingsError(
            f"--segment {segment} is longer than the {room} steps to look back on",
            "use a smaller --segment",
            option="segment",
        )
    return Decided(rounded, lookback.reason)


# -- the network -------------------------------------------------------------------------------


def choose_units(
    setting: tuple[int, ...] | None,
    preset: Preset,
    windows: int,
) -> Decided[tuple[int, ...]]:
    """Units of each layer: those of the preset, else by the number of training windows."""
    if preset.units is not None:
        return setting_or_preset(setting, preset, preset.units)
    return setting_or(setting, Decided(size_for(windows).units, _count_of(windows)))


def choose_inputs(features: int) -> Decided[int]:
    """Numbers in a step of a window: the target and the covariates."""
    if features:
        return Decided(1 + features, "the target and the covariates over the window")
    return Decided(1, "the target")


def choose_outputs(decoder: choices.Decoder, horizon: int) -> Decided[int]:
    """Steps that the network predicts at once: all, or one that is fed back."""
    outputs = 1 if decoder == "recursive" else horizon
    return Decided(outputs, "the horizon" if outputs == horizon else "one step, rolled forward")


def choose_quantiles(
    loss: choices.Loss,
    levels: tuple[float, ...],
) -> Decided[tuple[float, ...]]:
    """What the network predicts for each step: the median and both ends of every interval.

    () for a loss that needs a single number.
    """
    if not LOSSES[loss].uses_quantiles:
        return Decided(())
    tails = {(100 - level) / 200 for level in levels}
    return Decided(tuple(sorted({0.5, *tails, *(1 - tail for tail in tails)})))


# -- the training ------------------------------------------------------------------------------


def choose_batch_size(setting: int | None, preset: Preset, windows: int) -> Decided[int]:
    """Windows in a batch: that of the preset, else by the number of training windows."""
    if preset.batch_size is not None:
        return setting_or_preset(setting, preset, preset.batch_size)
    return setting_or(setting, Decided(size_for(windows).batch_size, _count_of(windows)))


def choose_epoch_batches(preset: Preset, windows: int, batch_size: int) -> Decided[int]:
    """Batches in an epoch: all windows once, but few enough for validation to come often."""
    batches = max(1, -(-windows // batch_size))
    if preset.is_textbook:
        return Decided(batches, f"preset {preset.name}: all training windows")
    return Decided(min(batches, EPOCH_BATCHES), _count_of(windows))


def choose_epochs(
    setting: int | None,
    preset: Preset,
    windows: int,
    epoch_batches: int,
) -> Decided[int]:
    """The maximum number of epochs: together they take the steps that the windows call for."""
    if preset.epochs is not None:
        return setting_or_preset(setting, preset, preset.epochs)
    epochs = max(1, round(size_for(windows).steps / epoch_batches))
    return setting_or(setting, Decided(epochs, f"{epoch_batches} batches each"))


def choose_patience(setting: int | None, preset: Preset, epochs: int) -> Decided[int]:
    """Epochs without a better validation loss before training stops; 0: it never does."""
    if preset.patience is not None:
        return setting_or_preset(setting, preset, preset.patience)
    reason = "a third of the epochs, at least 10"
    return setting_or(setting, Decided(max(10, epochs // 3), reason))


def choose_learning_rate(setting: float | None, preset: Preset, windows: int) -> Decided[float]:
    """The step size of the optimizer: the preset's, else by the number of training windows."""
    if preset.learning_rate is not None:
        return setting_or_preset(setting, preset, preset.learning_rate)
    return setting_or(setting, Decided(size_for(windows).learning_rate, _count_of(windows)))


def choose_warmup(preset: Preset, windows: int) -> Decided[int]:
    """Steps over which the learning rate rises, where windows are few."""
    if not preset.predicts_differences:
        return Decided(0)
    return Decided(size_for(windows).warmup, _count_of(windows))


def choose_momentum(setting: float | None, optimizer: choices.Optimizer) -> Decided[float]:
    """The momentum of RMSprop and SGD."""
    if optimizer == "sgd":
        return setting_or(setting, Decided(0.9, "usual for SGD"))
    return setting_or(setting, Decided(0.0))


def choose_averaging(preset: Preset) -> Decided[float]:
    """The decay of the averaged weights; 0: no averaging."""
    return Decided(0.98 if preset.predicts_differences else 0.0)


def choose_clip_norm(setting: float | None, preset: Preset) -> Decided[float]:
    """The norm to which gradients are clipped; 0: no clipping."""
    return setting_or_preset(setting, preset, 1.0 if preset.predicts_differences else 0.0)


def choose_zero_head(preset: Preset) -> Decided[bool]:
    """Whether the network starts at its reference forecast, if it has one."""
    return Decided(preset.predicts_differences)


def choose_refit(setting: bool, preset: Preset) -> Decided[bool]:
    """Whether to train again on all rows after scoring; the textbook recipe does not."""
    if preset.is_textbook:
        return Decided(False, f"preset {preset.name}")
    return Decided(setting)


def choose_target_clip(preset: Preset, *, is_weighted: bool) -> Decided[float]:
    """The spreads at which targets are cut; 0: not at all.

    The squared errors of a few wild windows would drown all others; but where rare levels count
    more, they must stay.
    """
    return Decided(3.0 if preset.predicts_differences and not is_weighted else 0.0)


def choose_threads(
    setting: int | None,
    units: tuple[int, ...],
    batch_size: int,
) -> Decided[int]:
    """Threads of the training, by sizes: the same every time, however busy the machine is."""
    if setting is not None:
        return Decided(setting, AS_GIVEN)
    if max(units) * batch_size > 512 * 256:
        return Decided(min(4, os.cpu_count() or 1), "a large network")
    return Decided(1, "a small network trains as fast on one thread, also on a busy machine")


def _count_of(windows: int) -> str:
    return plural(windows, "training window")
