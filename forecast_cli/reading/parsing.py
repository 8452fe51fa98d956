"""A table's columns as pandas parses them, some rows at a time: texts, bytes of texts, or
numbers.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError
from forecast_cli.reading.records import Table
from forecast_cli.settings import DataSettings

CHUNK = 1 << 18  # rows parsed at once
# Rows parsed at once where no texts are made: what is in the cache is parsed faster, and takes less memory.
SMALL_CHUNK = 1 << 15
AT_ONCE = 1 << 20  # cells that are texts at the same time
SAMPLE = 1 << 16  # bytes that decide on roles

Sample = dict[str, list[str]]


def _any_case(word: str) -> list[str]:
    return ["".join(letters) for letters in product(*({c.lower(), c.upper()} for c in word))]


MISSING = frozenset(["", *_any_case("NA"), *_any_case("NaN"), *_any_case("null")])


def missing_words(settings: DataSettings) -> frozenset[str]:
    """The texts that stand for a missing value."""
    return MISSING | set(settings.null or [])


# -- texts ------------------------------------------------------------------------------------


def read_sample(table: Table) -> Sample:
    """The texts of the first rows, by column, without spaces around them."""
    text = table.source.text
    end = _end_of_sample(text, table.body)
    frame = pd.read_csv(
        io.BytesIO(text[table.body : end]),
        sep=table.delimiter,
        header=None,
        names=list(range(len(table.names))),
        usecols=list(range(len(table.names))),
        dtype=str,
        keep_default_na=False,
        index_col=False,
        encoding="utf-8",
    )
    return {name: [str(cell).strip() for cell in frame[at]] for at, name in enumerate(table.names)}


def read_texts(table: Table, names: list[str]) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Columns as texts, some rows at a time: a name and cells, which follow those of the same
    name before.

    Where rows are few and columns many, one pass over the text reads several columns.
    """
    together = max(AT_ONCE // max(table.rows, 1), 1)
    for low in range(0, len(names), together):
        some = names[low : low + together]
        for frame in read_frames(table, Wanted(some)):
            for name in some:
                yield name, frame[name]


def texts_at(table: Table, name: str, rows: Ints) -> list[str]:
    """The texts of a column in some rows, which ascend, by reading it again up to the last of
    them.
    """
    texts: list[str] = []
    seen = 0
    for frame in read_frames(table, Wanted([name])):
        low, high = np.searchsorted(rows, [seen, seen + len(frame)])
        texts += [str(cell).strip() for cell in frame[name].iloc[rows[low:high] - seen]]
        seen += len(frame)
        if len(texts) == len(rows):
            break
    return texts


def text_at(table: Table, name: str, row: int) -> str:
    """The text of a column in one row."""
    return texts_at(table, name, np.array([row]))[0]


def distinct_texts(table: Table, name: str) -> list[str]:
    """The distinct texts of a column, without spaces around them, by reading it again."""
    distinct: dict[str, None] = {}
    for frame in read_frames(table, Wanted([name])):
        _, cells = factorized(frame[name])
        distinct |= dict.fromkeys(cell.strip() for cell in cells)
    return list(distinct)


def factorized(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """The number of each row's text, and the distinct texts in order of appearance."""
    cells = column.to_numpy()
    if cells.dtype.kind != "S":
        numbers, distinct = pd.factorize(cells)
        return numbers.astype(np.int64, copy=False), list(distinct)

    # numpy compares words of 8 bytes faster than texts, and only one text of each run is looked at.
    words = cells.view(np.uint64).reshape(len(cells), -1)
    changes = np.unique(np.flatnonzero(words[1:] != words[:-1]) // words.shape[1]) + 1
    begins = np.concatenate([[0], changes])
    numbers, distinct = pd.factorize(cells[begins].astype(object))
    lengths = np.diff(begins, append=len(cells))
    codes = np.repeat(numbers, lengths).astype(np.int64, copy=False)
    return codes, [text.decode() for text in distinct]


def is_cut(column: pd.Series[Any]) -> bool:
    """Whether a text may be longer than the bytes that were read of it."""
    cells = column.to_numpy()
    last_bytes = cells.view(np.uint8)[cells.itemsize - 1 :: cells.itemsize]
    return bool(last_bytes.any())


def _end_of_sample(text: bytes, begin: int) -> int:
    """Where the last whole record of the first SAMPLE bytes ends, or the first record."""
    if len(text) <= begin + SAMPLE:
        return len(text)
    end = text.rfind(b"\n", begin, begin + SAMPLE) + 1
    while b'"' in text[begin:end] and text.count(b'"', begin, end) % 2:
        end = text.find(b"\n", end) + 1
    if end > begin:
        return end
    # The first record alone is longer than the sample.
    return text.find(b"\n", begin) + 1


# -- frames ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What to read of a table: columns as texts, and columns as numbers.

    sizes: texts that are wanted as bytes, of which at most so many are read; missing: texts
    that are no number; decimal: the decimal mark.
    """

    texts: list[str]
    numbers: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    decimal: str = "."


def read_frames(table: Table, wanted: Wanted) -> Iterator[pd.DataFrame]:
    """The wanted columns, some rows at a time: texts as they are, numbers as float64.

    Raises ValueError for a text among the numbers, DataError where pandas and the records
    differ.
    """
    at = {name: table.names.index(name) for name in (*wanted.texts, *wanted.numbers)}
    names = {position: name for name, position in at.items()}
    rows = 0
    # Never closed, only dropped: an error may come while the thread is still reading, and pandas
    # would then free the memory that it reads into.
    reader = _open(table, wanted, at)
    with ThreadPoolExecutor(1, thread_name_prefix="parser") as worker:
        coming = worker.submit(next, reader, None)
        while (frame := coming.result()) is not None:
            # pandas parses the next chunk while this one is used.
            coming = worker.submit(next, reader, None)
            rows += len(frame)
            if rows > table.rows:
                break
            yield frame.rename(columns=names)

    if rows != table.rows:
        raise DataError(
            "quotes or blank lines make the rows ambiguous",
            "quote whole fields only, as RFC 4180 says",
        )


def _open(table: Table, wanted: Wanted, at: dict[str, int]) -> Any:
    """The reader of pandas. at: the positions of the columns."""
    # Never "category": pandas would turn its texts into numbers where it can, 007 into 7.
    kinds: dict[int, Any] = {at[name]: object for name in wanted.texts}
    kinds |= {at[name]: f"S{size}" for name, size in wanted.sizes.items()}
    kinds |= {at[name]: np.float64 for name in wanted.numbers}
    makes_texts = len(wanted.sizes) < len(wanted.texts)
    chunk = CHUNK if makes_texts else SMALL_CHUNK
    rest: Any = _Rest(table.source.text, table.body)
    nulls: Any = {at[name]: sorted(wanted.missing) for name in wanted.numbers}
    return pd.read_csv(
        rest,
        sep=table.delimiter,
        header=None,
        names=list(range(len(table.names))),
        usecols=sorted(at.values()),
        dtype=kinds,
        na_values=nulls,
        keep_default_na=False,
        index_col=False,
        chunksize=min(chunk, max(table.rows, 1)),
        low_memory=False,
        encoding="utf-8",
        decimal=wanted.decimal,
    )


class _Rest:
    """The rest of a text as a file of bytes: pandas would decode a `BytesIO`, only to encode it
    again.
    """

    def __init__(self, text: bytes, at: int) -> None:
        self.text, self.at = text, at

    def __iter__(self) -> Iterator[bytes]:
        # pandas takes what has this method for a file, and never calls it.
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        low = self.at
        self.at = min(low + size, len(self.text)) if size >= 0 else len(self.text)
        return self.text[low : self.at]
