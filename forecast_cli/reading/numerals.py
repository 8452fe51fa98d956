"""Numbers as people write them: decimal comma or point, separators of thousands; read only if all can mean one thing."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast_cli.panel import Floats

Convention = tuple[str, str]  # decimal, thousands; an empty text where thousands are not separated
PLAIN: Convention = (".", "")
CONVENTIONS: tuple[Convention, ...] = (
    PLAIN, (",", ""), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'"),
)  # fmt: skip
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-"})


@functools.cache
def _pattern(convention: Convention) -> re.Pattern[str]:
    decimal, thousands = re.escape(convention[0]), re.escape(convention[1])
    whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+)" if thousands else r"\d+"
    return re.compile(rf"[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?", re.ASCII)


_ENDLESS = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def read(cells: list[str], convention: Convention) -> Floats:
    """The numbers of cells, NaN where one is none in this convention."""
    fits, (decimal, thousands) = _pattern(convention).fullmatch, convention
    numbers = np.full(len(cells), np.nan)
    for at, cell in enumerate(cells):
        if fits(cell):
            if thousands:
                cell = cell.replace(thousands, "")
            numbers[at] = float(cell.replace(",", ".") if decimal == "," else cell)
        elif _ENDLESS.fullmatch(cell):
            numbers[at] = float(cell)
    return numbers


def is_number(cell: str) -> bool:
    """Whether a cell is a number in any convention."""
    cell = tidy(cell)
    return any(_pattern(convention).fullmatch(cell) for convention in CONVENTIONS) or bool(
        _ENDLESS.fullmatch(cell)
    )


def describe(convention: Convention) -> str:
    """A convention in words; an empty text for the plain one."""
    decimal, thousands = convention
    words = ["decimal comma"] if decimal == "," else []
    words += [f"thousands separated by {thousands!r}"] if thousands else []
    return ", ".join(words)


def tidy(cell: str) -> str:
    return cell.strip().translate(_SPACES)


@dataclass(eq=False)
class Evidence:
    """What all cells seen so far say about the conventions: how many each cannot read, and which pairs differ where."""

    allowed: tuple[Convention, ...]
    bad: dict[Convention, int] = field(default_factory=dict)
    differ: dict[tuple[Convention, Convention], str] = field(default_factory=dict)

    def add(self, cells: Iterable[str]) -> None:
        """cells: without missing ones, tidied."""
        found = list(cells)
        present = set("".join(found)) & set(".,' ")
        read_as: dict[Convention, Floats] = {}
        readings: dict[Convention, Floats] = {}
        for convention in self.allowed:
            decimal, thousands = convention
            # separators that are not in these cells make no difference
            reduced = (
                decimal if decimal in present else ".",
                thousands if thousands in present else "",
            )
            if reduced[0] == reduced[1]:
                reduced = (decimal, thousands)
            if reduced not in read_as:
                read_as[reduced] = read(found, reduced)
            readings[convention] = read_as[reduced]
            self.bad[convention] = self.bad.get(convention, 0) + int(
                np.isnan(readings[convention]).sum()
            )
        for one in self.allowed:
            for other in self.allowed:
                if (
                    one < other
                    and (one, other) not in self.differ
                    and readings[one] is not readings[other]
                ):
                    a, b = readings[one], readings[other]
                    apart = np.flatnonzero(~np.isnan(a) & ~np.isnan(b) & (a != b))
                    if len(apart):
                        self.differ[(one, other)] = found[int(apart[0])]

    def best(self) -> tuple[Convention, str]:
        """The convention that reads most, and a cell that another reads as well but differently (empty: none)."""
        least = min(self.bad.values(), default=0)
        good = [convention for convention in self.allowed if self.bad.get(convention, 0) == least]
        for convention in good:
            for other in good:
                cell = self.differ.get((min(convention, other), max(convention, other)))
                if cell is not None:
                    return convention, cell
        return good[0], ""


def allowed(decimal: str | None, thousands: str | None, delimiter: str) -> tuple[Convention, ...]:
    """The conventions that the settings leave open."""
    if decimal is not None and thousands is not None:
        return ((decimal, thousands),)
    if thousands is not None:
        return tuple((d, thousands) for d in ".," if d != thousands)
    if decimal is not None:
        return tuple(c for c in CONVENTIONS if c[0] == decimal)
    return CONVENTIONS


def is_missing(cells: NDArray[Any], missing: frozenset[str]) -> NDArray[np.bool_]:
    return np.fromiter((cell in missing for cell in cells), bool, len(cells))
