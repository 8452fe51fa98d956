"""Every kind of file is read right at 3, 700 and 100,000 rows, and mutated, it crashes and hangs nothing."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecast_cli import directives
from forecast_cli.panel import format_times, times_of, values_of
from forecast_cli.reading import read_csv
from tests.conftest import HANG, ROOT
from tests.reading.kinds import (
    DAYS_WITH_CLOCKS,
    FROM_THE_WILD,
    KINDS,
    REPRESENTATIVES,
    Kind,
    iso,
    long,
    numbers,
    table,
)


class Process:
    """The process of `reading_process.py`; started anew after it died."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def read(self, content: bytes, settings: dict[str, Any]) -> dict[str, Any]:
        """What came of a file: its exit code, or how the process ended."""
        if self.child is None:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.reading.reading_process"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        message = json.dumps(settings).encode() + b"\n" + content
        self.child.stdin.write(len(message).to_bytes(8, "big") + message)
        self.child.stdin.flush()
        if not select.select([self.child.stdout], [], [], HANG)[0]:
            self.end()
            return {"bug": f"no answer within {HANG:g} seconds"}
        size = self.child.stdout.read(8)
        if len(size) < 8:
            code = self.child.wait()
            self.end()
            return {"bug": f"the process ended with {code}"}
        found: dict[str, Any] = json.loads(self.child.stdout.read(int.from_bytes(size, "big")))
        return found

    def end(self) -> None:
        child, self.child = self.child, None
        if child is not None:
            child.kill()
            child.communicate()


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    started = Process()
    yield started
    started.end()


# -- whole files -----------------------------------------------------------------------------------------------------


def check(kind: Kind, count: int) -> None:
    file = kind.make(count)
    panel = read_csv("data.csv", content=file.content, **kind.settings)
    found = {name: values_of(panel, at).tolist() for at, name in enumerate(panel.ids)}
    assert found == file.values
    if file.last is not None:
        length = int(panel.lengths[-1])
        assert format_times(panel, times_of(panel, len(panel) - 1, length - 1)) == [file.last]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_file_is_read_right_at_3_rows(kind: Kind) -> None:
    check(kind, 3)


@pytest.mark.parametrize("kind", REPRESENTATIVES, ids=str)
def test_one_of_each_family_of_files_is_read_right_at_700_rows(kind: Kind) -> None:
    check(kind, 700)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DAYS_WITH_CLOCKS, ids=str)
def test_every_day_with_every_clock_is_read_right_at_700_rows(kind: Kind) -> None:
    check(kind, 700)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_of_file_is_read_right_at_100_000_rows(kind: Kind) -> None:
    check(kind, 100_000)


@pytest.mark.parametrize("ids", [1, 400, pytest.param(20_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("by_turns", [False, True])
def test_any_number_of_series_is_read_right(ids: int, by_turns: bool) -> None:
    check(Kind(f"{ids} series", long(ids, by_turns=by_turns), {"id": "unique_id"}), 5 * ids)


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize("kind", FROM_THE_WILD, ids=str)
def test_times_that_a_forecast_writes_are_read_again_as_the_next_ones(
    kind: Kind, count: int
) -> None:
    file = kind.make(count)
    panel = read_csv("data.csv", content=file.content, **kind.settings)
    last, length = len(panel) - 1, int(panel.lengths[-1])
    following = times_of(panel, last, length, length + 30)

    label = f"{panel.ids[last]}," if panel.columns.id else ""
    rows = "".join(
        f"{label}{','.join(directives.split(text, panel.time_format.pattern))},5.5\n"
        for text in format_times(panel, following)
    )
    again = read_csv("data.csv", panel.reading, content=file.content + rows.encode())
    assert (again.frequency, again.columns) == (panel.frequency, panel.columns)
    assert times_of(again, last, length).tolist() == following.tolist()


# -- files with something wrong in them ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell", ["2021-02-30", "2021-13-01", "0000-01-01", "x", "2021-02-3x", "-", "2021-02-30T00:00"]
)
@pytest.mark.parametrize("count", [20, 700, 5_000])
def test_one_bad_date_among_many_rows_is_named(process: Process, cell: str, count: int) -> None:
    """More than 500 bytes of which one is no date crash numpy's own parser."""
    days = iso(count)
    at = min(400, count // 2)
    days[at] = cell
    answer = process.read(table(days, numbers(count)).encode(), {})
    assert answer["exit"] == 20, answer
    assert answer["message"].startswith(
        f"data.csv:{at + 2}: column 'when': {cell!r} is not a date "
    )


def test_a_day_that_does_not_exist_in_line_402_is_named_in_full_words(process: Process) -> None:
    days = iso(700)
    days[400] = "2021-02-30"
    assert process.read(table(days, numbers(700)).encode(), {}) == {
        "exit": 20,
        "message": "data.csv:402: column 'when': '2021-02-30' is not a date that exists (%Y-%m-%d)",
        "hint": "correct the row, or use --bad-rows skip",
    }


def test_an_open_quote_in_a_header_of_two_delimiters_is_no_bug(process: Process) -> None:
    """What a mutation found: a sample without a single whole record."""
    answer = process.read(b'0\t"hen,y\n2001-01-13,1.5\n', {})
    assert answer["exit"] == 20, answer


MUTATIONS = ("byte", "insert", "delete", "drop", "double", "swap", "cell", "cut", "around")
AROUND = [
    "Sales",
    "Sales, by day",
    "# exported, 2021",
    "Latitude,52.5",
    "From,2021-01-01",
    '5" pipe',
    ",",
    ",,,",
    "",
    "Total,5",
    "Source: all, of us",
    "Error: offline",
    "2021-01-01",
    "[UTC],[MW]",
    "a b",
    "-----",
]
CELLS = [
    "",
    "x",
    "2021-02-30",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "24:00",
    "2021-01-01 24:00",
    "now",
    "NaT",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e999",
    "-1e200",
    "99999999999999999999",
    "-9223372036854775808",
    "9223372036854775807",
    "253402300800",
    "1,5",
    "1.234,5",
    '"',
    '""',
    '"a',
    'a"b',
    "é",
    "日本",
    "\u00a0",
    "=1+1",
    "2020 Q1",
    "2020",
    "2020 JAN",
    "01/02/2020",
    "31.12.2020 23:59:60",
    "1" * 300,
]


def mutated(content: bytes, data: st.DataObject) -> bytes:
    """The file with a few changes of the kinds that are seen in the wild."""
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        how = data.draw(st.sampled_from(MUTATIONS))
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        if how in ("byte", "insert"):
            letter = data.draw(
                st.sampled_from(
                    [
                        b"0",
                        b"9",
                        b"-",
                        b".",
                        b",",
                        b";",
                        b'"',
                        b"\n",
                        b" ",
                        b"T",
                        b"Z",
                        b":",
                        b"\xff",
                        b"\0",
                        b"\t",
                        b"e",
                    ]
                )
            )
            content = content[:at] + letter + content[at + (how == "byte") :]
        elif how == "delete":
            content = content[:at] + content[at + data.draw(st.integers(1, 20)) :]
        elif how == "cut":
            content = content[:at]
        else:
            content = _other_lines(content, at, how, data)
    return content


def _other_lines(content: bytes, at: int, how: str, data: st.DataObject) -> bytes:
    lines = content.split(b"\n")
    row = content.count(b"\n", 0, at)
    if how == "around":
        some = data.draw(st.lists(st.sampled_from(AROUND), min_size=1, max_size=4))
        at_row = data.draw(st.sampled_from([0, 1, row, max(len(lines) - 1, 0), len(lines)]))
        lines[at_row:at_row] = [line.encode() for line in some]
        return b"\n".join(lines)
    if how == "drop":
        del lines[row : row + data.draw(st.integers(1, 30))]
    elif how == "double":
        lines[row:row] = lines[row : row + data.draw(st.integers(1, 30))]
    elif how == "swap":
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[row], lines[other] = lines[other], lines[row]
    else:
        cells = lines[row].split(b",")
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
            st.sampled_from(CELLS)
        ).encode()
        for same in range(row, min(row + data.draw(st.sampled_from([1, 1, 30])), len(lines))):
            lines[same] = b",".join(cells)
    return b"\n".join(lines)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"bad_rows": "skip"},
    {"bad_rows": "skip", "max_skipped": 1.0},
    {"gaps": "interpolate", "duplicates": "mean"},
    {"bad_rows": "skip", "max_skipped": 1.0, "gaps": "drop", "duplicates": "last"},
    {"timezone": "Europe/Berlin"},
    {"freq": "D", "bad_rows": "skip"},
    {"newest_first": True},
    {"comment": "#"},
    {"skip_rows": 1, "footer": 1},
    {"skip_rows": 0, "bad_rows": "skip"},
    {"header": False},
    {"delimiter": "space"},
]


def attack(process: Process, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS), label="kind")
    count = data.draw(st.sampled_from([3, 30, 700]), label="rows")
    content = mutated(kind.make(count).content, data)
    answer = process.read(content, data.draw(st.sampled_from(OPTIONS)) | kind.settings)
    assert "bug" not in answer, answer["bug"]


@given(st.data())
@hypothesis_settings(max_examples=100, suppress_health_check=list(HealthCheck))
def test_mutated_files_are_read_or_refused(process: Process, data: st.DataObject) -> None:
    attack(process, data)


@pytest.mark.slow
@given(st.data())
@hypothesis_settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
def test_many_more_mutated_files_are_read_or_refused(process: Process, data: st.DataObject) -> None:
    attack(process, data)
