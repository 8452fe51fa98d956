"""Every kind of file that is read, at any number of rows: what `test_kinds.py` reads whole, and mutated."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2001, 1, 13)  # the 13th day cannot be a month
FIRST_MONTH = 1200 * 12  # 100,000 months later is before the year 10,000


@dataclass(frozen=True)
class File:
    """A file, and what must be read from it.

    values: of each series, by its id; last: how the time of the last row is written, if it is to be written alike.
    """

    content: bytes
    values: dict[str, list[float]]
    last: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of file. make: how many rows -> the file; settings: what the reader is told."""

    name: str
    make: Callable[[int], File]
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def numbers(count: int) -> list[float]:
    """Values that differ from row to row, with a decimal."""
    return [(at * 7) % 1000 + 1.5 for at in range(count)]


def stepped(step: timedelta, count: int, start: datetime = START) -> list[datetime]:
    return [start + at * step for at in range(count)]


def months(count: int) -> list[datetime]:
    return [
        datetime((FIRST_MONTH + at) // 12, (FIRST_MONTH + at) % 12 + 1, 1) for at in range(count)
    ]


def table(
    times: Iterable[str], values: list[float], mark: str = ",", end: str = "\n", quote: str = ""
) -> str:
    rows = [f"{quote}{time}{quote}{mark}{value}" for time, value in zip(times, values, strict=True)]
    return end.join([f"when{mark}y", *rows]) + end


def single(times: list[str], *, encoding: str = "utf-8", last: bool = True, **how: Any) -> File:
    values = numbers(len(times))
    return File(
        table(times, values, **how).encode(encoding), {"": values}, times[-1] if last else None
    )


def iso(count: int) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in stepped(DAY, count)]


# -- times -----------------------------------------------------------------------------------------------------------


def layout(pattern: str) -> Kind:
    """A file of dates in one layout."""

    def make(count: int) -> File:
        if "%H" in pattern or "%I" in pattern:
            times = stepped(HOUR, count)
        elif "%d" in pattern:
            times = stepped(DAY, min(count, 20_000) if "%y" in pattern else count)
        else:
            times = months(count)
        written = pattern.replace("%z", "+01:00")
        texts = [time.strftime(written) for time in times]
        return single(texts, quote='"' if "," in pattern else "")

    return Kind(pattern, make, {"time": "when", "target": "y", "date_format": pattern})


def years(count: int) -> File:
    return single([str(1000 + at) for at in range(min(count, 2_000))])


def epoch(unit: int) -> Callable[[int], File]:
    def make(count: int) -> File:
        times = stepped(HOUR, count)
        texts = [str(int(time.replace(tzinfo=UTC).timestamp()) * unit) for time in times]
        return single(texts, last=False)

    return make


def to_hour_24(pattern: str) -> Callable[[int], File]:
    """Hours 01:00 to 24:00, as meters write them."""

    def make(count: int) -> File:
        texts = []
        for time in stepped(HOUR, count, START + HOUR):
            midnight = time.hour == 0
            texts.append(
                (time - DAY if midnight else time).strftime(
                    pattern.replace("%H", "24") if midnight else pattern
                )
            )
        return single(texts, last=False)

    return make


def joined(names: tuple[str, ...], step: timedelta) -> Callable[[int], File]:
    """A date over columns; with a column of hours, those are 1 to 24."""

    def parts(time: datetime) -> list[int]:
        if "hour" in names and time.hour == 0 and time.minute == 0:
            before = time - DAY
            return [24 if name == "hour" else getattr(before, name) for name in names]
        return [getattr(time, name) for name in names]

    def make(count: int) -> File:
        values = numbers(count)
        rows = [
            ",".join(map(str, [*parts(time), value]))
            for time, value in zip(stepped(step, count, START + step), values, strict=True)
        ]
        return File("\n".join([",".join([*names, "y"]), *rows, ""]).encode(), {"": values})

    return make


def zoned(count: int) -> File:
    zone = ZoneInfo("Europe/Berlin")
    times = [(time.replace(tzinfo=UTC)).astimezone(zone) for time in stepped(HOUR, count)]
    return single([f"{time:%Y-%m-%d %H:%M}" for time in times])


def with_offsets(count: int) -> File:
    zone = ZoneInfo("Europe/Berlin")
    times = [(time.replace(tzinfo=UTC)).astimezone(zone) for time in stepped(HOUR, count)]
    return single([time.isoformat() for time in times])


def two_formats(one: str, other: str) -> Callable[[int], File]:
    """A file that goes on in another format after its middle."""

    def make(count: int) -> File:
        times = stepped(DAY, count)
        return single(
            [time.strftime(one if at < count // 2 else other) for at, time in enumerate(times)]
        )

    return make


def texts(
    write: Callable[[datetime], str], step: timedelta = HOUR, start: datetime = START
) -> Callable[[int], File]:
    """A file whose times are written by a function."""

    def make(count: int) -> File:
        return single([write(time) for time in stepped(step, count, start)])

    return make


def monthly(write: Callable[[datetime], str], most: int = 100_000) -> Callable[[int], File]:
    def make(count: int) -> File:
        return single([write(time) for time in months(min(count, most))])

    return make


def quarterly(write: Callable[[datetime, int], str]) -> Callable[[int], File]:
    def make(count: int) -> File:
        first_months = months(3 * min(count, 30_000))[::3]
        return single([write(time, (time.month + 2) // 3) for time in first_months])

    return make


def in_columns(
    write: Callable[[datetime], str], names: str = "Date,Hour", step: timedelta = HOUR
) -> Callable[[int], File]:
    """A file with its times in several columns; the texts that are written have commas."""

    def make(count: int) -> File:
        values = numbers(count)
        times = [write(time) for time in stepped(step, count)]
        rows = [f"{time},{value}\n" for time, value in zip(times, values, strict=True)]
        last = times[-1].replace(",", " ")
        return File(f"{names},y\n{''.join(rows)}".encode(), {"": values}, last)

    return make


def to_24(time: datetime) -> tuple[datetime, int]:
    """A day and its hour from 1 to 24."""
    return (time - DAY, 24) if time.hour == 0 else (time, time.hour)


def us_date(time: datetime) -> str:
    return f"{time.month}/{time.day}/{time.year}"


def berlin(german: bool) -> Callable[[datetime], str]:
    """Times of Berlin with the abbreviation of their zone."""
    zone = ZoneInfo("Europe/Berlin")

    def write(time: datetime) -> str:
        text = f"{time.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M %Z}"
        return text.replace("CEST", "MESZ").replace("CET", "MEZ") if german else text

    return write


def numbered(step: int) -> Callable[[int], File]:
    """Two series whose times are the numbers of steps, as the files of M4 have them."""

    def make(count: int) -> File:
        values = numbers(count)
        text = "".join(
            f"{name},{1 + step * at},{value}\n" for name in "ab" for at, value in enumerate(values)
        )
        last = str(1 + step * (count - 1))
        return File(f"unique_id,ds,y\n{text}".encode(), {"a": values, "b": values}, last)

    return make


FRENCH = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
    *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
)
GERMAN = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
TWO_COLUMNS = {"time": "Date,Hour"}
FROM_THE_WILD = [
    Kind("a date and an hour", in_columns(lambda t: f"{t:%Y-%m-%d},{t.hour}"), TWO_COLUMNS),
    Kind(
        "a date and an hour from 1 to 24",
        in_columns(lambda t: f"{us_date(to_24(t)[0])},{to_24(t)[1]}"),
        TWO_COLUMNS,
    ),
    Kind(
        "a date and an hour ending",
        in_columns(lambda t: f"{to_24(t)[0]:%m/%d/%Y},HE{to_24(t)[1]:02}"),
        TWO_COLUMNS,
    ),
    Kind("a date and a clock", in_columns(lambda t: f"{t:%d.%m.%Y},{t:%H:%M}"), TWO_COLUMNS),
    Kind(
        "a date and a clock in digits",
        in_columns(lambda t: f"{t:%Y%m%d},{t:%H%M%S}", "DATE,TIME"),
        {"time": "DATE,TIME"},
    ),
    Kind(
        "a date and an interval",
        in_columns(lambda t: f"{t:%d.%m.%Y},{t:%H:%M} - {t + HOUR:%H:%M}"),
        TWO_COLUMNS,
    ),
    Kind(
        "a year, a month, a day and an hour",
        in_columns(lambda t: f"{t.year},{t.month},{t.day},{t.hour}", "Year,Month,Day,Hour"),
        {"time": "Year,Month,Day,Hour"},
    ),
    Kind(
        "a day of the year",
        in_columns(lambda t: f"{t.year},{t.timetuple().tm_yday}", "Year,DOY", DAY),
        {"time": "Year,DOY"},
    ),
    Kind("without zeros", texts(lambda t: f"{us_date(t)} {t.hour}:{t:%M}")),
    Kind("milliseconds", texts(lambda t: f"{t:%Y-%m-%d %H:%M:%S}.125")),
    Kind("words in capitals", texts(lambda t: f"{t:%d-%b-%Y}".upper(), DAY)),
    Kind("French months", monthly(lambda t: f"{FRENCH[t.month - 1]} {t.year}")),
    Kind("German months", texts(lambda t: f"{t.day}. {GERMAN[t.month - 1]} {t.year}", DAY)),
    Kind("halves of a day", texts(lambda t: f"{t:%m/%d/%Y %I:%M %p}".replace("M", ".m.").lower())),
    Kind("quarters", quarterly(lambda t, q: f"{t.year}Q{q}")),
    Kind("quarters first", quarterly(lambda t, q: f"q{q} {t.year}")),
    Kind("weeks", texts(lambda t: f"{t:%G-W%V}", 7 * DAY, datetime(2001, 1, 15))),
    Kind(
        "months in digits", monthly(lambda t: f"{t:%Y%m}"), {"time": "when", "date_format": "%Y%m"}
    ),
    Kind(
        "intervals",
        texts(lambda t: f"{t:%d.%m.%Y %H:%M} - {t + HOUR:%d.%m.%Y %H:%M}"),
    ),
    Kind(
        "an offset in the middle",
        texts(lambda t: f"{t:%a %b %d %H:%M:%S} +0100 {t:%Y}"),
        {"time": "when", "date_format": "%a %b %d %H:%M:%S %z %Y"},
    ),
    Kind("offsets in hours", texts(lambda t: f"{t:%Y-%m-%dT%H:%M}+01")),
    Kind("zones", texts(berlin(german=False))),
    Kind("German zones", texts(berlin(german=True)), {"timezone": "Europe/Berlin"}),
    Kind("numbered steps", numbered(1)),
    Kind("numbered steps of two", numbered(2)),
    Kind("numbered steps by name", texts(lambda t: str(t.toordinal()), DAY), {"time": "when"}),
]


# -- series ----------------------------------------------------------------------------------------------------------


def long(
    ids: int, *, by_turns: bool = False, label: str = "series {:03}", **how: Any
) -> Callable[[int], File]:
    """A long file: `count` rows in all, at least 3 of each of `ids` series."""

    def make(count: int) -> File:
        length = max(count // ids, 3)
        names, days = [label.format(at) for at in range(ids)], iso(length)
        rows = [(name, day) for name in names for day in days]
        if by_turns:
            rows = [(name, day) for day in days for name in names]
        written = numbers(len(rows))
        text = "unique_id,ds,y\n" + "".join(
            f"{n},{d},{v}\n" for (n, d), v in zip(rows, written, strict=True)
        )
        values: dict[str, list[float]] = {name: [] for name in names}
        for (name, _), value in zip(rows, written, strict=True):
            values[name].append(value)
        return File(text.encode(how.get("encoding", "utf-8")), values, days[-1])

    return make


def wide(count: int) -> File:
    rows = [(day, value, -value) for day, value in zip(iso(count), numbers(count), strict=True)]
    text = "when,a,b\n" + "".join(f"{day},{a},{b}\n" for day, a, b in rows)
    return File(
        text.encode(), {"a": [row[1] for row in rows], "b": [row[2] for row in rows]}, rows[-1][0]
    )


def with_covariates(count: int) -> File:
    rows = [
        f"{day},{value},{at % 5},{'sun' if at % 3 else 'rain'}\n"
        for at, (day, value) in enumerate(zip(iso(count), numbers(count), strict=True))
    ]
    return File(("when,y,promo,sky\n" + "".join(rows)).encode(), {"": numbers(count)})


# -- texts -----------------------------------------------------------------------------------------------------------


def written(form: Callable[[float], str], mark: str) -> Callable[[int], File]:
    """Numbers as some people write them."""

    def make(count: int) -> File:
        values = [1000.5 + 1.25 * at for at in range(count)]
        rows = [
            f"{day}{mark}{form(value)}\n" for day, value in zip(iso(count), values, strict=True)
        ]
        return File((f"when{mark}y\n" + "".join(rows)).encode(), {"": values})

    return make


def grouped(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def named(name: str, encoding: str) -> Callable[[int], File]:
    def make(count: int) -> File:
        text = table(iso(count), numbers(count)).replace("y\n", f"{name}\n", 1)
        return File(text.encode(encoding), {"": numbers(count)})

    return make


def zipped(count: int) -> File:
    file = single(iso(count))
    return File(gzip.compress(file.content), file.values, file.last)


def with_notes(count: int) -> File:
    """Quoted texts with delimiters, quotes and newlines in a column that is not used."""
    rows = [
        f'{day},"a, ""{v}""\nand more",{v}\n'
        for day, v in zip(iso(count), numbers(count), strict=True)
    ]
    return File(("when,note,y\n" + "".join(rows)).encode(), {"": numbers(count)})


def steps(count: int) -> File:
    return File(("y\n" + "".join(f"{v}\n" for v in numbers(count))).encode(), {"": numbers(count)})


def newest_first(count: int) -> File:
    return File(
        ("y\n" + "".join(f"{v}\n" for v in numbers(count)[::-1])).encode(), {"": numbers(count)}
    )


def without_end(count: int) -> File:
    file = single(iso(count))
    return File(file.content.rstrip(b"\n"), file.values, file.last)


def cut_off(count: int) -> File:
    file = single(iso(count))
    return File(file.content + b"2001", file.values, file.last)


def unsorted(count: int) -> File:
    times, values = iso(count), numbers(count)
    rows = table(times, values).splitlines(keepends=True)
    return File("".join([rows[0], *rows[1::2], *rows[2::2]]).encode(), {"": values}, times[-1])


DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%m",
    "%Y/%m",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%m.%d.%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%m.%d.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y-%m-%d",
    "%y/%m/%d",
    "%y.%m.%d",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%Y %b",
    "%m/%Y",
    "%m-%Y",
    "%Y%m%d",
    "%d%m%Y",
    "%Y%m",
)
CLOCKS = (" %H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", " %I:%M %p", "T%H:%M%z", " %H:%M:%S %z")

DAYS = [date for date in DATES if "%d" in date]
DAYS_WITH_CLOCKS = [layout(date + clock) for date in DAYS for clock in CLOCKS]
# Each way to write a day once, and each clock several times.
SOME_DAYS_WITH_CLOCKS = [layout(date + CLOCKS[at % len(CLOCKS)]) for at, date in enumerate(DAYS)]

OTHER_KINDS = [
    *(layout(date) for date in DATES),
    layout("%Y%m%d%H%M"),
    layout("%Y-%m-%d %H"),
    layout("on %d of %m, %Y"),
    Kind("recognized dd/mm/yyyy", layout("%d/%m/%Y").make),
    Kind("recognized mm/dd/yyyy", layout("%m/%d/%Y").make),
    Kind("recognized dd.mm.yyyy", layout("%d.%m.%Y").make),
    Kind("recognized dd-mm-yyyy", layout("%d-%m-%Y").make),
    Kind("recognized day and clock", layout("%d/%m/%Y %H:%M").make),
    Kind("recognized words", layout("%b %d, %Y").make),
    Kind("years", years, {"time": "when", "target": "y"}),
    Kind("epoch", epoch(1), {"time": "when", "date_format": "epoch", "target": "y"}),
    Kind("epoch-ms", epoch(1000), {"time": "when", "date_format": "epoch-ms", "target": "y"}),
    *(
        Kind(f"to 24:00 {pattern}", to_hour_24(pattern))
        for pattern in (
            "%Y-%m-%d %H:%M",
            "%d.%m.%Y %H:%M",
            "%Y-%m-%dT%H:%M:%SZ",
            "%d-%b-%Y %H:%M",
            "%Y-%m-%d %H:%M:%S.%f",
        )
    ),
    Kind(
        "to 24:00 with format",
        to_hour_24("%Y%m%d%H%M"),
        {"time": "when", "date_format": "%Y%m%d%H%M", "target": "y"},
    ),
    *(
        Kind(f"columns {', '.join(names)}", joined(names, step), {"time": ",".join(names)})
        for names, step in (
            (("year", "month", "day"), DAY),
            (("year", "month", "day", "hour"), HOUR),
            (("year", "month", "day", "hour", "minute"), HOUR / 4),
            (("year", "month", "day", "hour", "minute", "second"), HOUR),
        )
    ),
    Kind("named zone", zoned, {"timezone": "Europe/Berlin"}),
    Kind("offsets", with_offsets),
    Kind("offsets in a named zone", with_offsets, {"timezone": "Europe/Berlin"}),
    Kind(
        "two formats of one width",
        two_formats("%Y-%m-%d", "%d.%m.%Y"),
        {"date_format": ["%Y-%m-%d", "%d.%m.%Y"]},
    ),
    Kind(
        "two formats of two widths",
        two_formats("%Y-%m-%d", "%d.%m.%Y 00:00"),
        {"date_format": ["%Y-%m-%d", "%d.%m.%Y %H:%M"]},
    ),
    Kind(
        "two formats, one of words",
        two_formats("%d %b %Y", "%Y-%m-%d"),
        {"date_format": ["%d %b %Y", "%Y-%m-%d"]},
    ),
    Kind("long", long(3)),
    Kind("long, by turns", long(7, by_turns=True)),
    Kind("long, short ids", long(2, label="{}"), {"id": "unique_id"}),
    Kind("long, ids in two scripts", long(5, label="Süd 日本 {}")),
    Kind("long, ids with zeros", long(4, label="00{}")),
    Kind("wide", wide, {"target": "all"}),
    Kind("covariates", with_covariates, {"target": "y", "future": ["promo"], "past": ["sky"]}),
    Kind("decimal comma", written(lambda value: f"{value:.2f}".replace(".", ","), ";")),
    Kind("grouped decimal comma", written(grouped, ";")),
    Kind("grouped, quoted", written(lambda value: f'"{value:,.2f}"', ",")),
    Kind("exponents", written(lambda value: f"{value:.9e}", ",")),
    Kind("signs", written(lambda value: f"+{value}", ",")),
    Kind("semicolons", lambda count: single(iso(count), mark=";"), {"decimal": "."}),
    Kind("tabs", lambda count: single(iso(count), mark="\t")),
    Kind("bars", lambda count: single(iso(count), mark="|")),
    Kind("named delimiter", lambda count: single(iso(count), mark="~"), {"delimiter": "~"}),
    Kind("Windows lines", lambda count: single(iso(count), end="\r\n")),
    Kind("old Mac lines", lambda count: single(iso(count), end="\r")),
    Kind("quoted dates", lambda count: single(iso(count), quote='"')),
    Kind("byte order mark", lambda count: single(iso(count), encoding="utf-8-sig")),
    Kind("UTF-16", lambda count: single(iso(count), encoding="utf-16")),
    Kind(
        "UTF-16 without mark",
        lambda count: single(iso(count), encoding="utf-16-le"),
        {"encoding": "utf-16-le"},
    ),
    Kind("cp1252", named("café", "cp1252"), {"encoding": "cp1252"}),
    Kind("shift_jis", named("売上", "shift_jis"), {"encoding": "shift_jis"}),
    Kind("gb18030", named("销量", "gb18030"), {"encoding": "gb18030"}),
    Kind("gzip", zipped),
    Kind("notes with newlines", with_notes, {"target": "y"}),
    Kind("steps", steps),
    Kind("steps, newest first", newest_first, {"newest_first": True}),
    Kind("no last newline", without_end),
    Kind("last line cut off", cut_off),
    Kind("unsorted", unsorted),
    *FROM_THE_WILD,
]

KINDS = [*OTHER_KINDS, *DAYS_WITH_CLOCKS]
REPRESENTATIVES = [*OTHER_KINDS, *SOME_DAYS_WITH_CLOCKS]
