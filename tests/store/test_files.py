"""Every change of the file system: durable, in one step, and an error with a hint where it fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from forecast_cli.errors import StorageError
from forecast_cli.store import files


def test_replacing_a_file_keeps_its_mode_and_follows_links(tmp_path: Path) -> None:
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    files.replace_file(link, b"new")
    assert (target.read_text(), target.stat().st_mode & 0o777, link.is_symlink()) == (
        "new",
        0o640,
        True,
    )
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        files.replace_file(tmp_path / "new.csv", b"x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640


def test_a_replacement_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "I/O error")

    path = tmp_path / "file.csv"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError) as caught:
        files.replace_file(path, b"new!")
    assert caught.value.message == f"cannot write {path} (4 bytes): Input/output error"
    assert caught.value.hint == "check the disk and the path"
    monkeypatch.undo()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("file.csv", "old")]


def test_a_full_disk_says_what_may_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageError) as caught:
        files.create_file(tmp_path / "file", b"x" * 2000)
    assert (
        caught.value.message
        == f"cannot write {tmp_path}/file (2,000 bytes): No space left on device"
    )
    assert caught.value.hint == "free some space, or use another --store or -o"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.replace_file(path, b"hello")
        assert os.read(reader, 100) == b"hello"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_an_open_descriptor_is_written_to_and_not_replaced(tmp_path: Path, form: str) -> None:
    path = tmp_path / "out"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        files.replace_file(Path(form.format(descriptor)), b"a")
        files.replace_file(Path(form.format(descriptor)), b"b")
    finally:
        os.close(descriptor)
    assert path.read_bytes() == b"ab"


def test_the_names_of_the_standard_streams_are_descriptors() -> None:
    numbers = [
        files._open_descriptor(Path(f"/dev/{name}"))
        for name in ("stdin", "stdout", "stderr", "null")
    ]
    assert numbers == [0, 1, 2, None]


def test_a_new_file_must_not_exist(tmp_path: Path) -> None:
    files.create_file(tmp_path / "file", b"x")
    with pytest.raises(StorageError, match="File exists"):
        files.create_file(tmp_path / "file", b"y")
    assert (tmp_path / "file").read_bytes() == b"x"
    with pytest.raises(StorageError, match="File exists"):
        files.create_folder(tmp_path / "file")


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    for _ in range(2):
        files.make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot make the folder .*/file/x: Not a directory"):
        files.make_folder(tmp_path / "file" / "x")


def test_removing_never_follows_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    link = tmp_path / "link"
    link.symlink_to(outside)
    files.remove(folder)
    files.remove(link)
    assert [p.name for p in tmp_path.iterdir()] == ["outside"]
    assert (outside / "mine").read_text() == "x"
    with pytest.raises(StorageError, match="cannot remove"):
        files.remove(folder)


def test_checking_that_a_folder_is_writable_leaves_nothing(tmp_path: Path) -> None:
    files.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match="cannot write in"):
        files.check_writable(tmp_path / "none")


def test_a_name_as_long_as_names_can_be_is_replaced_in_any_script(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".csv", "数" * 83 + ".csv", "😀" * 62 + ".csv"):
        files.replace_file(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_a_file_that_is_being_written_has_another_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    replace = os.replace

    def watched(old: Path, new: Path) -> None:
        seen.extend(path.name for path in tmp_path.iterdir())
        replace(old, new)

    monkeypatch.setattr(os, "replace", watched)
    files.replace_file(tmp_path / "job.prom", b"x")
    assert seen == [f".tmp-{os.getpid()}-job.prom.part"]
