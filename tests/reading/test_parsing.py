"""How pandas is made to read: some rows at a time, in a thread beside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from forecast_cli.errors import StoppedError
from forecast_cli.reading import parsing


class Frames:
    """The reader of pandas, as far as it is used: three frames of one row."""

    def __init__(self) -> None:
        self.left = 3
        self.is_closed = False

    def __next__(self) -> pd.DataFrame:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return pd.DataFrame({0: ["a"]})

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.is_closed = True


class Interrupted(ThreadPoolExecutor):
    """A thread for which nobody waits, as where a signal comes while it is waited for."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        raise StoppedError(15)


def test_the_reader_is_not_closed_while_a_thread_may_be_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pandas would free the memory that the thread reads into, and the process would crash."""
    reader = Frames()
    monkeypatch.setattr(parsing, "_open", lambda *_: reader)
    monkeypatch.setattr(parsing, "ThreadPoolExecutor", Interrupted)
    table: Any = SimpleNamespace(names=["y"], rows=3)
    with pytest.raises(StoppedError):
        list(parsing.read_frames(table, parsing.Wanted(["y"])))
    assert reader.left == 0
    assert not reader.is_closed
