"""Which files a folder or a pattern stands for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forecast_cli.errors import DataError
from forecast_cli.workflow import partitions_of


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("y\n1\n")
    return folder


def test_one_file_standard_input_and_no_data_are_no_partitions(tmp_path: Path) -> None:
    file = make(tmp_path / "data", "a.csv") / "a.csv"
    for data in (None, "-", str(file), "missing.csv", file):
        assert partitions_of(data) is None


def test_a_folder_stands_for_its_data_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ("b.csv", "a.csv.gz", "_SUCCESS", ".a.csv.crc", "a.csv.crc", ".hidden.csv", "c.PARQUET")
    folder = make(tmp_path / "data", *names, "d.pq", "notes.txt", "_old.csv")
    found = partitions_of(folder)
    assert found is not None
    assert [Path(path).name for path in found.paths] == ["a.csv.gz", "b.csv", "c.PARQUET", "d.pq"]
    assert [note.text for note in found.notes] == [
        f"1 file of {folder} left out, not .csv, .csv.gz, .parquet or .pq: 'notes.txt'"
    ]


def test_a_pattern_stands_for_all_files_that_it_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "data", "b.txt", "a.txt", "_SUCCESS", ".hidden.txt")
    (tmp_path / "data" / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    found = partitions_of("data/*")
    assert found is not None
    assert found.paths == (os.path.join("data", "a.txt"), os.path.join("data", "b.txt"))
    assert found.notes == ()


def test_a_file_whose_name_looks_like_a_pattern_is_one_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "sales[1].csv")
    assert partitions_of(folder / "sales[1].csv") is None


def test_a_folder_without_data_files_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "_SUCCESS", "notes.txt")
    with pytest.raises(DataError) as caught:
        partitions_of(folder)
    assert caught.value.message == (
        f"{folder}: no .csv, .csv.gz, .parquet or .pq file in this folder"
    )
    assert caught.value.hint == "give a file, or a folder that has such files"


def test_a_pattern_without_matches_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        partitions_of("no-such-folder/*.csv")
    assert caught.value.message == "no-such-folder/*.csv: no file has such a name"
    assert caught.value.hint == (
        "check the pattern; in quotes, so that the shell leaves it as it is"
    )


def test_a_folder_in_a_folder_is_refused_as_its_files_would_be_missed(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "a.csv")
    (folder / "shop=1").mkdir()
    with pytest.raises(DataError) as caught:
        partitions_of(folder)
    assert caught.value.message == (
        f"{folder}: it has a folder in it, 'shop=1', which would not be read"
    )
    assert caught.value.hint == f"give a pattern: '{folder}/*.csv'"


@pytest.mark.parametrize(
    ("beside", "inside", "hint"),
    [
        ([], [], "'DATA/*/*.parquet'"),
        ([], ["b.csv", "_SUCCESS"], "'DATA/*/*.csv'"),
        (["a.CSV"], [], "'DATA/*.CSV'"),
        (
            ["a.csv", "notes.txt"],
            ["b.pq"],
            "'DATA/*.csv', or 'DATA/*/*.pq' for the files of such folders",
        ),
        (
            ["a.csv", "b.pq"],
            ["b.csv.gz"],
            "'DATA/*', or 'DATA/*/*.csv.gz' for the files of such folders",
        ),
    ],
)
def test_the_patterns_of_the_hint_have_the_endings_that_were_found(
    tmp_path: Path, beside: list[str], inside: list[str], hint: str
) -> None:
    folder = make(tmp_path / "data[1]", *beside)
    make(folder / "shop=1", *inside)
    with pytest.raises(DataError) as caught:
        partitions_of(folder)
    assert caught.value.hint == f"give a pattern: {hint}".replace("DATA", f"{tmp_path}/data[[]1]")


def test_a_pipe_is_refused_as_it_might_never_end(tmp_path: Path) -> None:
    folder = make(tmp_path / "data", "a.csv")
    os.mkfifo(folder / "b.csv")
    with pytest.raises(DataError) as caught:
        partitions_of(folder)
    assert caught.value.message == f"{folder}/b.csv: not a regular file"
    assert caught.value.hint == "move it out of the folder, or give a pattern that leaves it out"


def test_a_name_that_is_not_utf_8_is_refused_as_the_manifest_could_not_hold_it(
    tmp_path: Path,
) -> None:
    name = os.fsdecode(b"a\xff.csv")
    folder = make(tmp_path / "data", "b.csv", name)
    for data in (folder, folder / "*.csv"):
        with pytest.raises(DataError) as caught:
            partitions_of(data)
        shown = rf"{folder}/a\xff.csv"
        assert caught.value.message == f"{shown}: the name of the file cannot be read as UTF-8"
        assert caught.value.hint == "rename the file"
        assert caught.value.path == shown


def test_a_folder_and_a_pattern_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / os.fsdecode(b"\xff"), "b.csv")
    with pytest.raises(DataError) as caught:
        partitions_of(folder)
    assert caught.value.message == (
        rf"{tmp_path}/\xff/b.csv: the name of the folder that it is in cannot be read as UTF-8"
    )
    assert caught.value.hint == "rename the folder"

    folder = make(tmp_path / "data", "b.csv")
    with pytest.raises(DataError) as caught:
        partitions_of(folder / os.fsdecode(b"[b\xff].csv"))
    assert caught.value.message == rf"{folder}/[b\xff].csv: the pattern cannot be read as UTF-8"
    assert caught.value.hint == "give another pattern"
