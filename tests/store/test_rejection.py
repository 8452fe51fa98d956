"""Links and files of other kinds are refused, and what goes wrong in parsing names the file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from safetensors import SafetensorError

from forecast_cli import store
from forecast_cli.errors import NoRunError, RunRejectedError, StorageError
from forecast_cli.store.rejection import read_plain_file, rejecting
from tests.store.helpers import latest_folder


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json", "forecast.csv"])
@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe"])
def test_a_file_that_is_not_plain_is_refused(
    store_copy: Path, tmp_path: Path, name: str, kind: str
) -> None:
    path = latest_folder(store_copy) / name
    outside = tmp_path / "outside"
    shutil.move(path, outside)
    if kind == "link":
        path.symlink_to(outside)
    elif kind == "hard link":
        path.hardlink_to(outside)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(RunRejectedError, match=r"link|not a plain file") as caught:
        store.load(store_copy)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("name", ["", "latest.json", "store.json"])
def test_a_link_is_refused_for_the_run_itself_and_beside_it(
    store_copy: Path, tmp_path: Path, name: str
) -> None:
    path = store_copy / name if name else latest_folder(store_copy)
    shutil.move(path, tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(RunRejectedError, match="it is a link"):
        store.load(store_copy)


def test_a_run_that_is_a_file_is_refused(store_copy: Path) -> None:
    path = latest_folder(store_copy)
    shutil.rmtree(path)
    path.write_text("")
    with pytest.raises(RunRejectedError, match="a file of another kind"):
        store.load(store_copy)


def test_a_file_must_have_the_size_that_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_plain_file(path, 5, expected_size=5) == b"12345"
    with pytest.raises(RunRejectedError, match="its bytes are not those that were published"):
        read_plain_file(path, 5, expected_size=4)
    with pytest.raises(RunRejectedError, match="not a plain file of sensible size"):
        read_plain_file(path, 4)
    with pytest.raises(FileNotFoundError):
        read_plain_file(tmp_path / "none", 5)


def test_trouble_of_the_disk_is_not_called_damage(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        read_plain_file(tmp_path / ("x" * 300), 5)
    assert caught.value.message.endswith(": File name too long")
    assert caught.value.hint == "check the permissions, or use another --store"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("seeds: 0"), "seeds: 0"),
        (SafetensorError("no header"), "no header"),
        (KeyError("plan"), "KeyError"),
        (AttributeError("'list' object has no attribute 'pop'"), "AttributeError"),
        (ValueError("word " * 100), "word word"),
    ],
)
def test_what_goes_wrong_in_parsing_names_the_file(error: Exception, reason: str) -> None:
    with (
        pytest.raises(RunRejectedError) as caught,
        rejecting(Path("run/config.json"), "the settings of a run"),
    ):
        raise error
    assert caught.value.message.startswith(
        f"run/config.json: it does not hold the settings of a run ({reason}"
    )
    assert len(caught.value.message) < 350


def test_an_error_with_a_code_of_its_own_is_not_a_rejection() -> None:
    with pytest.raises(NoRunError), rejecting(Path("x"), "y"):
        raise NoRunError("no run")
