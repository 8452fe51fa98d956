"""The rules of the preset `seasonal`: windows of whole seasons, and a fixed number of steps.

They were found by experiment, on rolling origins inside the training parts of a dozen public sets:
docs/accuracy.md has the log. Nothing here looks at the test part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forecast_cli import choices
from forecast_cli.calendar import Ints
from forecast_cli.messages import plural
from forecast_cli.panel import Floats
from forecast_cli.planning.plan import Decided
from forecast_cli.planning.rules import AS_GIVEN, known_values, naive_errors, setting_or

FEW_SERIES = 10  # with fewer, a network learns the one series at hand, and not what all share
FEW_WINDOWS = 1000  # with fewer, the seed decides, so that several networks are averaged
MOST_ZEROS = 0.25  # of all values, up to which logarithms are taken
LEAST_RANGE = 0.02  # of a series, as a part of its largest value, from which they say more
HORIZONS = 2.5  # in a lookback, at least
SHORTEST = 4  # lookback
LEAST_SEGMENTS, MOST_SEGMENTS = 3, 5
UNITS = (64, 64)
BATCH_SIZE = 256
RATE, FULL_RATE_SEGMENT = 1e-3, 84  # steps in a segment up to which the rate is not lowered
STEPS_PER_ROOT, FEWEST_STEPS, MOST_STEPS = 3, 300, 1500
FEWEST_BATCHES, MOST_BATCHES = 10, 50  # in an epoch
SHORT_STEPS, LONG_STEPS = 100, 400  # between which validation chooses for few long series
TRIAL_STEPS = 100  # of a candidate for many series
VALIDATION_HORIZONS = 20  # of few series, at most


def choose_validation(setting: int | None, horizon: int, lengths: Ints) -> Decided[int]:
    """One horizon of many series; of few series up to a fifth of the rows, for more origins."""
    if setting is not None:
        return Decided(setting, AS_GIVEN)
    if len(lengths) >= FEW_SERIES:
        return Decided(horizon, "one horizon")

    rows = min(VALIDATION_HORIZONS * horizon, int(lengths.max()) // 5)
    if rows <= horizon:
        return Decided(horizon, "one horizon")
    return Decided(rows, "a fifth of the rows, or 20 horizons")


def choose_normalization(values: Floats, parts: Sequence[Floats]) -> Decided[choices.Normalization]:
    """Logarithms, where no value (N,) is negative, few are zero, and series vary by some percent.

    parts: the training parts of a sample of the series.
    """
    known = known_values(values)
    if len(known) and known.min() < 0:
        return Decided("spread", "there are negative values: each window by its level and spread")
    if (known == 0).mean() > MOST_ZEROS:
        return Decided("spread", "many values are zero: each window by its level and spread")
    if np.median([_relative_range(part) for part in parts]) < LEAST_RANGE:
        return Decided("spread", "values hardly vary: each window by its level and spread")
    return Decided("shifted-log", "no value is negative: logarithms, then by window")


def _relative_range(part: Floats) -> float:
    """The range of values (n,), none of them negative, as a part of the largest one."""
    known = known_values(part)
    largest = float(known.max()) if len(known) else 0.0
    return float(np.ptp(known)) / largest if largest else 0.0


def choose_main_season(seasons: tuple[int, ...]) -> Decided[int]:
    """The season that the lookback is made of, and whose mean is the level; 1 where there is none."""
    if not seasons:
        return Decided(1, "no season")
    if len(seasons) == 1:
        return Decided(seasons[0], "the season")
    others = ", ".join(str(season) for season in seasons if season != max(seasons))
    return Decided(max(seasons), f"the longest season; the others: {others}")


def choose_lookback(
    setting: int | None, season: int, horizon: int, rows: int, room: int
) -> Decided[int]:
    """Whole seasons: one, or 2.5 horizons, at most a quarter of the rows.

    rows: of the median series; room: steps before the horizon of the last training window.
    """
    if setting is not None:
        return Decided(setting, AS_GIVEN)

    wanted = max(min(max(season, HORIZONS * horizon), rows / 4, room), SHORTEST)
    if wanted >= season > 1:
        count = max(int(wanted // season), -(-SHORTEST // season))
        words = "one season" if count == 1 else f"{count} seasons"
        return Decided(count * season, f"{words} of {season}")
    lookback = max(1, min(int(wanted), room))
    return Decided(_composite(lookback), "a quarter of the rows, or 2.5 horizons")


def _composite(lookback: int) -> int:
    """The lookback, or up to two less, so that it can be read in three segments or more."""
    for candidate in range(lookback, max(lookback - 3, 3), -1):
        if candidate < 9 or _largest_divisor(candidate) > 1:
            return candidate
    return lookback


def _largest_divisor(lookback: int) -> int:
    """The longest segment that divides the lookback into three or more."""
    for segment in range(lookback // LEAST_SEGMENTS, 0, -1):
        if lookback % segment == 0:
            return segment
    return 1


def choose_segment(setting: int | None, lookback: int, season: int) -> Decided[int]:
    """Whole seasons, three to five of them in a lookback, or else a part of it."""
    if setting is not None:
        return Decided(setting, AS_GIVEN)

    for count in range(1, lookback // max(season, 1) + 1):
        segment = count * season
        fits = lookback % segment == 0
        if season > 1 and fits and LEAST_SEGMENTS <= lookback // segment <= MOST_SEGMENTS:
            words = "a season" if count == 1 else f"{count} seasons"
            return Decided(segment, words)
    return Decided(_largest_divisor(lookback), f"at least {LEAST_SEGMENTS} segments")


def choose_lag(parts: Sequence[Floats], season: int, lookback: int, horizon: int) -> Decided[int]:
    """The season, where its naive forecast is no worse than the last value, and else the last."""
    if season < 2 or season > lookback:
        return Decided(1, "no season in the lookback: differences to the last value")
    errors = naive_errors(parts, [1, season], horizon)
    if errors is not None and errors[1] > errors[0]:
        return Decided(1, "repeating the last value has a smaller error than the season")
    return Decided(season, f"differences to the value {season} steps earlier")


def choose_spread(normalization: choices.Normalization, windows: int) -> Decided[choices.Spread]:
    """The root of the deviation where there is enough to learn from its size, else itself."""
    if normalization != "shifted-log":
        return Decided("deviation", "the standard deviation")
    if windows >= FEW_WINDOWS:
        return Decided("root", "the network sees how large the spread is")
    return Decided("absolute", "the mean absolute deviation")


def choose_squash(setting: choices.Squash | None, loss: choices.Loss) -> Decided[choices.Squash]:
    """asinh for squared errors, which a few wild windows would rule."""
    default: choices.Squash = "asinh" if loss == "mse" else "none"
    return setting_or(setting, Decided(default, f"loss {loss}"))


def choose_skip(setting: choices.Skip | None, decoder: choices.Decoder) -> Decided[choices.Skip]:
    """A linear map of the window beside the recurrence, which a decoder has no place for."""
    default: choices.Skip = "none" if decoder == "seq2seq" else "linear"
    return setting_or(setting, Decided(default, f"decoder {decoder}"))


def choose_units(setting: tuple[int, ...] | None) -> Decided[tuple[int, ...]]:
    """Units of each layer."""
    return setting_or(setting, Decided(UNITS, "two layers"))


def choose_embedding(series: int) -> Decided[choices.Embedding]:
    """Segments are embedded where many series teach it."""
    if series >= FEW_SERIES:
        return Decided("linear", f"{series:,} series")
    return Decided("none", "few series: segments are read as they are")


def choose_batch_size(setting: int | None, windows: int) -> Decided[int]:
    """Up to 256 windows."""
    return setting_or(setting, Decided(min(BATCH_SIZE, max(windows, 1)), _count_of(windows)))


def choose_epoch_batches(windows: int, batch_size: int) -> Decided[int]:
    """All windows once, but at least 10 batches and at most 50."""
    batches = -(-windows // batch_size)
    return Decided(int(np.clip(batches, FEWEST_BATCHES, MOST_BATCHES)), _count_of(windows))


def choose_epochs(setting: int | None, windows: int, epoch_batches: int) -> Decided[int]:
    """A fixed number of steps, which grows with the root of the number of windows."""
    steps = np.clip(STEPS_PER_ROOT * math.sqrt(windows), FEWEST_STEPS, MOST_STEPS)
    epochs = epochs_for(int(steps), epoch_batches)
    return setting_or(setting, Decided(epochs, f"{int(steps):,} steps, {_count_of(windows)}"))


def epochs_for(steps: int, epoch_batches: int) -> int:
    return max(1, round(steps / epoch_batches))


def choose_learning_rate(setting: float | None, segment: int) -> Decided[float]:
    """Lower for long segments, whose sums are larger."""
    rate = RATE * min(1.0, FULL_RATE_SEGMENT / segment)
    return setting_or(setting, Decided(rate, f"segments of {segment}"))


def choose_members(setting: int | None, windows: int) -> Decided[int]:
    """Several, where windows are so few that the seed decides."""
    if windows < FEW_WINDOWS:
        return setting_or(setting, Decided(5, f"{_count_of(windows)}: the seed matters"))
    return setting_or(setting, Decided(2, _count_of(windows)))


def _count_of(windows: int) -> str:
    return plural(windows, "training window")
