"""Parquet is read by the rules of CSV, and written with typed times."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import reading
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.reading import parquet, read_csv
from forecast_cli.settings import DataSettings
from tests.conftest import AIRLINE, SAMPLES, Result

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(40)]


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Write columns as a Parquet file."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as format_

    def make(name: str = "data.parquet", **columns: Any) -> str:
        path = tmp_path / name
        format_.write_table(pyarrow.table(columns), path)
        return str(path)

    return make


def read(path: str, **named: Any) -> Any:
    return reading.read(path, DataSettings(**named))


@pytest.mark.parametrize("name", ["airline.csv", "hourly.csv", "panel.csv"])
def test_the_same_table_as_csv_and_as_parquet_is_the_same_panel(
    save: Callable[..., str], name: str
) -> None:
    from pyarrow import csv

    table = csv.read_csv(SAMPLES / name)
    found = read(save(**{column: table[column] for column in table.column_names}))
    other = read_csv(SAMPLES / name)
    assert np.array_equal(found.values, other.values)
    assert (found.ids, found.frequency, found.columns) == (
        other.ids,
        other.frequency,
        other.columns,
    )
    assert np.array_equal(found.first, other.first)
    assert len(found.fingerprint) == 64


def test_numbers_come_to_the_last_bit(save: Callable[..., str]) -> None:
    values = np.random.default_rng(1).normal(size=40) * 10.0 ** np.arange(-20, 20)
    assert np.array_equal(read(save(day=DAYS, y=values)).values, values)
    small = values.astype(np.float32)
    assert np.array_equal(read(save(day=DAYS, y=small)).values, small.astype(np.float64))
    whole = np.arange(40) + 2**52
    assert np.array_equal(read(save(day=DAYS, y=whole)).values, whole)
    exact = [Decimal("1.25") + n for n in range(40)]
    assert read(save(day=DAYS, y=exact)).values[1] == 2.25


def test_text_ids_stay_text(save: Callable[..., str]) -> None:
    ids = ["007", "NA", "None", "null", "1e5", 'a,"b"\n']
    panel = read(
        save(
            unique_id=[i for i in ids for _ in range(40)],
            ds=DAYS * 6,
            y=list(range(240)),
            **{'odd "name"': [1] * 240},
        )
    )
    assert panel.ids == tuple(ids)


def test_times_of_every_kind(save: Callable[..., str]) -> None:
    import pyarrow

    start = datetime(2024, 3, 30)
    hours = [start + timedelta(hours=n) for n in range(48)]
    y = [float(n % 24) for n in range(48)]
    plain = read(save(t=hours, y=y))
    assert plain.time_format.pattern == "%Y-%m-%d %H:%M:%S"
    for unit in ("ms", "us", "ns"):
        assert read(save(t=pyarrow.array(hours, pyarrow.timestamp(unit)), y=y)).first == plain.first
    zoned = pyarrow.array(
        [h.replace(tzinfo=UTC) for h in hours], pyarrow.timestamp("us", "Europe/Paris")
    )
    panel = read(save(t=zoned, y=y))
    assert (panel.first.tolist(), panel.time_format.offset) == (plain.first.tolist(), "+0200")
    half = [start + timedelta(seconds=n / 2) for n in range(48)]
    assert read(save(t=half, y=y)).frequency.size == 500_000
    fine = pyarrow.array(np.arange(48) * 1_000_000_001, pyarrow.timestamp("ns"))
    path = save(t=fine, y=y)
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.message == f"{path}: column 't' has times finer than a microsecond"


def test_missing_values_are_gaps_and_infinite_ones_are_refused(save: Callable[..., str]) -> None:
    y: list[float | None] = [float(n) for n in range(40)]
    y[5], y[6] = None, float("nan")
    assert read(save(day=DAYS, y=y)).values[4:8].tolist() == [4, 5, 6, 7]
    y[9] = float("inf")
    path = save(day=DAYS, y=y)
    with pytest.raises(DataError) as caught:
        read(path)
    assert caught.value.message == f"{path}:11: column 'y' is infinite or overflows"


def test_columns_that_hold_no_single_values_are_left_out_and_said(save: Callable[..., str]) -> None:
    path = save(day=DAYS, y=list(range(40)), lists=[[1]] * 40)
    panel = read(path)
    assert [note.text for note in panel.notes] == ["columns not used: 'lists'"]
    with pytest.raises(DataError) as caught:
        read(path, target=["lists"])
    assert caught.value.message.startswith(f"{path}: column 'lists' holds list<")


def test_only_the_columns_that_are_named_are_read(save: Callable[..., str]) -> None:
    path = save(day=DAYS, y=list(range(40)), z=[float("inf")] * 40)
    panel = read(path, time="day", target=["y"])
    assert [note.text for note in panel.notes] == ["columns not used: 'z'"]
    assert panel.reading.target == ["y"]
    with pytest.raises(DataError) as caught:
        read(path, time="day", target=["why"])
    assert caught.value.message == f"{path}: no column 'why' for --target"


def test_what_is_no_parquet_file_is_refused(save: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.parquet: no such file"):
        read(str(tmp_path / "none.parquet"))
    (tmp_path / "text.parquet").write_bytes(AIRLINE.read_bytes())
    with pytest.raises(
        DataError, match=r"text\.parquet: this is not a Parquet file that can be read"
    ):
        read(str(tmp_path / "text.parquet"))


def test_without_pyarrow_parquet_is_a_usage_error(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(write(b"PAR1", "data.parquet"))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for attempt in (lambda: read(path), lambda: parquet.to_parquet({})):
        with pytest.raises(SettingsError) as caught:
            attempt()
        assert caught.value.exit_code == 2
        assert caught.value.message == "Parquet needs pyarrow, which is not installed"
        assert caught.value.hint == "install it: pip install 'forecast-cli[parquet]'"


def text_of(number: float) -> str:
    """A number as text; an empty one for NaN."""
    return "" if np.isnan(number) else str(number)


def as_numbers(line: str) -> str:
    """A line of the CSV with its numbers written as Python does."""
    shop, day, *numbers = line.split(",")
    return ",".join([shop, day, *(number and str(float(number)) for number in numbers)])


def test_train_and_predict_with_parquet_in_and_out(
    save: Callable[..., str], forecast: Callable[..., Result]
) -> None:
    import pyarrow.parquet

    names = ["north", "south"]
    path = save(
        shop=[n for n in names for _ in range(40)],
        day=DAYS * 2,
        y=[float(n % 7) for n in range(80)],
    )
    assert forecast("train", path, "--id", "shop", "--epochs", "1", "--units", "4").code == 0
    lines = forecast("predict").out.splitlines()
    assert lines[0] == "shop,day,forecast,lo-80,hi-80,lo-95,hi-95"
    assert forecast("predict", "-o", "out.parquet").code == 0
    table = pyarrow.parquet.read_table("out.parquet")
    assert table.column_names == lines[0].split(",")
    for row, line in zip(table.to_pylist(), lines[1:], strict=True):
        shop, day, *numbers = row.values()
        assert ",".join([shop, str(day)[:10], *map(text_of, numbers)]) == as_numbers(line)
    assert table.schema.field("day").type == pyarrow.timestamp("us")
    written = Path("out.parquet").read_bytes()
    assert forecast("predict", "-o", "again", "--format", "parquet").code == 0
    assert Path("again").read_bytes() == written


def test_times_with_an_offset_come_out_as_instants() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as format_

    times = np.array(["2024-01-01T05:00"], "datetime64[us]")
    table = format_.read_table(
        io.BytesIO(parquet.to_parquet({"t": parquet.ZonedTimes(times), "u": times}))
    )
    assert [field.type for field in table.schema] == [
        pyarrow.timestamp("us", "UTC"),
        pyarrow.timestamp("us"),
    ]
    assert table["t"][0].as_py() == datetime(2024, 1, 1, 5, tzinfo=UTC)
