"""Numbers as people write them: decimal comma or point, separators of thousands; read only if
all can mean one thing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from forecast_cli.panel import Floats


class NumberFormat(NamedTuple):
    """The decimal mark and the separator of thousands; an empty text where thousands are not
    separated.
    """

    decimal: str
    thousands: str = ""


PLAIN = NumberFormat(".")
NUMBER_FORMATS = (
    PLAIN,
    NumberFormat(","),
    NumberFormat(".", ","),
    NumberFormat(",", "."),
    NumberFormat(",", " "),
    NumberFormat(".", " "),
    NumberFormat(".", "'"),
    NumberFormat(",", "'"),
)
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-"})
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def read_numbers(cells: Sequence[str], number_format: NumberFormat) -> Floats:
    """The numbers of tidy cells (n,), NaN where one is none in this format."""
    decimal, thousands = number_format
    is_number_here = _expression(number_format).fullmatch
    numbers = np.full(len(cells), np.nan)
    for at, cell in enumerate(cells):
        if is_number_here(cell):
            if thousands:
                cell = cell.replace(thousands, "")
            if decimal == ",":
                cell = cell.replace(",", ".")
            numbers[at] = float(cell)
        elif _INFINITE.fullmatch(cell):
            numbers[at] = float(cell)
    return numbers


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any format."""
    cell = tidy(cell)
    if _INFINITE.fullmatch(cell):
        return True
    return any(_expression(number_format).fullmatch(cell) for number_format in NUMBER_FORMATS)


def tidy(cell: str) -> str:
    """A cell without spaces around it, and with plain signs for spaces, apostrophes and minus."""
    return cell.strip().translate(_SPACES)


def describe(number_format: NumberFormat) -> str:
    """A format in words; an empty text for the plain one."""
    words = []
    if number_format.decimal == ",":
        words.append("decimal comma")
    if number_format.thousands:
        words.append(f"thousands separated by {number_format.thousands!r}")
    return ", ".join(words)


def possible_formats(decimal: str | None, thousands: str | None) -> tuple[NumberFormat, ...]:
    """The formats that the settings leave open."""
    if decimal is not None and thousands is not None:
        return (NumberFormat(decimal, thousands),)
    if thousands is not None:
        return tuple(NumberFormat(mark, thousands) for mark in ".," if mark != thousands)
    if decimal is not None:
        return tuple(one for one in NUMBER_FORMATS if one.decimal == decimal)
    return NUMBER_FORMATS


@functools.cache
def _expression(number_format: NumberFormat) -> re.Pattern[str]:
    decimal, thousands = map(re.escape, number_format)
    whole = r"\d+"
    if thousands:
        whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+)"
    number = rf"(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)"
    return re.compile(rf"[+-]?{number}(?:[eE][+-]?\d+)?", re.ASCII)


# -- which format a file is written in ---------------------------------------------------------


@dataclass(eq=False)
class FormatVotes:
    """What all cells seen so far say about the number formats.

    unread: how many cells each cannot read; disagreements: a cell that two formats read as
    different numbers.
    """

    formats: tuple[NumberFormat, ...]
    unread: dict[NumberFormat, int] = field(default_factory=dict)
    disagreements: dict[frozenset[NumberFormat], str] = field(default_factory=dict)

    def add(self, cells: Iterable[str]) -> None:
        """Count some cells: tidy ones, without missing ones."""
        cells = list(cells)
        present = set("".join(cells)) & set(".,' ")
        numbers_of: dict[NumberFormat, Floats] = {}
        readings: dict[NumberFormat, Floats] = {}
        for one in self.formats:
            reduced = _reduced(one, present)
            if reduced not in numbers_of:
                numbers_of[reduced] = read_numbers(cells, reduced)
            readings[one] = numbers_of[reduced]
            unread = int(np.isnan(readings[one]).sum())
            self.unread[one] = self.unread.get(one, 0) + unread

        for at, one in enumerate(self.formats):
            for other in self.formats[at + 1 :]:
                pair = frozenset((one, other))
                if pair in self.disagreements:
                    continue
                differing = _first_difference(readings[one], readings[other])
                if differing is not None:
                    self.disagreements[pair] = cells[differing]

    def best(self) -> tuple[NumberFormat, str]:
        """The format that reads most, and a cell that another reads as well but differently
        (empty: none).
        """
        fewest = min(self.unread.values(), default=0)
        best = [one for one in self.formats if self.unread.get(one, 0) == fewest]
        for one in best:
            for other in best:
                cell = self.disagreements.get(frozenset((one, other)))
                if cell is not None:
                    return one, cell
        return best[0], ""


def _reduced(number_format: NumberFormat, present: set[str]) -> NumberFormat:
    """A format without separators that are not in the cells: they make no difference."""
    decimal, thousands = number_format
    if decimal not in present:
        decimal = "."
    if thousands not in present:
        thousands = ""
    if decimal == thousands:
        # A point that separates thousands cannot be the decimal mark as well.
        return number_format
    return NumberFormat(decimal, thousands)


def _first_difference(one: Floats, other: Floats) -> int | None:
    """The first cell that two formats read as different numbers."""
    if one is other:
        return None
    apart = np.flatnonzero(~np.isnan(one) & ~np.isnan(other) & (one != other))
    if not len(apart):
        return None
    return int(apart[0])
