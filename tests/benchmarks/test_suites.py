"""The loaders of benchmarks/suites.py, on made-up data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import suites


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def write_tourism(data: Path) -> None:
    write(
        data / "tourism_monthly" / "tourism_monthly_train.csv",
        ["M1," + ",".join(map(str, range(1, 26))) + ",", "M2,5,6,7,8,9,10,,"],
    )
    months = ",".join(map(str, range(24)))
    write(data / "tourism_monthly" / "tourism_monthly_test.csv", [f"M2,{months}", f"M1,{months}"])


def write_nn5(data: Path, rows: int) -> None:
    values = [str(1 + day % 7) for day in range(rows)]
    values[10] = ""
    write(data / "nn5" / "nn5_daily.csv", ["NN5-001," + ",".join(values)])


def test_a_ragged_row_ends_with_its_last_value_and_keeps_its_gaps(tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", ['"V1","V2","V3","V4"', '"H1","1","","3"', '"H2","4","",""'])
    rows = suites.read_rows(tmp_path / "rows.csv", header=True)
    np.testing.assert_array_equal(rows["H1"], [1, np.nan, 3])
    np.testing.assert_array_equal(rows["H2"], [4])


def test_m4_is_read_without_its_header(tmp_path: Path) -> None:
    test = ",".join(map(str, range(48)))
    write(tmp_path / "m4_hourly" / "Hourly-train.csv", ["id,V2,V3", "H1,7,8"])
    write(tmp_path / "m4_hourly" / "Hourly-test.csv", ["id" + ",V" * 48, f"H1,{test}"])
    suite = suites.m4_hourly(tmp_path)
    assert list(suite.training) == list(suite.test) == ["H1"]
    assert (len(suite.test["H1"]), suite.horizon, suite.season, suite.seasons) == (
        48,
        48,
        24,
        "24,168",
    )


def test_the_parts_of_tourism_belong_to_the_same_series_whatever_their_order(
    tmp_path: Path,
) -> None:
    write_tourism(tmp_path)
    suite = suites.tourism_monthly(tmp_path)
    assert list(suite.training) == list(suite.test) == ["M1", "M2"]
    assert [len(values) for values in suite.training.values()] == [25, 6]


def test_quarters_are_sums_of_three_months_counted_from_the_end(tmp_path: Path) -> None:
    write_tourism(tmp_path)
    suite = suites.quarters(tmp_path)
    np.testing.assert_array_equal(suite.training["M1"][:2], [2 + 3 + 4, 5 + 6 + 7])
    np.testing.assert_array_equal(suite.training["M2"], [18, 27])
    assert len(suite.test["M1"]) == suite.horizon == 8


def test_nn5_holds_out_56_days_and_keeps_its_gaps(tmp_path: Path) -> None:
    write_nn5(tmp_path, 140)
    suite = suites.nn5(tmp_path)
    assert (len(suite.training["NN5-001"]), len(suite.test["NN5-001"])) == (84, 56)
    assert np.flatnonzero(np.isnan(suite.training["NN5-001"])).tolist() == [10]


def test_weeks_are_sums_of_filled_days(tmp_path: Path) -> None:
    write_nn5(tmp_path, 140)
    suite = suites.weeks(tmp_path)
    assert suite.training["NN5-001"].tolist() == [28.0] * 12
    assert suite.test["NN5-001"].tolist() == [28.0] * 8


def test_a_gap_is_filled_with_the_median_of_four_seasons_on_each_side() -> None:
    values = np.array([0.0, 9.0] * 10)
    values[1::2] += np.arange(10)
    values[11] = np.nan
    # Its neighbors are the steps 3, 5, 7, 9 and 13, 15, 17, 19.
    filled = suites.fill(values, 2)
    assert filled[11] == np.median([10, 11, 12, 13, 15, 16, 17, 18])
    np.testing.assert_array_equal(np.delete(filled, 11), np.delete(values, 11))


def test_airline_holds_out_its_last_year() -> None:
    suite = suites.airline()
    assert (len(suite.training[""]), len(suite.test[""])) == (132, 12)
    assert suite.times is not None
    assert (len(suite.times), suite.times[0], suite.times[-1]) == (144, "1949-01", "1960-12")


def test_fine_dust_begins_at_its_first_value_and_has_times_of_one_column(tmp_path: Path) -> None:
    lines = ["No,year,month,day,hour,pm2.5"]
    lines += [f"{n},2010,1,{1 + n // 24},{n % 24},{'NA' if n < 2 else n}" for n in range(400)]
    write(tmp_path / "small" / "pollution.csv", lines)
    suite = suites.pollution(tmp_path)
    assert suite.times is not None
    assert suite.times[0] == "2010-01-01 02:00"
    assert suite.training[""][0] == 2
    assert len(suite.test[""]) == suite.origins * suite.horizon == 14 * 24


def test_shampoo_has_no_times(tmp_path: Path) -> None:
    lines = ["Month,Sales", *(f"1-{n:02},{n}.5" for n in range(1, 37))]
    write(tmp_path / "small" / "shampoo.csv", lines)
    suite = suites.shampoo(tmp_path)
    assert suite.times is None
    assert (len(suite.training[""]), len(suite.test[""]), suite.seasons) == (30, 6, "12")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nn5" / "nn5_daily.csv"
    with pytest.raises(SystemExit) as caught:
        suites.nn5(tmp_path)
    assert str(caught.value) == (f"{path} is missing: give the folder of the public data as --data")
