"""Data that are of another shape than a run was trained on: what differs is said in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import predict, store, train
from forecast_cli.calendar import DAY, HOUR, MINUTE, WEEK, Frequency
from forecast_cli.errors import RunMismatchError
from forecast_cli.workflow.shapes import require_shape


def weekly(folder: Path, first: str) -> Path:
    """A file of forty weeks, the first one beginning on a day."""
    days = np.datetime64(first) + 7 * np.arange(40)
    path = folder / f"from-{first}.csv"
    path.write_text("day,sales\n" + "".join(f"{day},{n % 5 + 10}\n" for n, day in enumerate(days)))
    return path


def test_weekly_rows_on_another_day_are_named_by_the_weekday(tmp_path: Path) -> None:
    mondays, fridays = weekly(tmp_path, "2024-01-01"), weekly(tmp_path, "2024-01-05")
    small: dict[str, Any] = {
        "epochs": 1,
        "units": "3",
        "members": 1,
        "warm_start": "none",
        "horizon": 2,
    }
    train(mondays, draw=False, store_folder=tmp_path / "runs", **small)
    [name] = store.names(tmp_path / "runs")
    with pytest.raises(RunMismatchError) as caught:
        predict(fridays, store_folder=tmp_path / "runs")
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (
        f"{fridays} does not fit the run {name}: its rows are weekly, on a Friday and not a Monday",
        "give data of the same shape, or train on this data",
        13,
    )


@pytest.mark.parametrize(
    ("ours", "trained", "words"),
    [
        (
            Frequency("fixed", WEEK, 3 * DAY),
            Frequency("fixed", WEEK),
            "weekly, on a Sunday and not a Thursday",
        ),
        (
            Frequency("fixed", WEEK, 6 * HOUR),
            Frequency("fixed", WEEK),
            "weekly, at 06:00 and not 00:00",
        ),
        (
            Frequency("fixed", DAY, 6 * HOUR),
            Frequency("fixed", DAY),
            "daily, at 06:00 and not 00:00",
        ),
        (
            Frequency("fixed", 2 * DAY, DAY),
            Frequency("fixed", 2 * DAY),
            "every 2 days, on days such as 1970-01-02 and not 1970-01-01",
        ),
        (
            Frequency("fixed", HOUR, 30 * MINUTE),
            Frequency("fixed", HOUR),
            "hourly, at times such as 00:30 and not 00:00",
        ),
        (Frequency("months", 12, 6), Frequency("months", 12), "yearly, in July and not January"),
        (
            Frequency("months", 3, 1),
            Frequency("months", 3),
            "quarterly, in months such as February and not January",
        ),
        (
            Frequency("months", 1, 0, 31),
            Frequency("months"),
            "monthly, on the last day and not day 1",
        ),
        (
            Frequency("months", 1, 0, 1, HOUR),
            Frequency("months"),
            "monthly, at 01:00 and not 00:00",
        ),
        (
            Frequency("business", clock=HOUR),
            Frequency("business"),
            "business days, at 01:00 and not 00:00",
        ),
        (
            Frequency("step", 10, 5),
            Frequency("step", 10),
            "steps of 10, at numbers such as 5 and not 0",
        ),
    ],
)
def test_what_differs_is_the_first_place_that_is_another(
    airline_store: Path, ours: Frequency, trained: Frequency, words: str
) -> None:
    run = store.load(airline_store)
    panel = replace(run.tail, frequency=ours)
    run = replace(run, config=replace(run.config, frequency=trained))
    with pytest.raises(RunMismatchError) as caught:
        require_shape(run, panel, "data.csv")
    assert caught.value.message == f"data.csv does not fit the run {run.name}: its rows are {words}"


def test_another_step_or_another_column_is_told_with_both_shapes(airline_store: Path) -> None:
    run = store.load(airline_store)
    daily = replace(run.tail, frequency=Frequency("fixed", DAY))
    columns = ", time 'Month', target 'Passengers'"
    with pytest.raises(RunMismatchError) as caught:
        require_shape(run, daily, "data.csv")
    assert caught.value.message == (
        f"data.csv does not fit the run {run.name}: it has daily rows{columns}, "
        f"the run monthly rows{columns}"
    )
