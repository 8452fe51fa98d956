"""The formats of dates that are recognized, and the way a text is written.

A format is a strptime pattern such as `%Y-%m-%d`. `formats` tries those whose shape a text has:
where its digits and words are, and what is between them.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterable
from datetime import datetime
from itertools import product

from forecast_cli import directives
from forecast_cli.errors import SettingsError
from forecast_cli.reading import time_texts

_DATES = (
    # In this order they are tried and named in messages.
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%m.%d.%y", "%d-%m-%y", "%m-%d-%y"),
    *("%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%m/%Y", "%m-%Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%b %Y", "%B %Y", "%b-%Y", "%Y %b", "%Y %B"),
    *("%d. %B %Y", "%d. %b %Y", "%B-%Y", "%Y-%b", "%Y-%B", "%b/%Y", "%d/%b/%Y"),
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "%Y.Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "Q%q.%Y"),
    *("%G-W%V", "%GW%V", "%G W%V", "W%V %G", "W%V-%G", "%G-W%V-%u"),
)
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_ZONES = ("", "%z", " %z", " %Z")
_OFFSET_SHAPES = ("+9", "-9", "+9:9", "-9:9", "a")
_SHAPES_OF_ZONES = {
    "": ("",),
    "%z": _OFFSET_SHAPES,
    " %z": tuple(f" {shape}" for shape in _OFFSET_SHAPES),
    " %Z": (" a",),
}
_BETWEEN = (" - ", " \N{EN DASH} ", "/", " to ", " bis ", "-")  # of the two ends of an interval
_MIDNIGHT = re.compile(r"(?<=[ T])24(?=:00(?::00(?:\.0+)?)?(?![\d:.]))")

_POINT = re.compile(r"(?<=[^\W\d_])\.")  # after an abbreviation

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_STEPS = {
    "years": re.compile(r"[12]\d{3}"),
    "quarters": re.compile(
        r"[12]\d{3}[ /-]?q[1-4]|q[1-4][ /-]?[12]\d{3}",
        re.IGNORECASE,
    ),
    "months": re.compile(
        rf"[12]\d{{3}}(?:[ /.-]?{_MONTH}|[/.-](?:0[1-9]|1[0-2])|m(?:0[1-9]|1[0-2]))"
        rf"|{_MONTH}[ /.-]?[12]\d{{3}}",
        re.IGNORECASE,
    ),
}


@functools.lru_cache(maxsize=4096)
def formats(cell: str) -> tuple[str, ...]:
    """Every known format that reads this cell; 24:00 is the next day's 00:00."""
    if len(cell) < 6 or not re.search(r"\D", cell) or not re.search(r"\d", cell):
        return ()

    # strptime is slow, and the shape of a text rules out most patterns.
    cell = _MIDNIGHT.sub("00", cell)
    likely = _patterns_by_shape().get(_shape(cell), [])
    fitting = tuple(pattern for pattern in likely if _reads(pattern, cell))
    return fitting or _interval_formats(cell)


def is_date(cell: str) -> bool:
    """Whether some known format reads this cell."""
    return bool(formats(cell))


def is_usual(pattern: str, cell: str) -> bool:
    """Whether Python's own parser reads a cell in a format; 24:00 is the next day's 00:00."""
    try:
        datetime.strptime(_MIDNIGHT.sub("00", cell), pattern)
    except ValueError:
        return False
    return True


def form(text: str) -> str:
    """What texts that are written alike have in common: `05.01.2021` -> `9.9.9999`, `2020 Q1`
    -> `9999 a9`.
    """
    text = re.sub(r"[^\W\d_]+", "a", re.sub(r"\s+", " ", text))
    return re.sub(r"\d+", _form_of_digits, text)


def quoted(pattern: str) -> str:
    """A format as it is typed in a shell."""
    return shlex.quote(pattern)


def as_options(patterns: Iterable[str]) -> str:
    """Formats as options: `--date-format %Y-%m-%d --date-format %d.%m.%Y`."""
    return " ".join(f"--date-format {quoted(pattern)}" for pattern in patterns)


def check_together(patterns: Iterable[str]) -> None:
    """Raise SettingsError for formats whose rows cannot be one series: years beside months,
    offsets beside none.
    """
    patterns = list(patterns)
    yearly = [
        pattern for pattern in patterns if not re.search("%-?[mbBjUWVqcx]|epoch|step", pattern)
    ]
    finer = [pattern for pattern in patterns if pattern not in yearly]
    if yearly and finer:
        raise SettingsError(
            f"{as_options([yearly[0]])} and {as_options([finer[0]])}: "
            "years and shorter steps are not one series",
            "keep the rows of one step",
            option="date_format",
        )

    zoned = [pattern for pattern in patterns if "%z" in pattern]
    local = [pattern for pattern in patterns if pattern not in zoned]
    if zoned and local:
        raise SettingsError(
            f"{as_options([zoned[0]])} and {as_options([local[0]])}: "
            "times with an offset and times without one are not on one clock",
            "write all times with their offset, or all without",
            option="date_format",
        )


def steps(cells: Iterable[str]) -> dict[str, str]:
    """Which of years, quarters and months these texts are, and the first text of each."""
    examples: dict[str, str] = {}
    for cell in cells:
        for step, expression in _STEPS.items():
            if step not in examples and expression.fullmatch(cell):
                examples[step] = cell
    return examples


def mixed_steps(examples: dict[str, str]) -> str:
    """What to do about years, quarters and months in one column. examples: what `steps`
    returns.
    """
    names = list(examples)
    listed = " and ".join([", ".join(names[:-1]), names[-1]])
    last = list(examples.values())[-1]
    return f"{listed} are not one series: keep the rows of one step, e.g. those like {last!r}"


def _reads(pattern: str, cell: str) -> bool:
    if time_texts.is_own(pattern) or time_texts.has_words(pattern):
        return time_texts.reads(pattern, cell)
    return is_usual(pattern, cell)


def _form_of_digits(digits: re.Match[str]) -> str:
    count = len(digits[0])
    return "9" * count if count > 2 else "9"


def _shape(text: str) -> str:
    """What is a number, what a word, and what is between them: `2024-01-05 07:30` -> `9-9-9
    9:9`.
    """
    text = re.sub(r"[^\W\d_]+", "a", re.sub(r"\s+", " ", _POINT.sub("", text)))
    return re.sub(r"\d+", "9", text)


def _shape_of_pattern(pattern: str) -> str:
    """The shape of the texts that a pattern without a zone reads."""
    shapes = []
    for part in directives.parts(pattern):
        directive = directives.letter(part)
        if not directive:
            shapes.append(_shape(part))
        else:
            shapes.append("a" if directive in "bBp" else "9")
    return "".join(shapes)


@functools.cache
def _patterns_by_shape() -> dict[str, list[str]]:
    """All patterns by the shapes of the texts that they read."""
    clocks = [("", "")]
    for between, clock, zone in product(" T", _CLOCKS[1:], _ZONES):
        shape = _shape_of_pattern(f"{between}{clock}")
        clocks += [(f"{between}{clock}{zone}", shape + offset) for offset in _SHAPES_OF_ZONES[zone]]

    patterns: dict[str, list[str]] = {}
    for date in _DATES:
        shape_of_date = _shape_of_pattern(date)
        for clock, shape_of_clock in clocks:
            alike = patterns.setdefault(shape_of_date + shape_of_clock, [])
            if date + clock not in alike:
                alike.append(date + clock)
    return patterns


def _interval_formats(cell: str) -> tuple[str, ...]:
    """The formats of an interval such as `2024-01-01 00:00 - 2024-01-01 01:00`; the day of its end
    may be missing.
    """
    for between in _BETWEEN:
        if cell.count(between) != 1:
            continue

        begin, end = cell.split(between)
        patterns = []
        for pattern in formats(begin):
            ends = [pattern, *(clock for clock in _CLOCKS[1:] if "%H" in pattern)]
            patterns += [
                f"{pattern}{directives.INTERVAL}{between}{of_end}"
                for of_end in ends
                if _shape_of_pattern(of_end) == _shape(end)
            ]
        fitting = tuple(pattern for pattern in patterns if time_texts.reads(pattern, cell))
        if fitting:
            return fitting
    return ()
