"""Many files, each forecast by a worker: what is told, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import train, workflow
from forecast_cli.errors import DataError
from forecast_cli.formats import Format
from forecast_cli.messages import Note
from forecast_cli.progress import Event, Phase
from forecast_cli.workflow import part_work, predicting_parts
from forecast_cli.workflow.part_work import PartDone, PartFailed, PartTask, hashes

FILES = 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, `all.csv`, and one series in each file of `data`. Not to be changed."""
    place = tmp_path_factory.mktemp("parts")
    (place / "data").mkdir()
    header, everything = "unique_id,ds,y\n", []
    days = np.datetime64("2025-01-01") + np.arange(50)
    for number in range(FILES):
        values = np.arange(50) % 7 + np.random.default_rng(number).integers(0, 3, 50)
        lines = [f"s{number:02},{day},{value}\n" for day, value in zip(days, values, strict=True)]
        (place / "data" / f"{number:02}.csv").write_text(header + "".join(lines))
        everything += lines
    (place / "all.csv").write_text(header + "".join(everything))
    settings: dict[str, Any] = {"epochs": 1, "units": "4", "members": 1, "horizon": 2}
    train(place / "all.csv", draw=False, store_folder=place / "store", **settings)
    return place


def streamed(folder: Path, data: Path, report: Any = lambda event: None) -> bytes:
    """The forecast of many files as one CSV."""
    partitions = workflow.partitions_of(data)
    assert partitions is not None
    written: list[bytes] = []
    output = workflow.spooled(written.append, Format.csv)
    options: dict[str, Any] = {"store_folder": folder / "store", "engine": "local"}
    workflow.predict_into(partitions, output, report, **options)
    return b"".join(written)


def test_more_files_than_may_be_in_memory_are_written_in_their_order(folder: Path) -> None:
    assert FILES > 2 * predicting_parts.AHEAD
    from forecast_cli.formats import forecast_bytes

    one = workflow.predict(folder / "all.csv", store_folder=folder / "store")
    assert streamed(folder, folder / "data") == forecast_bytes(one.forecast, Format.csv)


def test_names_that_only_have_the_same_hash_are_different_series(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = streamed(folder, folder / "data")
    monkeypatch.setattr(part_work, "hashes", lambda names: np.zeros(len(names), np.int64))
    assert streamed(folder, folder / "data") == expected


def test_a_series_that_is_in_two_files_is_found_behind_others_with_its_hash(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("00", "01", "02", "01")):
        text = (folder / "data" / f"{name}.csv").read_text()
        (tmp_path / f"{number}.csv").write_text(text)
    monkeypatch.setattr(part_work, "hashes", lambda names: np.zeros(len(names), np.int64))
    with pytest.raises(DataError) as caught:
        streamed(folder, tmp_path)
    assert caught.value.message == f"{tmp_path}/3.csv: series 's01' is in {tmp_path}/1.csv, too"


def test_series_without_names_get_them_in_training_or_from_the_base_network_at_once(
    folder: Path, tmp_path: Path
) -> None:
    for number in range(2):
        text = (folder / "data" / f"{number:02}.csv").read_text()
        (tmp_path / f"{number}.csv").write_text(text.replace("unique_id,ds,y", "shop,date,sales"))
    train(
        tmp_path / "0.csv", draw=False, store_folder=tmp_path / "store",
        epochs=1, units="4", members=1, horizon=2,
    )  # fmt: skip
    message = f"{tmp_path}/1.csv: one series without a name is in {tmp_path}/0.csv, too"

    options: dict[str, Any] = {"store_folder": tmp_path / "store", "engine": "local"}
    with pytest.raises(DataError) as caught:
        workflow.predict_parts(f"{tmp_path}/*.csv", tmp_path / "out", kind="csv", **options)
    assert (caught.value.message, caught.value.hint) == (
        message,
        "add a column that names the series, train with --id, and keep each in one file",
    )

    options |= {"run": "base", "horizon": 2}
    with pytest.raises(DataError) as caught:
        workflow.predict_parts(f"{tmp_path}/*.csv", tmp_path / "out", kind="csv", **options)
    assert (caught.value.message, caught.value.hint) == (
        message,
        "use --id COLUMN with the column that names the series, or add such a column, "
        "and keep each in one file",
    )

    options["id"] = "shop"
    done = workflow.predict_parts(f"{tmp_path}/*.csv", tmp_path / "out", kind="csv", **options)
    assert [part.series for part in done.manifest.parts] == [1, 1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("series 'a': too short"), "b.csv: series 'a': too short"),
        (DataError("/data/b.csv:3: wrong", path="/data/b.csv"), "b.csv:3: wrong"),
        (DataError("/data/b.csv does not fit"), "b.csv does not fit"),
        (DataError("future.csv:2: wrong", path="future.csv"), "future.csv:2: wrong"),
    ],
)
def test_what_is_wrong_with_a_file_names_it_as_the_user_did(
    monkeypatch: pytest.MonkeyPatch, error: DataError, message: str
) -> None:
    def fail(path: str) -> None:
        raise error

    monkeypatch.setattr(part_work, "predict", fail)
    failed = part_work.forecast_file(
        PartTask(0, "/data/b.csv", "b.csv", {}, is_listed=False), print
    )
    assert failed == PartFailed(message, "", 20)


def test_no_other_file_is_proposed_for_one_that_was_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    (tmp_path / "b2.csv").write_text("y\n1\n")
    task = PartTask(0, str(path), "b.csv", {})
    assert part_work.forecast_file(task, print) == PartFailed(
        "b.csv: no such file",
        "it was there when this command began: was it removed, or is this a cluster whose machines "
        "do not share the folder?",
        20,
    )
    path.symlink_to("nowhere")
    assert part_work.forecast_file(task, print) == PartFailed(
        "b.csv: a link to a file that does not exist", "mend or remove the link", 20
    )


def test_hashes_are_eight_bytes_for_each_name() -> None:
    found = hashes(["a", "b", "a", ""])
    assert (found.nbytes, found[0] == found[2], len(set(found.tolist()))) == (32, True, 3)


def test_progress_counts_files_and_series_and_says_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, said = 0.0, list[Event]()
    monkeypatch.setattr("time.monotonic", lambda: now)
    progress = predicting_parts._Progress(100, said.append)
    done = PartDone(np.zeros(20_000, np.int64), b"", 0, ())
    for _ in range(12):
        now += 1
        progress.add(done)
    progress.add(PartFailed("wrong", "", 20))
    assert [event.text for event in said if isinstance(event, Phase)] == [
        "forecasting 100 files",
        "forecasting: 5 of 100 parts, 100,000 series, 2 min left",
        "forecasting: 10 of 100 parts, 200,000 series, 2 min left",
    ]


def noted(*texts: str) -> tuple[list[PartTask], predicting_parts.Results]:
    """Files a, b, ... with a warning each, or none where its text is empty."""
    tasks = [PartTask(at, f"/{name}", name, {}) for at, name in enumerate("abcdefghi")]
    results: predicting_parts.Results = []
    for text in texts:
        notes = (Note("gaps_filled", "warning", text),) if text else ()
        results.append(PartDone(np.zeros(1, np.int64), b"", 0, notes))
    return tasks[: len(texts)], results


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("same", "same"), ["same"]),
        (("same", "same", ""), ["a: same (and 1 more file)"]),
        (("a: first", "b: second", "c: third"), ["a: first (and 2 more files)"]),
        (("", "only"), ["b: only"]),
    ],
)
def test_notes_of_many_files_are_told_once(texts: tuple[str, ...], told: list[str]) -> None:
    assert [note.text for note in predicting_parts._notes(*noted(*texts))] == told


def test_many_files_that_cannot_be_forecast_are_named_up_to_ten() -> None:
    tasks = [PartTask(at, f"/{at}", str(at), {}) for at in range(14)]
    results: predicting_parts.Results = [PartFailed(f"{at}: wrong", "", 20) for at in range(13)]
    results.append(PartDone(np.zeros(1, np.int64), b"", 0, ()))
    told = [note.text for note in predicting_parts._notes(tasks, results)]
    assert told == [
        *(f"not forecast: {at}: wrong" for at in range(10)),
        "not forecast: 3 more files, which manifest.json names",
    ]
