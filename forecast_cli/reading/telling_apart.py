"""Which columns tell rows of the same time apart: what to say of them where times repeat."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from forecast_cli.calendar import Ints
from forecast_cli.errors import Remedy
from forecast_cli.messages import listed
from forecast_cli.reading.columns import Cells
from forecast_cli.reading.joined_times import makes_time
from forecast_cli.reading.parsing import Sample, factorized, read_texts, text_at, texts_at
from forecast_cli.reading.records import Table
from forecast_cli.reading.roles import Roles

TRIED = 20  # unused columns that are looked at
FEWEST = 0.01  # share of the rows that repeat a time where columns name series
MOST_TOGETHER = 2  # columns that tell rows apart together


def telling_apart(
    table: Table, sample: Sample, roles: Roles, cells: Cells
) -> Callable[[], tuple[str, list[Remedy]]]:
    """What to say of columns that tell rows apart, if times turn out to repeat: the end of a
    hint, and what it names.

    It needs the text of the table, which is kept only where times may repeat: where they do not
    ascend from row to row.
    """
    times = cells.times
    if times is None or not roles.unused or (np.diff(times) > 0).all():
        return lambda: ("", [])

    good = np.flatnonzero(~cells.bad)
    codes = np.zeros(len(times), np.int64)
    if roles.id:
        codes = cells.texts[roles.id].codes
    return lambda: _hint(_Repeating(table, sample, roles, good, codes[good], times[good]))


@dataclass(frozen=True, eq=False)
class _Repeating:
    """A table with times that may repeat. good: the rows that are read, of which codes and times
    (n,) are.
    """

    table: Table
    sample: Sample
    roles: Roles
    good: Ints
    codes: Ints
    times: Ints


def _hint(them: _Repeating) -> tuple[str, list[Remedy]]:
    codes, times = them.codes, them.times
    order = np.lexsort((times, codes))
    is_repeated = (np.diff(times[order]) == 0) & (np.diff(codes[order]) == 0)
    if is_repeated.sum() < FEWEST * len(times):
        return "", []

    names = _that_tell_apart(them.table, them.roles.unused[:TRIED], them.good, [codes, times])
    if not names:
        return "", []

    time = [*them.roles.time, *names]
    if not any("," in name for name in time) and makes_time(time, them.sample):
        together = ",".join(time)
        hint = f"; --time {shlex.quote(together)} reads all of these columns as the time"
        return hint, [Remedy({"time": together}, "reads all of these columns as the time")]

    first = int(np.argmax(is_repeated))
    row, other = them.good[order[first]], them.good[order[first + 1]]
    return _naming(them, names, int(min(row, other)))


def _naming(them: _Repeating, names: tuple[str, ...], row: int) -> tuple[str, list[Remedy]]:
    """What to say of columns of names. row: one whose time repeats."""
    examples = [text_at(them.table, name, row) for name in names]
    texts = [f"{name}={text}" for name, text in zip(names, examples, strict=True)]
    where = " ".join(f"--where {shlex.quote(text)}" for text in texts)

    each = ""
    remedies = []
    if len(names) == 1 and not them.roles.id:
        each = f"--id {shlex.quote(names[0])} forecasts each of its series, "
        effect = f"forecasts each series of column {names[0]!r}"
        remedies.append(Remedy({"id": names[0]}, effect))

    tell = "tells" if len(names) == 1 else "tell"
    remedies.append(Remedy({"where": texts}, "takes one part of the rows"))
    return (
        f"; {_columns(names)} {tell} these rows apart: {each}{where} takes one of them, "
        "--duplicates sum adds them up",
        remedies,
    )


def _columns(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"column {names[0]!r}"
    return f"columns {listed(names)} together"


def _that_tell_apart(
    table: Table, unused: Sequence[str], good: Ints, keys: list[Ints]
) -> tuple[str, ...]:
    """The fewest columns with which no two rows are alike; none where there are no such columns.

    A column that is different in most rows names no series.
    """
    columns = {}
    for name in unused:
        codes, count, is_full = _codes(table, name, good)
        if is_full and 1 < count <= len(good) // 2:
            columns[name] = codes

    for together in range(1, MOST_TOGETHER + 1):
        for names in combinations(columns, together):
            if _are_different([*keys, *(columns[name] for name in names)]):
                return names
    return ()


def _codes(table: Table, name: str, good: Ints) -> tuple[Ints, int, bool]:
    """The texts of some rows as numbers, how many different ones there are, and whether each
    row has one.
    """
    few = texts_at(table, name, good[:1])
    if not few[0]:
        return good, 0, False

    known: dict[str, int] = {}
    pieces = []
    for _, column in read_texts(table, [name]):
        codes, cells = factorized(column)
        own = [known.setdefault(cell.strip(), len(known)) for cell in cells]
        pieces.append(np.array(own, np.int64)[codes])
    of_good = np.concatenate(pieces)[good]
    empty = known.get("", -1)
    return of_good, len(np.unique(of_good)), not bool((of_good == empty).any())


def _are_different(keys: list[Ints]) -> bool:
    """Whether no two rows have the same numbers."""
    frame = pd.DataFrame(dict(enumerate(keys)))
    return not bool(frame.duplicated().any())
