from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import dates

FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m", "%Y", "%Y%m%d", "%Y/%m/%d %H", "%d/%m/%Y", "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%m-%Y", "on %d of %m, %Y",
)  # fmt: skip
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))


def stamps(cells: list[str], pattern: str) -> dates.Stamps:
    layout = dates.layout(pattern)
    assert layout is not None
    return np.array([cell.encode() for cell in cells], f"S{len(layout.least)}")


@given(st.sampled_from(FORMATS), st.lists(TIMES, min_size=1, max_size=5))
def test_times_are_read_from_their_bytes_as_from_their_texts(pattern: str, times: list[datetime]) -> None:
    cells = [time.strftime(pattern) for time in times]
    read = dates.parse_stamps(stamps(cells, pattern), pattern)
    assert read is not None
    assert read.tolist() == dates.parse(cells, pattern).tolist()


@given(st.sampled_from(FORMATS), TIMES, st.data())
def test_a_changed_byte_is_read_alike_or_left_to_the_texts(pattern: str, time: datetime, data: st.DataObject) -> None:
    cell = time.strftime(pattern)
    at = data.draw(st.integers(0, len(cell) - 1))
    cell = cell[:at] + data.draw(st.sampled_from("0123456789 -/.:TZ+é")) + cell[at + 1 :]
    read = dates.parse_stamps(stamps([cell], pattern), pattern)
    assert read is None or read.tolist() == dates.parse([cell], pattern).tolist()


@pytest.mark.parametrize(
    "cell", ["0000-01-01", "2024-02-30", "2024-13-01", "2024-1-01", "2024-01-1", "2024-01-011", " 2024-01-0"]
)
def test_bytes_that_are_no_date_are_not_read(cell: str) -> None:
    assert dates.parse_stamps(stamps(["2024-01-01", cell], "%Y-%m-%d"), "%Y-%m-%d") is None


@pytest.mark.parametrize(
    "pattern", ["%y-%m-%d", "%d %b %Y", "%Y-%m-%dT%H:%M%z", "%d", "%Y-%d", "%Y-%Y", "epoch", "%Y%%"]
)
def test_other_formats_are_left_to_the_texts(pattern: str) -> None:
    assert dates.layout(pattern) is None
