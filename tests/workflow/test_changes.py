"""What is new in the data since the last time, what was revised, and what is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.errors import RunMismatchError
from forecast_cli.panel import Panel, head, values_of
from forecast_cli.store import Run
from forecast_cli.workflow.changes import Changes, changes_since
from tests.workflow.helpers import recorded, with_more, with_values


@pytest.fixture(scope="module")
def run(airline_store: Path) -> Run:
    return store.load(airline_store)


@pytest.fixture(scope="module")
def panel(run: Run) -> Panel:
    """The rows of the training, with the name of a file."""
    return named(run.tail)


def named(panel: Panel) -> Panel:
    return replace(panel, source="data.csv")


def lost(panel: Panel, run: Run, *track: store.PastForecast) -> str:
    with pytest.raises(RunMismatchError) as raised:
        changes_since(panel, run, track)
    assert raised.value.hint == (
        "bring the rows back, or train on the file as it is: "
        "`forecast train` with the options of this command that it has"
    )
    return raised.value.message


def test_the_same_rows_are_no_change(run: Run, panel: Panel) -> None:
    assert changes_since(panel, run, ()) == Changes(0, 0)
    assert changes_since(panel, run, (recorded(run, panel),)) == Changes(0, 0)


def test_new_rows_are_counted_since_the_last_refresh_of_this_run(run: Run, panel: Panel) -> None:
    more = with_more(panel, np.ones(5))
    past = recorded(run, head(more, np.array([len(panel.values) + 3])))
    assert changes_since(more, run, ()) == Changes(5, 0)
    assert changes_since(more, run, (past,)) == Changes(2, 0)
    other = replace(past, record=replace(past.record, run="20260101T000000Z-000001-0123456789ab"))
    assert changes_since(more, run, (other,)) == Changes(5, 0)


def test_all_rows_of_a_new_series_are_new(run: Run, panel: Panel) -> None:
    values = values_of(panel, 0)
    assert changes_since(with_values(panel, values, values[:9], ids=("", "new")), run, ()).new == 9


def test_revised_values_are_counted_and_rounding_is_none(run: Run, panel: Panel) -> None:
    values = values_of(panel, 0).copy()
    values[-3:] += 1.0
    values[:20] *= 1 + 1e-12
    assert changes_since(with_values(panel, values), run, ()) == Changes(0, 3)


def test_a_series_that_is_gone_is_named(run: Run, panel: Panel) -> None:
    two = with_values(panel, *[values_of(panel, 0)] * 2, ids=("", "b"))
    past = recorded(run, two)
    assert lost(named(panel), run, past) == (
        "data.csv has lost rows: 1 series that was there at the refresh of 2026-11-22 is gone: 'b'"
    )


def test_an_earlier_end_is_told_with_both_times(run: Run, panel: Panel) -> None:
    shorter = named(head(panel, np.array([len(panel.values) - 2])))
    assert lost(shorter, run) == (
        f"data.csv has lost rows: the data ended at 1960-12 when the run {run.name} was trained, "
        "and ends at 1960-10 now"
    )


def test_a_value_that_is_missing_now_is_told_with_its_time(run: Run, panel: Panel) -> None:
    values = values_of(panel, 0).copy()
    values[-2] = np.nan
    past = recorded(run, panel)
    assert lost(named(with_values(panel, values)), run, past) == (
        "data.csv has lost rows: 1 row that had a value at the refresh of 2026-11-22 has none now: "
        "the first is 1960-11"
    )
    # The training may have filled it in.
    assert changes_since(named(with_values(panel, values)), run, ()) == Changes(0, 0)
