"""From rows to series on their full grid: sums over steps without rows, and how much of a series may be made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli.errors import DataError
from forecast_cli.panel import Panel, values_of
from forecast_cli.reading import read_csv
from tests.conftest import Result

Write = Callable[..., Path]


def refused(path: Path, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path, **settings)
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), path.name)


def texts(panel: Panel) -> list[str]:
    return [note.text for note in panel.notes]


HALF = [day for day in range(62) if day % 4 < 2]


def days(*numbers: int, cell: str = "1", start: str = "2024-01-01") -> str:
    """A row for each of these days after the first, counted from 0."""
    stamps = np.datetime64(start, "D") + np.array(numbers)
    return "".join(f"{day},{cell}\n" for day in stamps)


# -- sums over steps without rows ------------------------------------------------------------------------------------

SALES = (
    "day,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,4\n2024-01-05,8\n2024-01-05,1\n2024-01-06,3\n"
)


def test_days_without_rows_are_zero_after_a_sum_and_are_data(write: Write) -> None:
    panel = read_csv(write(SALES), duplicates="sum")
    assert panel.values.tolist() == [3, 4, 0, 0, 9, 3]
    assert panel.values.sum() == 1 + 2 + 4 + 8 + 1 + 3
    assert len(panel.filled) == 0  # so the zeros are scored as well
    assert texts(panel) == [
        "2 rows repeat the time of another; they were added",
        "2 steps without rows count as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way",
    ]


@pytest.mark.parametrize(
    ("gaps", "values"),
    [
        ("interpolate", [3, 4, 5, 6, 7, 8, 9, 3]), ("ffill", [3, 4, 4, 4, 4, 4, 9, 3]),
        ("drop", [3, 4, np.nan, np.nan, np.nan, np.nan, 9, 3]), ("zero", [3, 4, 0, 0, 0, 0, 9, 3]),
    ],
)  # fmt: skip
def test_gaps_says_otherwise_after_a_sum(write: Write, gaps: str, values: list[float]) -> None:
    text = SALES.replace("01-05", "01-07").replace("01-06", "01-08")
    panel = read_csv(write(text), duplicates="sum", gaps=gaps, max_filled=0.5)
    assert np.array_equal(panel.values, values, equal_nan=True)
    assert len(panel.filled) == (0 if gaps == "zero" else 8)


def test_a_file_that_repeats_no_time_is_read_as_one_that_does(write: Write) -> None:
    """Whether somebody bought twice on one day must not decide what the days without sales are."""
    panel = read_csv(
        write("day,y\n2024-01-01,3\n2024-01-02,4\n2024-01-04,9\n2024-01-05,3\n"), duplicates="sum"
    )
    assert panel.values.tolist() == [3, 4, 0, 9, 3]
    assert texts(panel) == [
        "1 step without rows counts as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way"
    ]


def test_long_stretches_without_rows_are_zero_after_a_sum(write: Write) -> None:
    text = "day,y\n" + days(0, 0, 1, 40, 41, 90)
    panel = read_csv(write(text), duplicates="sum")
    assert np.flatnonzero(panel.values).tolist() == [0, 1, 40, 41, 90]
    assert panel.values.sum() == 6


def test_rows_whose_values_are_all_missing_stay_gaps_after_a_sum(write: Write) -> None:
    text = "day,y\n2024-01-01,2\n2024-01-02,\n2024-01-02,NA\n2024-01-03,6\n2024-01-05,7\n2024-01-05,\n2024-01-06,1\n"
    panel = read_csv(write(text), duplicates="sum")
    assert panel.values.tolist() == [2, 4, 6, 0, 7, 1]
    assert panel.filled.tolist() == [False, True, False, False, False, False]
    assert texts(panel)[1:] == [
        "1 step without rows counts as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way",
        "1 missing step was interpolated",
    ]
    assert refused(write(text), duplicates="sum", gaps="error").startswith(
        "data.csv: a gap of 1 step begins at 2024-01-02; none is allowed"
    )


@pytest.mark.parametrize(
    ("gaps", "one", "several"),
    [
        ("interpolate", "1 missing step was interpolated", "2 missing steps were interpolated"),
        (
            "ffill",
            "1 missing step was filled with the value before",
            "2 missing steps were filled with the value before",
        ),
        ("zero", "1 missing step was filled with 0", "2 missing steps were filled with 0"),
        ("drop", "1 missing step was left empty", "2 missing steps were left empty"),
    ],
)
def test_missing_steps_are_counted_in_the_singular_and_plural(
    write: Write, gaps: str, one: str, several: str
) -> None:
    first = write("day,y\n" + days(0, 1, 3, 4, 5, 6, 7))
    assert texts(read_csv(first, gaps=gaps)) == [one]
    second = write("day,y\n" + days(0, 1, 3, 4, 6, 7, 8))
    assert texts(read_csv(second, gaps=gaps)) == [several]


def test_too_many_missing_values_are_refused_after_a_sum_as_before(write: Write) -> None:
    text = "day,y\n" + days(0, 0) + days(1, 2, 3, cell="") + days(5)
    assert refused(write(text), duplicates="sum").startswith(
        "data.csv: 3 of 6 steps are missing, more than a third"
    )


def test_each_series_runs_from_its_own_first_row_to_its_last(write: Write) -> None:
    rows = {"a": (0, 0, 1, 9), "b": (3, 4, 6, 6)}
    text = "unique_id,ds,y\n"
    for name, at in rows.items():
        text += "".join(f"{name},{line}\n" for line in days(*at).splitlines())
    panel = read_csv(write(text), duplicates="sum")
    assert values_of(panel, 0).tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert values_of(panel, 1).tolist() == [1, 1, 0, 2]


def test_sums_of_single_sales_add_up_to_what_was_sold(write: Write) -> None:
    """A file of receipts over three years; on a third of the days there are none."""
    random = np.random.default_rng(1)
    at = np.sort(random.choice(1000, 1200))
    amounts = random.integers(1, 100, len(at))
    stamps = np.datetime64("2021-01-01", "D") + at
    text = "day,y\n" + "".join(
        f"{day},{amount}\n" for day, amount in zip(stamps, amounts, strict=True)
    )
    panel = read_csv(write(text), duplicates="sum")
    assert panel.values.sum() == amounts.sum()
    assert panel.lengths.tolist() == [at[-1] - at[0] + 1]


def test_a_run_of_sums_reads_new_rows_the_same(
    forecast: Callable[..., Result], write: Write
) -> None:
    path = write("day,y\n" + days(*range(40), *range(42, 80), *range(0, 80, 3)))
    assert (
        forecast(
            "train", path, "--duplicates", "sum", "--epochs", 1, "--units", 4, "--members", 1
        ).code
        == 0
    )
    newer = write("day,y\n" + days(*range(70), *range(0, 70, 3), 75, 78, 82), "newer.csv")
    done = forecast("predict", newer, "--quiet")
    assert (done.err, done.code) == ("", 0)
    assert done.out.splitlines()[1].startswith("2024-03-24,")


# -- how much may be made up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gaps", ["interpolate", "ffill"])
def test_more_than_a_third_is_made_up_only_when_told(write: Write, gaps: str) -> None:
    """A series half of which is not there."""
    path = write("day,y\n" + days(*HALF))
    assert refused(path, gaps=gaps) == (
        "data.csv: 30 of 62 steps are missing, more than a third "
        "| bring the rows to one step first; or use --max-filled 0.5 to have so many filled, or --gaps zero or drop"
    )
    assert refused(path, gaps=gaps, max_filled=0.2).startswith(
        "data.csv: 30 of 62 steps are missing, more than a share of 0.2 |"
    )
    panel = read_csv(path, gaps=gaps, max_filled=0.5)
    assert panel.lengths.tolist() == [62]
    assert panel.filled.sum() == 30
    assert panel.reading.max_filled == 0.5


@pytest.mark.parametrize("gaps", ["zero", "drop"])
def test_zeros_and_holes_are_not_made_up(write: Write, gaps: str) -> None:
    assert read_csv(write("day,y\n" + days(*HALF)), gaps=gaps).lengths.tolist() == [62]


def test_a_third_is_not_more_than_a_third(write: Write) -> None:
    path = write("day,y\n" + days(0, 1, 2, 4, 5, 8))
    assert read_csv(path, gaps="interpolate").lengths.tolist() == [9]
    assert refused(path, gaps="interpolate", max_filled=0.33).startswith(
        "data.csv: 3 of 9 steps are missing"
    )


def test_nothing_is_made_up_where_nothing_may_be(write: Write) -> None:
    assert refused(write("day,y\n" + days(0, 1, 3)), max_filled=0).startswith(
        "data.csv: 1 of 4 steps are missing, more than a share of 0 |"
    )
    assert read_csv(write("day,y\n" + days(0, 1, 2)), max_filled=0).lengths.tolist() == [3]


def test_the_worst_series_is_named_and_the_others_are_counted(write: Write) -> None:
    rows = {
        "a": range(40),
        "b": [0, 1, *range(3, 40, 2)],
        "c": [0, 1, *range(2, 40, 4)],
        "d": range(40),
    }
    text = "unique_id,ds,y\n"
    for name, at in rows.items():
        text += "".join(f"{name},{line}\n" for line in days(*at).splitlines())
    assert refused(write(text), gaps="interpolate") == (
        "data.csv: series 'c': 27 of 39 steps are missing, more than a third (and 1 more series like it) "
        "| bring the rows to one step first; or use --max-filled 0.7 to have so many filled, or --gaps zero or drop"
    )
    assert len(read_csv(write(text), gaps="interpolate", max_filled=0.7)) == 4


@pytest.mark.parametrize("count", [1, 400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_panels_of_any_size_name_their_worst_series(write: Write, count: int) -> None:
    whole, half = days(0, 1, 2, 3, 4, 5).splitlines(), days(0, 1, 4, 5).splitlines()
    text = "unique_id,ds,y\n" + "".join(f"s{n},{line}\n" for n in range(count) for line in whole)
    path = write(text + "".join(f"odd,{line}\n" for line in half))
    answer = "data.csv: series 'odd': 2 of 6 steps are missing, more than a share of 0.3 |"
    assert refused(path, max_filled=0.3).startswith(answer)
    assert len(read_csv(path)) == count + 1


def test_weekdays_are_named_where_they_are_what_fits(write: Write) -> None:
    """Trading days with some holidays, on a grid of all days."""
    weekdays = [day for day in range(70) if day % 7 < 5 and day % 9]
    path = write("day,y\n" + days(*weekdays))
    answer = refused(path, freq="D", gaps="interpolate")
    assert answer == (
        "data.csv: 23 of 67 steps are missing, more than a third | use --freq B, as no row is on a weekend; "
        "or use --max-filled 0.4 to have so many filled, or --gaps zero or drop"
    )
    assert len(read_csv(path, freq="B", gaps="interpolate").values) == 49

    with_a_saturday = write("day,y\n" + days(*sorted([*weekdays, 5])))
    assert "--freq B" not in refused(with_a_saturday, freq="D", gaps="interpolate", max_filled=0.3)
    mondays_and_tuesdays = write("day,y\n" + days(*(day for day in range(70) if day % 7 < 2)))
    assert "--freq B" not in refused(mondays_and_tuesdays, freq="D", gaps="interpolate")


@pytest.mark.parametrize("count", [3, 700])
def test_a_step_that_is_too_fine_is_refused(write: Write, count: int) -> None:
    hours = [
        str(np.datetime64("2020-01-01T00:00") + np.timedelta64(hour, "h")) for hour in range(count)
    ]
    path = write("time,y\n" + "".join(f"{hour},1\n" for hour in hours))
    assert refused(path, freq="min") == (
        "data.csv: --freq min: no two rows are one step apart, the nearest are 60 | name the step that the times have"
    )
    odd = write(
        "time,y\n" + "".join(f"{hour},1\n" for hour in [*hours, hours[-1].replace(":00", ":01")])
    )
    steps = 60 * (count - 1) + 2
    assert refused(odd, freq="min", gaps="interpolate") == (
        f"data.csv: {steps - count - 1:,} of {steps:,} steps are missing, more than a third "
        "| name a coarser step with --freq; or use --max-filled 1 to have so many filled, or --gaps zero or drop"
    )


def test_a_grid_larger_than_memory_is_never_made(write: Write) -> None:
    """Two rows a second apart, and one that is ninety years younger."""
    path = write("time,y\n1930-01-01 00:00:00,1\n1930-01-01 00:00:01,1\n2020-01-01 00:00:00,1\n")
    assert refused(path, gaps="interpolate").startswith(
        "data.csv: 2,840,140,798 of 2,840,140,801 steps are missing"
    )
    for gaps in ("zero", "drop"):
        assert refused(path, gaps=gaps) == (
            "data.csv: more than 98 % of the steps are missing "
            "| name a coarser step with --freq, or bring the rows to one step first"
        )
    assert "more than 98 % of the steps" in refused(path, gaps="interpolate", max_filled=1)


def test_predict_keeps_the_hint_and_takes_the_option(
    forecast: Callable[..., Result], write: Write
) -> None:
    path = write("day,y\n" + days(*range(80)))
    assert (
        forecast(
            "train", path, "--gaps", "interpolate", "--epochs", 1, "--units", 4, "--members", 1
        ).code
        == 0
    )
    newer = write("day,y\n" + days(*HALF), "newer.csv")
    done = forecast("predict", newer)
    assert done.code == 20
    assert "hint: bring the rows to one step first; or use --max-filled 0.5" in done.err
    assert forecast("predict", newer, "--max-filled", 0.5).code == 0


# -- times in messages -------------------------------------------------------------------------


HOURS = [f"2020-01-{day:02}T{hour:02}:00" for day in (1, 2) for hour in range(24)]
MIDNIGHT = HOURS.index("2020-01-02T00:00")


def refused_times(times: list[str], **settings: Any) -> str:
    text = "ds,y\n" + "".join(f"{time},{at}\n" for at, time in enumerate(times))
    with pytest.raises(DataError) as caught:
        read_csv("data.csv", content=text.encode(), **settings)
    return caught.value.message


def test_a_midnight_in_a_message_is_written_as_in_the_file() -> None:
    twice = [*HOURS[: MIDNIGHT + 1], *HOURS[MIDNIGHT:]]
    message = refused_times(twice, timezone="UTC")
    assert message == "data.csv:26 and 27: the time 2020-01-02T00:00 is there twice"

    with_gap = HOURS[:MIDNIGHT] + HOURS[MIDNIGHT + 1 :]
    message = refused_times(with_gap, gaps="error")
    assert message == ("data.csv: a gap of 1 step begins at 2020-01-02T00:00; none is allowed")

    off_grid = [time.replace(":00", ":30") for time in HOURS[:MIDNIGHT]] + HOURS[MIDNIGHT:][:1]
    message = refused_times(off_grid)
    assert message.endswith("most are 1 hour apart, 2020-01-02T00:00 is not on it")


def test_a_midnight_that_a_zone_skips_is_written_as_in_the_file() -> None:
    times = [f"2018-11-{day:02} {hour:02}:00" for day in (3, 4, 5) for hour in range(24)]
    assert refused_times(times, timezone="America/Sao_Paulo") == (
        "data.csv:26: column 'ds': 2018-11-04 00:00 does not exist in America/Sao_Paulo: "
        "the clocks skip it"
    )


def test_other_kinds_of_times_are_written_as_in_the_file() -> None:
    months = [f"{month} 2021" for month in ("Jan", "Feb", "Feb", "Mar")]
    assert refused_times(months) == "data.csv:3 and 4: the time Feb 2021 is there twice"
    quarters = ["2021Q1", "2021Q2", "2021Q2", "2021Q3"]
    assert refused_times(quarters) == "data.csv:3 and 4: the time 2021Q2 is there twice"
    assert refused_times(["1", "2", "2", "3"], time="ds").endswith("the time 2 is there twice")
