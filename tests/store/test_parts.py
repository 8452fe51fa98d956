"""A folder of parts: the old forecast with all its parts, or the new one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.errors import LockedError, SettingsError, StorageError
from forecast_cli.store import files
from forecast_cli.store.parts import FailedPart, Part, PartsLock, PartsManifest


def parts(lock: PartsLock, *contents: bytes) -> list[Part]:
    """Parts that are written and not published."""
    made = []
    for number, content in enumerate(contents):
        name, sha256 = store.write_part(lock.staging, number, "csv", content)
        made.append(Part(file=name, sha256=sha256, rows=1, series=1, input="a.csv"))
    return made


def manifest(made: list[Part], run: str = "run") -> PartsManifest:
    failed = [FailedPart(input="b.csv", error="wrong", hint="", exit_code=20)]
    return PartsManifest(
        schema=store.PARTS_SCHEMA,
        version="1",
        created="20260101T000000Z",
        run=run,
        source="/data",
        parts=made,
        failed=failed,
    )


def publish(folder: Path, *contents: bytes, run: str = "run") -> None:
    with store.lock_parts(folder) as lock:
        store.publish_parts(lock, manifest(parts(lock, *contents), run))


def visible(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name != ".lock")


def contents(folder: Path) -> list[bytes]:
    """The bytes of the parts that the manifest names."""
    found = store.read_parts(folder)
    assert found is not None
    return [(folder / part.file).read_bytes() for part in found.parts]


def test_parts_are_published_with_a_manifest_that_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    publish(folder, b"one", b"two")
    assert contents(folder) == [b"one", b"two"]
    document = json.loads((folder / "manifest.json").read_text())
    assert document["schema"] == "forecast/parts/v1"
    assert [part["file"] for part in document["parts"]] == [
        "part-00000-7692c3ad3540bb80.csv",
        "part-00001-3fc4ccfe745870e2.csv",
    ]
    assert visible(folder) == ["manifest.json", *(part["file"] for part in document["parts"])]


def test_parts_that_no_manifest_names_are_removed_and_files_of_others_stay(tmp_path: Path) -> None:
    publish(tmp_path, b"one", b"two")
    spark = "part-00000-2b1c7e4e-8c5f-4f7e-9d6e-3a1b2c3d4e5f-c000.snappy.parquet"
    for name in ("notes.txt", spark, "part-00009-7692c3ad3540bb80.csv"):
        (tmp_path / name).write_text("x")
    publish(tmp_path, b"three", b"two")
    assert contents(tmp_path) == [b"three", b"two"]
    assert len(visible(tmp_path)) == 5
    assert {"notes.txt", spark} <= set(visible(tmp_path))


def test_files_named_like_parts_are_refused_where_no_manifest_says_whose_they_are(
    tmp_path: Path,
) -> None:
    names = ["part-00000-5b1f0c9a77e3d210.csv", "part-00001-5b1f0c9a77e3d210.csv"]
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(SettingsError) as caught:
        publish(tmp_path, b"one")
    assert caught.value.message == (
        f"{tmp_path} has no manifest.json, and files in it are named like parts of a forecast, "
        "such as 'part-00000-5b1f0c9a77e3d210.csv', which would be removed"
    )
    assert caught.value.hint == "use another folder, or remove these files"
    assert visible(tmp_path) == names


def test_old_parts_are_there_until_the_new_ones_are_published(tmp_path: Path) -> None:
    publish(tmp_path, b"one")
    stray = "part-00009-7692c3ad3540bb80.csv"
    (tmp_path / stray).write_text("mine")
    before = visible(tmp_path)
    with store.lock_parts(tmp_path) as lock:
        parts(lock, b"new")
        assert set(before) < set(visible(tmp_path))
    assert visible(tmp_path) == before

    publish(tmp_path, b"new")
    assert len(visible(tmp_path)) == 2
    assert stray not in visible(tmp_path)


def test_what_is_not_published_leaves_the_old_parts_and_nothing_else(tmp_path: Path) -> None:
    publish(tmp_path, b"one")
    before = visible(tmp_path)
    with store.lock_parts(tmp_path) as lock:
        parts(lock, b"new")
    assert visible(tmp_path) == before
    assert contents(tmp_path) == [b"one"]


@pytest.mark.parametrize("failing", ["move_into", "replace_file"])
def test_a_disk_that_fails_while_parts_are_published_leaves_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    publish(tmp_path, b"one")
    before = visible(tmp_path)

    def fail(*_: object) -> None:
        raise StorageError("cannot write", "free some space")

    with store.lock_parts(tmp_path) as lock:
        made = parts(lock, b"new")
        monkeypatch.setattr(files, failing, fail)
        with pytest.raises(StorageError):
            store.publish_parts(lock, manifest(made))
        assert not lock.is_published
        monkeypatch.undo()
    assert visible(tmp_path) == before
    assert contents(tmp_path) == [b"one"]


class Killed(BaseException):
    """The process is gone."""


CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "rmdir", "unlink")


def kill_at(monkeypatch: pytest.MonkeyPatch, call: int) -> list[str]:
    """Let no change to the file system happen from that call on, counted from 1; returns the calls."""
    made: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        original = getattr(os, name)

        def counted(*words: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) >= call:
                raise Killed
            return original(*words, **named)

        return counted

    for name in CALLS:
        monkeypatch.setattr(os, name, counting(name))
    return made


def test_a_kill_at_any_call_leaves_the_old_parts_or_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = [b"one", b"two", b"same"], [b"three", b"four", b"same"]
    left, found = [], []
    for call in range(1, 200):
        folder = tmp_path / str(call)
        publish(folder, *old)
        made = kill_at(monkeypatch, call)
        try:
            publish(folder, *new)
        except Killed:
            pass
        finally:
            monkeypatch.undo()
        found.append(contents(folder))
        left.append(visible(folder))
        publish(folder, *new)
        assert contents(folder) == new
        assert len(visible(folder)) == 4
        if len(made) < call:
            break

    assert len(found) > 30
    assert len(found) < 199
    first = found.index(new)
    assert 0 < first < len(found) - 3  # what comes after the manifest is tried, too
    assert found == [old] * first + [new] * (len(found) - first)
    assert any(len(names) > 5 for names in left)


def test_a_kill_at_any_call_of_the_first_forecast_does_not_stop_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in range(1, 200):
        folder = tmp_path / str(call)
        folder.mkdir()
        made = kill_at(monkeypatch, call)
        try:
            publish(folder, b"one", b"two")
        except Killed:
            pass
        finally:
            monkeypatch.undo()

        again = kill_at(monkeypatch, 8)  # while it sweeps what the first one left
        with contextlib.suppress(Killed):
            publish(folder, b"three")
        monkeypatch.undo()
        assert len(again) >= 8
        publish(folder, b"three")
        assert contents(folder) == [b"three"]
        assert len(visible(folder)) == 2
        if len(made) < call:
            break
    assert 20 < call < 199


def test_two_commands_do_not_write_into_one_folder(tmp_path: Path) -> None:
    first, second = store.lock_parts(tmp_path), store.lock_parts(tmp_path)
    with first, pytest.raises(LockedError) as caught, second:
        pass
    assert caught.value.message.startswith(
        f"another command is writing in {tmp_path}: pid {os.getpid()} on "
    )
    assert caught.value.hint == "wait for it, or use another folder"


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"name": "a page"}', "[]"])
def test_the_manifest_of_somebody_else_is_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SettingsError) as caught, store.lock_parts(tmp_path):
        pass
    assert caught.value.message == (
        f"{tmp_path}/manifest.json is not the manifest of a forecast of this release"
    )
    assert caught.value.hint == "give another folder, or remove that file"
    assert (tmp_path / "manifest.json").read_text() == text


def test_a_part_of_another_name_than_ours_makes_a_manifest_a_foreign_one(tmp_path: Path) -> None:
    publish(tmp_path, b"one")
    text = (tmp_path / "manifest.json").read_text()
    name = visible(tmp_path)[1]
    (tmp_path / "manifest.json").write_text(text.replace(name, "../../etc/passwd"))
    with pytest.raises(SettingsError):
        store.read_parts(tmp_path)


def test_there_is_no_manifest_before_the_first_forecast(tmp_path: Path) -> None:
    assert store.read_parts(tmp_path) is None


def test_writing_the_same_part_twice_does_no_harm(tmp_path: Path) -> None:
    with store.lock_parts(tmp_path) as lock:
        assert parts(lock, b"one") == parts(lock, b"one")
        assert len(os.listdir(lock.staging)) == 1


def test_a_spool_gives_back_bytes_in_the_order_of_their_numbers() -> None:
    large = os.urandom(3_000_000)
    with store.opened_spool() as spool:
        for number, data in ((2, b"two"), (0, large), (1, b"")):
            spool.add(number, data)
        assert [b"".join(blocks) for blocks in spool.read()] == [large, b"", b"two"]
