"""Every row of docs/odd-files.md: the table says what the tool answers, this file builds what is asked."""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast_cli.errors import DataError
from forecast_cli.reading import read_csv
from forecast_cli.settings import DataSettings
from tests.conftest import ROOT
from tests.reading.kinds import FRENCH

TABLE = (ROOT / "docs" / "odd-files.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in TABLE.splitlines()
    if line.startswith("|") and not line.startswith(("| file |", "|---"))
]


def days(*cells: object, mark: str = ",", names: tuple[str, str] = ("day", "y")) -> str:
    rows = "".join(f"2024-01-{at:02}{mark}{cell}\n" for at, cell in enumerate(cells, 1))
    return f"{mark.join(names)}\n{rows}"


def local(start: str, step: timedelta, count: int, pattern: str) -> str:
    """Rows of local times in Berlin."""
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    zone = ZoneInfo("Europe/Berlin")
    return "time,y\n" + "".join(
        f"{(begin + at * step).astimezone(zone).strftime(pattern)},{at}\n" for at in range(count)
    )


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OFFSETS = "time,y\n" + "".join(
    f"{at:%Y-%m-%d}T00:00:00{'+01:00' if at <= datetime(2024, 3, 31) else '+02:00'},{number}\n"
    for number, at in enumerate(datetime(2024, 3, 27) + timedelta(days=n) for n in range(10))
)
FILES: dict[str, str | bytes] = {
    "decimal comma": days("1,5", "2,25", "3", mark=";"),
    "grouped decimal comma": days("1.234,5", "2.000", "3", mark=";"),
    "grouped or decimal": days('"11,200"', '"12,300"'),
    "grouped or decimal comma": days('"11,200"', '"12,300"'),
    "point in a semicolon file": days("1.234", "2.345", mark=";"),
    "two delimiters": days("1,5", "2,5", mark=";", names=("day", "y,z")),
    "day or month first": "day,y\n" + "".join(f"0{d}/02/2024,{d}\n" for d in range(1, 9)),
    "mixed dates": days(1, 2, 3, 4).replace("2024-01-03", "03/01/2024"),
    "integer dates": days(1, 2, 3).replace("-", ""),
    "epoch seconds": "at,y\n" + "".join(f"{1704067200 + 3600 * h},{h + 1}\n" for h in range(3)),
    "texts like times": "when,y\n" + "".join(f"1/{d}/2024 {d}:00pm,{d}\n" for d in (3, 2, 1)),
    "a word among numbers": days(1, "ERR", 3),
    "extra field": days(1, "2,2", 3, 4),
    "extra field first": days("1,1", 2, 3, 4),
    "short row": days(1, 2, 3, 4).replace("-02,2", "-02"),
    "open quote": 'day,note,y\n2024-01-01,"a",1\n2024-01-02,"b,2\n2024-01-03,"c",3\n2024-01-04,"d",4\n',
    "inch mark": 'day,note,y\n2024-01-01,a,1\n2024-01-02,5" pipe,2\n2024-01-03,c,3\n2024-01-04,d,4\n',
    "no header": days(1, 2, 3).partition("\n")[2],
    "empty line": "y\n1\n\n3\n",
    "latin text": days(1, 2, 3, names=("día", "y")).encode("cp1252"),
    "japanese text": days(1, 2, 3, names=("日付", "売上")).encode("shift_jis"),
    "UTF-16 without mark": days(1, 2, 3).encode("utf-16-le"),
    "zip archive": b"PK\x03\x04 and so on",
    "workbook": b"PK\x03\x04 and then xl/workbook.xml",
    "JSON": '\n{"day": "2024-01-01", "y": 1}\n{"day": "2024-01-02", "y": 2}\n',
    "repeated day": "day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n2024-01-03,4\n",
    "repeated hour": local("2024-10-26", timedelta(hours=1), 96, "%Y-%m-%d %H:%M"),
    "skipped hour": local("2024-03-30", timedelta(hours=1), 96, "%Y-%m-%d %H:%M"),
    "days with offsets": OFFSETS,
    "long gap": "day,y\n2024-01-01,1\n2024-01-20,2\n2024-01-21,3\n",
    "sales of some days": "day,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,4\n2024-01-05,8\n2024-01-05,1\n2024-01-06,3\n",
    "half empty": "day,y\n" + "".join(f"2024-01-{d:02},{d}\n" for d in (1, 2, 5, 6, 9, 10)),
    "one row": days(1),
    "newest first": "y\n3\n2\n1\n",
    "ids that look like others": "unique_id,ds,y\n"
    + "".join(
        f"{name},2024-01-0{d},{d}\n"
        for name in ("007", "NA", "None", "null", "1e5")
        for d in (1, 2, 3)
    ),
    "date in columns": "year,month,day,y\n"
    + "".join(f"2024,2,{27 + d},{d}\n" for d in (1, 2))
    + "2024,3,1,3\n",
    "dates as columns": "region,Lat,1/22/20,1/23/20,1/24/20,1/25/20\na,0.5,1,2,3,4\nb,1.5,5,6,7,8\n",
    "months as columns": f"Year,{','.join(MONTHS)},Annual\n"
    + "".join(
        f"{year},{','.join(str(12 * year + m - 24_000) for m in range(1, 13))},9\n"
        for year in (2000, 2001)
    ),
    "years as columns": "Month,1958,1959,1960\n"
    + "".join(
        f"{name.upper()},{number},{number + 12},{number + 24}\n"
        for number, name in enumerate(MONTHS, 1)
    ),
    "last line cut off": days(1, 2, 3) + "2024-01",
    "second date format": "day,y\n2024-01-22,1\n2024-01-23,2\n2024-01-24,3\n25.01.2024,4\n26.01.2024,5\n27.01.2024,6\n",
    "day that does not exist": "day,y\n2024-02-27,1\n2024-02-30,2\n2024-02-29,3\n2024-03-01,4\n",
    "hours up to 24:00": "hour,y\n"
    + "".join(f"2024-01-{1 + h // 24:02} {1 + h % 24:02}:00,{h + 1}\n" for h in range(48)),
    "years, quarters and months": "Title,y\n"
    + "".join(f"{year}{part},1.5\n" for part in ("", " Q1", " JAN") for year in range(2018, 2022)),
    "units below the header": days(1, 2, 3, 4, names=("Zeit", "y")).replace(
        "y\n", "y\n[UTC],[MW]\n"
    ),
    "bad newest row": days(1, 2, 3, 4, "ERR"),
    "year 9999": days(1, 2, 3) + "9999-12-31,4\n",
    "placeholder": days(1, 2, -999, 4, 5, -999, 7, 8, -999, 10, 11),
    "placeholder that is none": days(1, 2, -999, 4, 5, -999, 7, 8, -999, 10, 11),
    "large placeholder": days(*(9999 if at % 9 == 5 else at for at in range(1, 31))),
    "prices": days("$273.36,4", "$1274.50,5", "$275,6", names=("day", "y,volume")),
    "prices with a decimal comma": days("1.234,50 €", "2,00 €", "3,25 €", mark=";"),
    "percent": days("12.5%", "-3%", "0%"),
    "thousands and millions": days("1.46M", "980K", "0"),
    "two currencies": days("$5", "$6", "€7", "$8"),
    "a unit beside the numbers": days(
        "273.36 kWh,4", "274 kWh,5", "275.5 kWh,6", names=("day", "y,volume")
    ),
    "title": "Sales\n\n" + days(1, 2, 3),
    "title of a spreadsheet": "Sales,,\n,,\n" + days("1,4", "2,5", "3,6", names=("day", "y,z")),
    "names and numbers above the header": "Station,Berlin\nLatitude,52.5\n" + days(1, 2, 3),
    "comments above the header": "# exported\n# a, b\n" + days(1, 2, 3),
    "title that may be a header": "Sales, by day\n" + days(1, 2, 3),
    "names in three lines": "Price,Close,High\nTicker,A,A\n"
    + days("1,4", "2,5", "3,6", names=("Date", ",")),
    "source below": days(1, 2, 3) + "\nSource: Office of Statistics\n",
    "total below": days(1, 2, 3) + "Total,6\n",
    "empty rows below": days(1, 2, 3) + ",\n,\n",
    "a word below": days(1, 2, 3) + "Eurostat\n",
    "an error below": days(1, 2, 3) + "Error: sensor offline\n",
    "short newest row": days(1, 2, 3) + "2024-01-04\n",
    "a footer that is a row": days(1, 2, 3),
    "second table below": days(1, 2, 3) + "\nmonth,y,z\n2024-01-01,5,6\n2024-02-01,6,7\n",
    "second table above": "month,y,z\n2024-01-01,5,6\n2024-02-01,6,7\n\n" + days(1, 2, 3),
    "comment between rows": days(1, 2, 3).replace("2024-01-02", "# sensor replaced\n2024-01-02"),
    "title without a header": "Sales\n" + days(1, 2, 3).partition("\n")[2],
    "spaces": days(1, "  2", 3, mark=" "),
    "spaces or thousands": "a b\n1 234\n2 345\n3 456\n",
    "another delimiter around quotes": days(1, 2, 3, 4).replace("2024-01-02,2", '"2024-01-02";"2"'),
    "header with another delimiter": days(1, 2, 3, mark=";").replace("day;y", "day,y"),
    "web page": "<!DOCTYPE html>\n<html><head><title>Please\nsign in</title></head></html>\n",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "several stations": "station,day,y\n"
    + "".join(f"a,2024-01-0{d},{d}\n" for d in (1, 2, 3))
    + "".join(f"b,2024-01-0{d},{d + 3}\n" for d in (1, 2, 3)),
    "quantity among codes": days("7,5,1", "9,7,1", "8,6,1", names=("day", "code,load,flag")),
}


GIVEN: dict[str, dict[str, Any]] = {
    "a footer that is a row": {"footer": 1},
    "hour 25": {"time": "Date,Hour"},
}


HOURS = [datetime(2024, 1, 30) + timedelta(hours=at) for at in range(48)]
HOUR = timedelta(hours=1)


def timed(texts: list[str], names: str = "Date,Hour") -> str:
    return f"{names},y\n" + "".join(f"{text},{at}\n" for at, text in enumerate(texts))


FILES |= {
    "a date and an hour": timed([f"{t:%Y-%m-%d},{t.hour}" for t in HOURS]),
    "hours from 1 to 24": timed([f"{t.month}/{t.day}/{t.year},{t.hour + 1}" for t in HOURS]),
    "hour ending": timed([f"{t:%m/%d/%Y},HE{t.hour + 1:02}" for t in HOURS]),
    "a date and a time in digits": timed([f"{t:%Y%m%d},{t:%H%M%S}" for t in HOURS], "DATE,TIME"),
    "hour 25": timed([f"2024-10-27,{hour}" for hour in range(1, 26)]),
    "intervals": timed([f"{t:%d.%m.%Y %H:%M} - {t + HOUR:%d.%m.%Y %H:%M}" for t in HOURS], "time"),
    "zones in the texts": local("2024-10-26", HOUR, 96, "%Y-%m-%d %H:%M %Z"),
    "quarters": timed([f"{2021 + at // 4}Q{at % 4 + 1}" for at in range(12)], "quarter"),
    "weeks": timed([f"2021-W{at:02}" for at in range(5, 17)], "week"),
    "French months": timed([f"{name} 2021" for name in FRENCH], "mois"),
    "years without a century": timed(
        [f"{1 + at // 12}-{at % 12 + 1:02}" for at in range(36)], "Month"
    ),
    "short dates": timed(["1-01", "1-02", "1-03"], "Month"),
    "days or years": timed([f"Jan-{at:02}" for at in range(1, 32)], "Month"),
    "numbered steps": "unique_id,ds,y\n" + "".join(f"a,{at + 1},{at}\n" for at in range(30)),
    "months or steps": "unique_id,ds,y\n" + "".join(f"a,{202101 + at},{at}\n" for at in range(12)),
    "a missing step": "unique_id,ds,y\na,1,1\na,2,2\na,4,4\n",
}


def settings_of(options: str) -> dict[str, Any]:
    """`--bad-rows skip --newest-first` as keywords; an option that is there twice, as a list."""
    kinds = typing.get_type_hints(DataSettings)
    known = {field.name for field in dataclasses.fields(DataSettings)}
    words = [word for text in shlex.split(options) for word in re.split("(?<=[a-z])=(?=-)", text)]
    given: dict[str, Any] = {}
    while words:
        name = words.pop(0).removeprefix("--").replace("-", "_")
        if name == "no_header":
            given["header"] = False
            continue
        assert name in known
        if kinds[name] == list[str] | None:
            given[name] = [*given.get(name, []), words.pop(0)]
        elif kinds[name] is bool:
            given[name] = True
        else:
            as_number = {float | None: float, int | None: int}.get(kinds[name], str)
            given[name] = as_number(words.pop(0))
    return given


def check(path: Path, expected: str, **settings: Any) -> None:
    """The values that are read, as the table writes them."""
    panel = read_csv(path, **settings)
    series = re.fullmatch(r"(\d+) series", expected)
    span = re.fullmatch(r"(\d+) to (\d+)", expected)
    if series:
        assert len(panel) == int(series[1])
    elif span:
        assert panel.values.tolist() == list(range(int(span[1]), int(span[2]) + 1))
    else:
        assert panel.values.tolist() == [float(number) for number in expected.split(", ")]


def test_the_table_and_the_files_are_the_same() -> None:
    assert [row[0] for row in ROWS] == list(FILES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_of_the_table_is_true(row: list[str], write: Callable[..., Path]) -> None:
    name, _, answer, option, then, _ = row
    path = write(FILES[name])
    settings: dict[str, Any] = GIVEN.get(name, {})
    if answer.startswith("reads "):
        check(path, answer.removeprefix("reads "), **settings)
    else:
        with pytest.raises(DataError) as caught:
            read_csv(path, **settings)
        assert caught.value.message.replace(str(path), path.name) == answer
        if option:
            words = set(re.findall(r"--[a-z-]+", option))
            assert words & {
                *re.findall(r"--[a-z-]+", caught.value.hint),
                "--null",
                "--time",
                "--freq",
                "--bad-rows",
            }
    if then:
        check(path, then, **settings | settings_of(option))
    elif option:
        values = read_csv(path, **settings | settings_of(option)).values
        assert np.isnan(values).any()
