"""Synthetic series, made of what is found in real ones: nothing real is among them.

Each part of a series is a pure function of a random generator and a shape: it draws everything
for a whole batch at once. `draw` adds the parts up, in a mixture that changes from batch to batch.
The abbreviations: B series, N seasons, M steps of a season, T = N * M.

The mixture follows what has been published on synthetic pretraining: trend times season times
noise of ForecastPFN (Dooley et al. 2023), Gaussian processes of Chronos' KernelSynth (Ansari et
al. 2024), level shifts, spikes and stretches without values of TempoPFN (Moroshan et al. 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[Any]  # in single precision

SEASONS = (3, 4, 5, 6, 7, 8, 10, 12, 13, 16, 24)  # lengths; longer ones are read as points, too
SEASON_SHARES = (0.02, 0.06, 0.03, 0.04, 0.17, 0.03, 0.03, 0.24, 0.03, 0.03, 0.32)
CYCLES = {7: (4, 13, 52), 24: (7, 5, 7), 12: (3, 4), 4: (4,)}  # seasons that make a longer one
MOST_SEASONS, MOST_AHEAD = 32, 8
TOLD = 0.85  # share of the batches with a longer season in which the network is told of it
WITHOUT = 0.4  # share of the series without one, though the network is told of it
STEEP_SEASONS = 10  # history in which a usual slope changes the level by 2.5 amplitudes
FREQUENCIES = 8  # random cosines that make up one draw of a Gaussian process


@dataclass(frozen=True, eq=False)
class Batch:
    """Series that were drawn.

    - values: (B, N + F, M), of which the last F seasons lie ahead; NaN where nothing is known
    - seasons: K, of which the network reads
    - ahead: F
    - cycle: seasons in a longer season; 0 if there is none, or if it is not told
    """

    values: Floats
    seasons: int
    ahead: int
    cycle: int


def draw(random: Generator, count: int) -> Batch:
    """A batch of series that share the lengths of their seasons, and nothing else."""
    season = int(random.choice(SEASONS, p=SEASON_SHARES))
    seasons = round(float(np.exp(random.uniform(np.log(2), np.log(MOST_SEASONS)))))
    ahead = int(random.choice([1, 2, 3, 4, 6, MOST_AHEAD], p=[0.3, 0.25, 0.15, 0.12, 0.1, 0.08]))

    cycle = _cycle(random, season)
    is_told = random.random() < TOLD
    history = max(seasons, cycle + int(random.integers(0, 3))) if cycle and is_told else seasons
    shape = (count, history + ahead, season)

    values = whole_series(random, shape, cycle)
    values[:, :history] = with_gaps(random, values[:, :history])
    return Batch(values, seasons, ahead, cycle if is_told else 0)


def _cycle(random: Generator, season: int) -> int:
    """How many seasons make a longer one; 0: there is none."""
    if season in CYCLES and random.random() < (0.75 if season == 24 else 0.35):
        return int(random.choice(CYCLES[season]))
    return int(random.integers(3, 10)) if random.random() < 0.1 else 0


def whole_series(random: Generator, shape: tuple[int, int, int], cycle: int) -> Floats:
    """(B, N, M) series without gaps, each of a kind of its own."""
    count, seasons, season = shape
    steps = (count, seasons * season)
    level = levels(random, steps, season)
    regular = seasonal(random, shape) * amplitudes(random, shape)
    longer = np.zeros((1, 1, 1), np.float32)
    if cycle:
        has_cycle = some(random, count, 1 - WITHOUT)[:, :, None]
        regular = np.where(has_cycle > 0, in_cycle(random, regular, cycle), regular)
        longer = has_cycle * longer_season(random, shape, cycle)
    noise = irregular(random, steps)

    size = random.choice(f32(0, 0.3, 0.7, 1, 1, 1.5, 2), (count, 1, 1))
    values = level.reshape(shape) + size * (regular + longer) + noise.reshape(shape)
    values = multiplied(random, values, level.reshape(shape), size * (regular + longer), noise)
    return bent(random, values.astype(np.float32))


def f32(*values: float) -> Floats:
    """Numbers to choose from."""
    return np.array(values, np.float32)


def normal(random: Generator, shape: tuple[int, ...]) -> Floats:
    """Standard normal numbers in single precision."""
    return random.standard_normal(shape, dtype=np.float32)


def some(random: Generator, count: int, share: float) -> Floats:
    """(B, 1) one for a random share of the series, zero for the others."""
    return (random.random((count, 1)) < share).astype(np.float32)


# -- the level ---------------------------------------------------------------------------------


def levels(random: Generator, steps: tuple[int, int], season: int) -> Floats:
    """(B, T) trend, random walks, shifts, bends and smooth wandering; a season has length one."""
    count, length = steps
    time = (np.arange(length, dtype=np.float32) / season)[None]
    # In a long history, trends are weaker, or nothing else would be left of the series.
    steepness = 0.25 * min(1.0, STEEP_SEASONS * season / length)
    slope = normal(random, (count, 1)) * steepness * some(random, count, 0.6)
    level = slope * time
    level += walk(random, steps, season) * random.choice(
        f32(0, 0, 0, 0.05, 0.15, 0.4, 0.8), (count, 1)
    )
    level += drift(random, steps, season) * random.choice(f32(0, 0, 0, 0.03, 0.08), (count, 1))
    level += shifts(random, steps)
    level += bends(random, steps, season) * some(random, count, 0.2)
    level += wandering(random, steps, season) * some(random, count, 0.25)
    return level


def walk(random: Generator, steps: tuple[int, int], season: int) -> Floats:
    """(B, T) a random walk with a standard deviation of 1 over one season."""
    walked: Floats = np.cumsum(normal(random, steps), axis=1, dtype=np.float32)
    return walked / np.float32(np.sqrt(season))


def drift(random: Generator, steps: tuple[int, int], season: int) -> Floats:
    """(B, T) a local linear trend: the slope is a random walk."""
    slope = walk(random, steps, season)
    drifted: Floats = np.cumsum(slope, axis=1, dtype=np.float32)
    return drifted / season


def shifts(random: Generator, steps: tuple[int, int]) -> Floats:
    """(B, T) up to two lasting shifts of the level, in a fifth of the series."""
    count, length = steps
    shifted = np.zeros(steps, np.float32)
    for share in (0.2, 0.06):
        at = random.integers(0, length, (count, 1))
        size = normal(random, (count, 1)) * some(random, count, share)
        shifted += size * (np.arange(length)[None] >= at)
    return shifted


def bends(random: Generator, steps: tuple[int, int], season: int) -> Floats:
    """(B, T) a slope from a random step on."""
    count, length = steps
    at = random.integers(0, length, (count, 1))
    after = np.maximum(np.arange(length)[None] - at, 0).astype(np.float32)
    bent: Floats = normal(random, (count, 1)) * 0.3 * after / season
    return bent


def wandering(random: Generator, steps: tuple[int, int], season: int) -> Floats:
    """(B, T) a draw of a Gaussian process with a squared exponential kernel.

    By random Fourier features (Rahimi & Recht 2007): the mean of cosines, the frequencies of
    which are normal with the reciprocal of the length scale as standard deviation.
    """
    count, length = steps
    time = np.arange(length, dtype=np.float32) / season
    scale = np.exp(random.uniform(np.log(0.5), np.log(8), (count, 1))).astype(np.float32)
    total = np.zeros(steps, np.float32)
    for _ in range(FREQUENCIES):
        frequency = normal(random, (count, 1)) / scale
        phase = random.random((count, 1), dtype=np.float32) * np.float32(2 * np.pi)
        total += np.cos(frequency * time + phase)
    return total * np.float32(np.sqrt(2 / FREQUENCIES))


# -- seasons -----------------------------------------------------------------------------------


def seasonal(random: Generator, shape: tuple[int, int, int]) -> Floats:
    """(B, N, M) a season with a standard deviation of 1, the shape of which may change slowly."""
    count, seasons, _ = shape
    first, second = one_season(random, shape), one_season(random, shape)
    # A quarter of the series change from one shape to another on the way.
    change = walk(random, (count, seasons), seasons) * 0.5 * some(random, count, 0.25)
    return first[:, None] + change[:, :, None] * second[:, None]


def one_season(random: Generator, shape: tuple[int, int, int]) -> Floats:
    """(B, M) harmonics, spikes, and stretches that are switched on, scaled to deviation 1."""
    count, _, season = shape
    phase = (np.arange(season, dtype=np.float32) / season)[None]
    total = harmonics(random, count, phase)
    total += spikes(random, count, season) * some(random, count, 0.3)
    total += switched(random, count, phase) * some(random, count, 0.3)
    total += normal(random, (count, season)) * some(random, count, 0.2)
    total -= total.mean(axis=1, keepdims=True)
    scaled: Floats = total / (total.std(axis=1, keepdims=True) + np.float32(1e-3))
    return scaled


def harmonics(random: Generator, count: int, phase: Floats) -> Floats:
    """(B, M) cosines of up to eight times the frequency of the season, the higher the weaker."""
    total = np.zeros((count, phase.shape[1]), np.float32)
    most = random.integers(1, 9, (count, 1))
    decay = random.choice(f32(0.3, 0.7, 1.2, 2), (count, 1))
    for number in range(1, 9):
        size = normal(random, (count, 1)) / number**decay * (number <= most)
        shift = random.random((count, 1), dtype=np.float32)
        total += size * np.cos(2 * np.pi * (number * phase + shift), dtype=np.float32)
    return total


def spikes(random: Generator, count: int, season: int) -> Floats:
    """(B, M) a few steps of the season that differ from the others."""
    has = random.random((count, season)) < random.choice([0.05, 0.15, 0.3], (count, 1))
    return normal(random, (count, season)) * 2 * has


def switched(random: Generator, count: int, phase: Floats) -> Floats:
    """(B, M) on for a part of the season, off for the rest, as daylight and opening hours."""
    start = random.random((count, 1), dtype=np.float32)
    length = random.uniform(0.2, 0.7, (count, 1))
    return normal(random, (count, 1)) * 2 * (((phase - start) % 1) < length)


def amplitudes(random: Generator, shape: tuple[int, int, int]) -> Floats:
    """(B, N, 1) how strong each season is, which changes slowly."""
    count, seasons, _ = shape
    size = random.choice(f32(0, 0, 0.1, 0.3), (count, 1))
    strength: Floats = np.exp(walk(random, (count, seasons), seasons) * size)
    return strength[:, :, None]


def in_cycle(random: Generator, regular: Floats, cycle: int) -> Floats:
    """(B, N, M) the shape of a season changes with its place in the longer one.

    As on weekends, one or two places have another shape; each place has a strength and a
    deviation of its own.
    """
    count, seasons, _ = regular.shape
    place = (np.arange(seasons)[None] + random.integers(0, cycle, (count, 1))) % cycle
    rows = np.arange(count)[:, None]

    strength = np.exp(normal(random, (count, cycle)) * 0.3 * some(random, count, 0.5))
    own = normal(random, (count, cycle, 2)) * 0.3 * some(random, count, 0.5)[:, :, None]
    first, second = one_season(random, regular.shape), one_season(random, regular.shape)
    shapes = regular * strength[rows, place][:, :, None]
    shapes += own[rows, place][:, :, :1] * first[:, None]
    shapes += own[rows, place][:, :, 1:] * second[:, None]

    other = one_season(random, regular.shape)[:, None] + regular * 0.3
    days = random.integers(1, 3, (count, 1)) * some(random, count, 0.5)
    return np.where((place < days)[:, :, None], other, shapes)


def longer_season(random: Generator, shape: tuple[int, int, int], cycle: int) -> Floats:
    """(B, N, M) what the longer season adds: a number for each season, or a smooth wave."""
    count, seasons, season = shape
    place = (np.arange(seasons)[None] + random.integers(0, cycle, (count, 1))) % cycle
    numbers = np.take_along_axis(normal(random, (count, cycle)), place, axis=1)[:, :, None]
    phase = (np.arange(seasons * season, dtype=np.float32) / (cycle * season))[None]
    wave = harmonics(random, count, phase).reshape(shape)
    is_wave = some(random, count, 0.8 if cycle > 9 else 0.3)[:, :, None]
    size = random.choice(f32(0, 0.3, 0.6, 1), (count, 1, 1))
    mixed: Floats = size * (is_wave * wave + (1 - is_wave) * numbers)
    return mixed


# -- what is irregular -------------------------------------------------------------------------


def irregular(random: Generator, steps: tuple[int, int]) -> Floats:
    """(B, T) autoregressive noise, partly with heavy tails, and single outliers."""
    count, _ = steps
    size = random.choice(f32(0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.2), (count, 1))
    noise = normal(random, steps)
    heavy = some(random, count, 0.3)
    tails = np.sqrt(3 / np.maximum(random.standard_gamma(2.0, steps, dtype=np.float32), 0.05))
    noise *= np.where(heavy > 0, tails * np.float32(0.6), 1)
    noise *= bursts(random, steps)
    noise = autoregressive(noise, random.choice(f32(0, 0, 0.3, 0.6, 0.9), (count, 1)))
    outliers = (random.random(steps, dtype=np.float32) < 0.01) * normal(random, steps) * 5
    total: Floats = size * (noise + outliers * some(random, count, 0.2))
    return total


def autoregressive(noise: Floats, memory: Floats) -> Floats:
    """(B, T) noise that remembers: x_t = memory * x_{t-1} + noise_t, with memory (B, 1)."""
    scaled = np.ascontiguousarray((noise * np.sqrt(1 - memory**2)).T)
    factor = memory[:, 0]
    for step in range(1, len(scaled)):
        scaled[step] += factor * scaled[step - 1]
    return np.ascontiguousarray(scaled.T)


def bursts(random: Generator, steps: tuple[int, int]) -> Floats:
    """(B, T) times of more and of less noise, in a fifth of the series."""
    size = some(random, steps[0], 0.2) * 0.8
    return np.exp(walk(random, steps, steps[1]) * size)


def multiplied(
    random: Generator, added: Floats, level: Floats, regular: Floats, noise: Floats
) -> Floats:
    """(B, N, M) a third of the series with factors in the place of summands."""
    count = len(added)
    factors = 0.3 * level + 0.25 * regular + 0.15 * noise.reshape(added.shape)
    product = np.exp(np.clip(factors, -6, 6))
    is_product = some(random, count, 0.35)[:, :, None] > 0
    return np.where(is_product, product, added)


# -- what becomes of it ------------------------------------------------------------------------


def bent(random: Generator, values: Floats) -> Floats:
    """(B, N, M) floors, counts and rounding, each in a few of the series."""
    count = len(values)
    kind = random.random((count, 1, 1))
    deviation = values.std(axis=(1, 2), keepdims=True) + np.float32(1e-3)
    middle = values.mean(axis=(1, 2), keepdims=True)
    standard = (values - middle) / deviation

    floor = random.uniform(-1, 0.5, (count, 1, 1)).astype(np.float32)
    values = np.where(kind < 0.06, np.maximum(standard, floor), values)

    few = (kind >= 0.06) & (kind < 0.14)
    rate = np.exp(random.uniform(-1.5, 3, (count, 1, 1)).astype(np.float32))
    if few.any():
        chosen = few[:, 0, 0]
        intensity = rate[chosen] * np.exp(0.5 * np.clip(standard[chosen], -4, 4))
        values[chosen] = random.poisson(intensity).astype(np.float32)

    fineness = 1 + rate
    rounded = np.round(standard * fineness) / fineness
    return np.where((kind >= 0.14) & (kind < 0.18), rounded, values).astype(np.float32)


def with_gaps(random: Generator, values: Floats) -> Floats:
    """(B, N, M) with holes: single steps, a stretch, and a start that comes later.

    Series of which fewer steps than two seasons would be left have no holes.
    """
    count, seasons, season = values.shape
    whole = values.reshape(count, -1)
    flat = whole.copy()
    length = flat.shape[1]
    step = np.arange(length)[None]

    share = random.choice([0.0, 0.05, 0.2], (count, 1)) * some(random, count, 0.15)
    flat[random.random(flat.shape) < share] = np.nan

    start = random.integers(0, length, (count, 1))
    stop = start + random.integers(1, 2 * season + 1, (count, 1))
    has_stretch = some(random, count, 0.1) > 0
    flat[has_stretch & (step >= start) & (step < stop)] = np.nan

    begin = random.integers(0, max(length - 2 * season, 0) + 1, (count, 1))
    begins_later = some(random, count, 0.25) > 0
    flat[begins_later & (step < begin)] = np.nan

    too_few = (~np.isnan(flat)).sum(axis=1) < 2 * season
    flat[too_few] = whole[too_few]
    return flat.reshape(count, seasons, season)
