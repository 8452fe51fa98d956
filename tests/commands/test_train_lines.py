"""The lines that `check` prints for refused files: each is followed, and must read the file."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.commands.helpers import Forecast
from tests.reading.test_odd_files import FILES, GIVEN, ROWS, check, settings_of

DAYS = [datetime(2022, 1, 1) + timedelta(days=at) for at in range(720)]
NEW_YORK = [
    (datetime(2024, 10, 20, tzinfo=UTC) + timedelta(hours=at)).astimezone(
        ZoneInfo("America/New_York")
    )
    for at in range(720)
]
HOURS = [datetime(2024, 1, 30) + timedelta(hours=at) for at in range(720)]


def checked(forecast: Forecast, *words: str) -> dict[str, Any]:
    result = forecast("check", *words, "--json")
    document: dict[str, Any] = json.loads(result.out)
    assert result.code == document["exit_code"]
    return document


def options_given(name: str) -> list[str]:
    """The options that a row of docs/odd-files.md takes for granted."""
    given = GIVEN.get(name, {})
    return [word for key, value in given.items() for word in (f"--{key}", str(value))]


def write_odd_file(name: str) -> None:
    content = FILES[name]
    Path("data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())


def reads(line: dict[str, Any], option: str, then: str) -> bool:
    """Whether a line reads what the table says, or has the option that it names."""
    if not then:
        return option in line["command"]
    options = settings_of(shlex.join(shlex.split(line["command"])[3:]))
    try:
        check(Path("data.csv"), then, **options)
    except AssertionError:
        return False
    return True


def follow_one_by_one(forecast: Forecast, given: list[str], line: dict[str, Any]) -> int:
    """The number of hints to follow, as someone does who has only the errors of `train`.

    Each error must name the option of the next step, and no error may come twice.
    """
    errors = []
    words = list(given)
    for each in line["options"]:
        document = checked(forecast, "data.csv", *words)
        names = re.findall(r"--[a-z-]+", each["option"])
        assert all(name in document["hint"] for name in names), (document["hint"], names)
        assert document["error"] not in errors
        errors.append(document["error"])
        words += shlex.split(each["option"])
    assert checked(forecast, "data.csv", *words)["series"] is not None
    return len(errors)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_hints_on_every_odd_file_lead_to_one_that_is_read(
    forecast: Forecast, row: list[str]
) -> None:
    name, _, _, option, then, steps = row
    write_odd_file(name)
    given = options_given(name)
    document = checked(forecast, "data.csv", *given)
    if steps == "0":
        assert document["series"] is not None
        return

    assert (document["series"], document["exit_code"] >= 20) == (None, True)
    if steps == "-":
        assert document["lines"] == []
        assert not option or option.split()[0] in document["hint"]
        return

    for line in document["lines"]:
        again = checked(forecast, *shlex.split(line["command"])[2:])
        assert again["series"] is not None
        assert again.get("error", "") == line["error"]

    fitting = [line for line in document["lines"] if reads(line, option, then)]
    assert min(follow_one_by_one(forecast, given, line) for line in fitting) == int(steps)


def rows(cells: list[str], names: str = "") -> str:
    return "".join(f"{line}\n" for line in ([names] if names else []) + cells)


AS_DAYS = [f"{day:%Y-%m-%d},{at % 7 + 1}" for at, day in enumerate(DAYS)]
KINDS = {
    "a title that may be a header": (
        "Sales, by day\n" + rows(AS_DAYS, "day,y"),
        ["forecast train data.csv --skip-rows 0", "forecast train data.csv --skip-rows 1"],
    ),
    "a total below that is an error": (
        rows([*AS_DAYS, "ERR,5"], "day,y"),
        [
            "forecast train data.csv --footer 1",
            "forecast train data.csv --bad-rows skip --max-skipped 0.05",
        ],
    ),
    "an hour in a column without a usual name": (
        rows([f"{t:%Y-%m-%d},{t.hour},{t.hour % 5}.5" for t in HOURS], "Date,Nr,kW"),
        [
            "forecast train data.csv --target kW --time Date,Nr",
            "forecast train data.csv --target kW --duplicates sum",
            "forecast train data.csv --target kW --duplicates mean",
        ],
    ),
    "months or weeks": (
        rows([f"{1960 + at // 12}{at % 12 + 1:02},{at % 12}" for at in range(720)], "ds,y"),
        [
            "forecast train data.csv --time ds --date-format %Y%m",
        ],
    ),
    "no header": (rows(AS_DAYS), ["forecast train data.csv --no-header"]),
    "several stations": (
        rows([f"{name},{line}" for name in ("a", "b") for line in AS_DAYS], "station,day,y"),
        [
            "forecast train data.csv --id station",
            "forecast train data.csv --where station=a",
            "forecast train data.csv --duplicates sum",
            "forecast train data.csv --duplicates mean",
        ],
    ),
    "two numbers and a semicolon that may be another delimiter": (
        rows([line.replace(",", ";") + ",5" for line in AS_DAYS], "day;y,z"),
        ["forecast train data.csv --delimiter ';'"],
    ),
    "a header with another delimiter": (
        rows([f'"{line[:10]}";"{line[11:]}"' for line in AS_DAYS], '"day";"y"').replace(
            '"day";"y"', '"day","y"'
        ),
        ["forecast train data.csv --skip-rows 1 --no-header"],
    ),
    "a flag of summer time": (
        rows(
            [
                f"{t:%Y-%m-%d},{t.hour},{int(bool(t.dst()))},{at % 24}.5"
                for at, t in enumerate(NEW_YORK)
            ],
            "Date,Hour,DST,MW",
        ),
        ["forecast train data.csv --target MW --timezone America/New_York"],
    ),
    "ends of hours with a flag of summer time": (
        rows(
            [
                f"{t:%m/%d/%Y},{t.hour + 1:02}:00,{'Y' if t.fold else 'N'},{at % 24}.5"
                for at, t in enumerate(NEW_YORK)
            ],
            "Date,Hour Ending,DSTFlag,MW",
        ),
        [
            "forecast train data.csv --duplicates last",
            "forecast train data.csv --duplicates mean",
        ],
    ),
    "hours from 1 to 25": (
        rows(
            [
                f"{day:%Y-%m-%d},{hour},{hour}.5"
                for day in DAYS[:30]
                for hour in range(1, 26 if day == DAYS[14] else 25)
            ],
            "Date,Hour,MW",
        ),
        ["forecast train data.csv --bad-rows skip"],
    ),
    "a quantity among codes, and a word": (
        rows([f"{line},{at % 3}" for at, line in enumerate(AS_DAYS)], "day,load,code").replace(
            "2022-02-01,4", "2022-02-01,n/v"
        ),
        [
            "forecast train data.csv --target load --null n/v",
            "forecast train data.csv --target load --bad-rows skip",
        ],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_of_larger_files_can_be_typed_as_they_are(forecast: Forecast, kind: str) -> None:
    text, commands = KINDS[kind]
    Path("data.csv").write_text(text)
    document = checked(forecast, "data.csv")
    assert [line["command"] for line in document["lines"]] == commands
    assert document["train"] == (commands[0] if len(commands) == 1 else None)
    for command in commands:
        assert forecast(*shlex.split(command)[1:], "--print-config").code == 0


def test_check_ends_in_the_line_and_explains_its_options(forecast: Forecast) -> None:
    Path("data.csv").write_text(rows([f"{line},{at % 3}" for at, line in enumerate(AS_DAYS)]))
    lines = forecast("check", "data.csv").out.splitlines()
    assert lines == [
        "error: data.csv:1: no header: line 1 holds numbers: '2022-01-01', '1', '0'",
        "hint: add a row of names, or use --no-header, which calls the columns 1, 2, ...",
        "  --no-header reads line 1 as data, and calls the columns 1, 2, ...",
        "  --target 2 forecasts one of 2 columns of numbers; --target all takes all",
        "hint: forecast train data.csv --no-header --target 2",
    ]
    assert forecast(*shlex.split(lines[-1])[2:], "--print-config").code == 0


def test_check_says_that_several_readings_are_possible(forecast: Forecast) -> None:
    dates = [f"{at % 9 + 1:02}/0{at // 9 % 9 + 1}/{2000 + at // 81},{at}" for at in range(20)]
    Path("data.csv").write_text(rows(dates, "day,y"))
    lines = forecast("check", "data.csv", "--gaps", "drop").out.splitlines()
    assert lines[2:] == [
        "2 readings are possible:",
        "  --date-format %d/%m/%Y reads '01/01/2000' as 2000-01-01",
        "hint: forecast train data.csv --gaps drop --date-format %d/%m/%Y",
        "  --date-format %m/%d/%Y reads '01/01/2000' as 2000-01-01",
        "hint: forecast train data.csv --gaps drop --date-format %m/%d/%Y",
    ]


def test_texts_that_were_given_are_kept_beside_those_that_are_found(forecast: Forecast) -> None:
    text = rows(AS_DAYS, "day,y").replace("2022-02-01,4", "2022-02-01,n/v")
    Path("data.csv").write_text(text.replace("2022-03-01,4", "2022-03-01,none."))
    document = checked(forecast, "data.csv", "--null", "n/v")
    assert document["lines"][0]["command"] == "forecast train data.csv --null n/v --null none."


def test_the_lines_of_standard_input_are_tried_too(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO(rows([f"{line},5" for line in AS_DAYS]).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert checked(forecast, "-")["train"] == "forecast train - --no-header --target 2"
