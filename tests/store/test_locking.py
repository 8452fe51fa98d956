"""One command writes at a time; the lock is a value, and is worth nothing once it is released."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.attacks.stores import again, leftovers
from forecast_cli import store
from forecast_cli.errors import LockedError
from forecast_cli.store import Lock
from forecast_cli.workflow import train
from tests.conftest import AIRLINE, HANG
from tests.store.helpers import QUICK
from tests.store.test_track import past

WRITING: dict[str, Callable[[Lock, Path], object]] = {
    "publish": lambda lock, root: store.publish(lock, again(root)),
    "promote": lambda lock, root: store.promote(lock, store.load(root)),
    "write_report": lambda lock, root: store.write_report(lock, {}),
    "prune": lambda lock, root: store.prune(lock, 1),
    "roll_back": lambda lock, root: store.roll_back(lock, store.latest(root)),
    "pin": lambda lock, root: store.pin(lock, store.latest(root)),
    "save_checkpoint": lambda lock, root: store.save_checkpoint(lock, store.Checkpoint(lock, "x")),
    "load_checkpoint": lambda lock, root: store.load_checkpoint(lock, "x"),
    "remove_checkpoint": lambda lock, root: store.remove_checkpoint(lock),
    "write_forecast": lambda lock, root: store.write_forecast(lock, past(7)),
    "prune_forecasts": lambda lock, root: store.prune_forecasts(lock),
    "set_forecast_aside": lambda lock, root: set_aside(lock, root),
}


def set_aside(lock: Lock, root: Path) -> None:
    """Set a forecast aside that is there the first time."""
    folder = root / "forecasts"
    if not folder.exists():
        folder.mkdir()
        (folder / "000001.forecast").touch()
    store.set_forecast_aside(lock, 1)


@pytest.mark.parametrize("name", WRITING)
def test_a_released_lock_is_refused(store_copy: Path, name: str) -> None:
    with store.lock(store_copy) as lock:
        WRITING[name](lock, store_copy)
    before = sorted(store_copy.rglob("*"))
    with pytest.raises(RuntimeError, match=f"the lock of {store_copy} was released"):
        WRITING[name](lock, store_copy)
    assert sorted(store_copy.rglob("*")) == before


def test_a_lock_is_released_by_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), store.lock(tmp_path) as lock:
        raise KeyError
    with pytest.raises(RuntimeError, match="was released"):
        lock.root  # noqa: B018


def test_every_function_that_takes_a_lock_is_tested_here_and_takes_it_first() -> None:
    takes_lock = []
    for name in store.__all__:
        function = getattr(store, name)
        if inspect.isfunction(function):
            parameters = list(inspect.signature(function).parameters.values())
            kinds = [parameter.annotation for parameter in parameters]
            if "Lock" in kinds:
                assert kinds.index("Lock") == 0, name
                takes_lock.append(name)
    assert sorted(takes_lock) == sorted(WRITING)


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    with store.lock(tmp_path), pytest.raises(LockedError) as caught, store.lock(tmp_path):
        pass
    assert caught.value.exit_code == 11
    pattern = (
        rf"another command is writing in {tmp_path}: pid {os.getpid()} on .+ since \d{{4}}-.+Z"
    )
    assert re.fullmatch(pattern, caught.value.message)
    assert caught.value.hint == "wait for it (--lock-wait 10m), or use another --store"
    with store.lock(tmp_path):
        pass


def _hold(root: str, ready: Any, release: Any) -> None:
    with store.lock(Path(root)):
        ready.set()
        release.wait(HANG)


@contextmanager
def held_by_another_process(root: Path) -> Iterator[tuple[Any, Any]]:
    """Another process that holds the lock, and the event that makes it release it."""
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(root), ready, release))
    process.start()
    try:
        assert ready.wait(HANG)
        yield process, release
    finally:
        if process.is_alive():  # to wake up one that was killed would take for ever
            release.set()
        process.join()


def test_who_waits_for_the_lock_is_told_once_who_holds_it_and_gets_it(tmp_path: Path) -> None:
    told: list[str] = []
    with held_by_another_process(tmp_path) as (process, release):

        def tell(holder: str) -> None:
            told.append(holder)
            threading.Timer(0.2, release.set).start()  # meanwhile, the lock is tried several times

        with store.lock(tmp_path, wait=HANG, on_wait=tell):
            assert f"pid {os.getpid()} on " in (tmp_path / "lock").read_text()
    assert len(told) == 1
    assert told[0].startswith(f"pid {process.pid} on ")
    assert "\n" not in told[0]


def test_who_waits_in_vain_is_refused_when_the_time_is_up(tmp_path: Path) -> None:
    told: list[str] = []
    with held_by_another_process(tmp_path) as (process, _):
        started = time.monotonic()
        with (
            pytest.raises(LockedError, match=f"pid {process.pid} on "),
            store.lock(tmp_path, wait=0.3, on_wait=told.append),
        ):
            pass
        assert time.monotonic() - started >= 0.3
        assert process.is_alive()  # and holds the lock
    assert len(told) == 1


def test_nothing_is_said_where_nobody_waits(tmp_path: Path) -> None:
    told: list[str] = []
    with store.lock(tmp_path, wait=HANG, on_wait=told.append):
        pass
    with (
        store.lock(tmp_path),
        pytest.raises(LockedError),
        store.lock(tmp_path, on_wait=told.append),
    ):
        pass
    assert told == []


def test_a_holder_that_has_not_written_its_name_is_waited_for_all_the_same(tmp_path: Path) -> None:
    told: list[str] = []
    with store.lock(tmp_path):
        (tmp_path / "lock").write_text("")
        with (
            pytest.raises(LockedError, match=r"another command is writing in .*: unknown"),
            store.lock(tmp_path, wait=0.5, on_wait=told.append),
        ):
            pass
    assert told == ["unknown"]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path) as (process, _):
        with pytest.raises(LockedError), store.lock(tmp_path):
            pass
        process.kill()
        process.join()
        with store.lock(tmp_path):
            pass


def test_leftovers_of_a_killed_training_are_swept(store_copy: Path) -> None:
    leftover = store_copy / "runs" / ".tmp-000009"
    leftover.mkdir()
    (leftover / "config.json").write_text("half")
    for name in (
        ".tmp-77-latest.json",
        ".tmp-77-last_run.json",
        ".tmp-77-latest.json.part",
        ".tmp-probe-77",
        "runs/.tmp-probe-77",
        ".tmp-77-mine.csv",
    ):
        (store_copy / name).write_text("half")
    train(AIRLINE, draw=False, store_folder=store_copy, **QUICK)
    assert not leftover.exists()
    assert leftovers(store_copy) == [".tmp-77-mine.csv"]  # that of an -o file beside the runs
    assert store.load(store_copy).manifest.sequence == 2


def test_the_state_of_a_lock_is_read_from_the_table_of_the_system(tmp_path: Path) -> None:
    table = tmp_path / "locks"
    assert store.lock_state(tmp_path, table) is None
    with store.lock(tmp_path):
        pass
    holder = (tmp_path / "lock").read_text().strip()
    assert store.lock_state(tmp_path, table) == store.LockState(holder, None)

    number = (tmp_path / "lock").stat().st_ino
    other = f"1: FLOCK  ADVISORY  WRITE 9 fe:00:{number}1 0 EOF\n"
    waiting = f"2: -> FLOCK  ADVISORY  WRITE 9 fe:00:{number} 0 EOF\n"
    posix = f"3: POSIX  ADVISORY  WRITE 9 fe:00:{number} 0 EOF\nnonsense\n"
    table.write_text(other + waiting + posix)
    assert store.lock_state(tmp_path, table) == store.LockState(holder, False)
    table.write_text(other + f"4: FLOCK  ADVISORY  WRITE 9 fe:00:{number} 0 EOF\n")
    assert store.lock_state(tmp_path, table) == store.LockState(holder, True)
