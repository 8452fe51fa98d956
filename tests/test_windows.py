from __future__ import annotations

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import windows
from forecast_cli.panel import from_series


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 15),
    st.integers(0, 15),
)
def test_windows_never_cross_the_cut(
    lengths: list[int], lookback: int, horizon: int, validation: int, test: int
) -> None:
    panel = from_series([np.arange(n, dtype=float) + 1000 * s for s, n in enumerate(lengths)])
    cut = windows.split(panel, validation, test)
    training = windows.between(panel, lookback, horizon, np.zeros(len(lengths), int), cut.training)
    held = windows.between(panel, lookback, horizon, cut.training, cut.validation)
    for chosen, low, high in (
        (training, cut.training * 0, cut.training),
        (held, cut.training, cut.validation),
    ):
        first_target = chosen.origins - panel.offsets[chosen.series]
        assert (first_target - lookback >= 0).all()
        assert (first_target >= low[chosen.series]).all()
        assert (first_target + horizon <= high[chosen.series]).all()
        begins = [max(int(start), lookback) for start in low]
        counts = [
            max(int(end) - horizon - begin + 1, 0) for begin, end in zip(begins, high, strict=True)
        ]
        assert len(chosen) == sum(counts)


def test_a_window_is_one_run_of_one_series() -> None:
    panel = from_series([np.arange(20.0), 1000 + np.arange(15.0)])
    chosen = windows.between(panel, 4, 3, np.zeros(2, int), panel.lengths)
    past, future = windows.pasts(panel.values, chosen), windows.futures(panel.values, chosen)
    both = np.concatenate([past, future], axis=1)
    assert both.shape == (20 - 6 + 15 - 6, 7)
    assert (np.diff(both, axis=1) == 1).all()
    assert both[[0, 13, 14, 22], 0].tolist() == [0, 13, 1000, 1008]


def test_windows_never_use_a_hole() -> None:
    values = np.arange(30.0)
    values[12] = np.nan
    panel = from_series([values])
    chosen = windows.between(panel, 5, 2, np.zeros(1, int), panel.lengths)
    assert not np.isnan(windows.pasts(panel.values, chosen)).any()
    assert not np.isnan(windows.futures(panel.values, chosen)).any()
    assert len(chosen) == 24 - 7


def test_windows_cost_memory_by_the_row_not_by_the_lookback() -> None:
    panel = from_series([np.zeros(2_000_000)])
    tracemalloc.start()
    chosen = windows.between(panel, 512, 24, np.zeros(1, int), panel.lengths)
    kept, peak = tracemalloc.get_traced_memory()
    windows.pasts(panel.values, chosen, np.arange(64))
    tracemalloc.stop()
    assert len(chosen) == 2_000_000 - 512 - 24 + 1
    assert kept < 10_000
    assert peak < panel.values.nbytes / 4


def test_windows_around_a_hole_cost_little_memory() -> None:
    panel = from_series([np.zeros(2_000_000)])
    panel.values[1_000_000] = np.nan
    tracemalloc.start()
    chosen = windows.between(panel, 512, 24, np.zeros(1, int), panel.lengths)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == 2_000_000 - 512 - 24 + 1 - (512 + 24)
    assert kept < 10_000
    assert peak < panel.values.nbytes


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=40), st.data())
def test_windows_are_those_that_they_were_made_from(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    series = np.array([pair[0] for pair in pairs], np.int64)
    origins = np.array([pair[1] for pair in pairs], np.int64)
    chosen = windows.of_origins(series, origins, 2, 1)
    assert len(chosen) == len(pairs)
    assert chosen.series.tolist() == series.tolist()
    assert chosen.origins.tolist() == origins.tolist()

    flags = np.array(data.draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs))))
    flags = flags.astype(bool)
    kept = windows.flagged(chosen, flags)
    assert kept.series.tolist() == series[flags].tolist()
    assert kept.origins.tolist() == origins[flags].tolist()

    if pairs:
        drawn = np.array(data.draw(st.lists(st.integers(0, len(pairs) - 1))), np.int64)
        assert windows.selected(chosen, drawn).origins.tolist() == origins[drawn].tolist()
        assert windows.selected(chosen, slice(1, 9)).series.tolist() == series[1:9].tolist()
