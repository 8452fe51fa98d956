"""The page of a run as a file: which data it is about, and what happens when it cannot be written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store, train
from forecast_cli.errors import RunRejectedError, StorageError
from forecast_cli.messages import Note
from forecast_cli.workflow import training_data, write_page
from tests.conftest import AIRLINE, ROOT

QUICK: dict[str, Any] = {
    "epochs": 1,
    "units": "4",
    "warm_start": "none",
    "members": 1,
    "draw": False,
}


def test_the_page_of_a_training_is_the_one_that_the_run_has_later(tmp_path: Path) -> None:
    data = Path(shutil.copy(AIRLINE, tmp_path / "data.csv"))
    run = train(data, store_folder=tmp_path / "runs", page=True, **QUICK).run
    then = run.folder / "plots" / "report.html"
    later = write_page(run, tmp_path / "later.html")
    assert later.paths == (tmp_path / "later.html",)
    assert then.read_bytes() == (tmp_path / "later.html").read_bytes()
    assert b"These findings are on the rows that are stored" not in then.read_bytes()

    # Nothing in the run was changed by it, and it can still be verified.
    assert store.load(tmp_path / "runs").name == run.name


def test_data_that_are_as_they_were_are_read_again(airline_store: Path) -> None:
    panel, why = training_data(store.load(airline_store))
    assert panel is not None
    assert why == ""


def test_data_that_are_not_at_hand_are_said_and_the_stored_rows_taken(tmp_path: Path) -> None:
    data = Path(shutil.copy(AIRLINE, tmp_path / "data.csv"))
    run = train(data, store_folder=tmp_path / "runs", **QUICK).run
    stored = "These findings are on the rows that are stored with the run"

    data.write_text(data.read_text() + "1961-01,450\n")
    assert training_data(run) == (
        None,
        f"{stored}: the file of the training, {data}, has changed since.",
    )
    data.write_text("nothing\n")
    panel, why = training_data(run)
    assert panel is None
    assert why.startswith(f"{stored}: the file of the training can no longer be read: {data}")
    data.unlink()
    assert training_data(run) == (None, f"{stored}: the file of the training, {data}, is gone.")
    write_page(run, tmp_path / "page.html")
    assert "is gone." in (tmp_path / "page.html").read_text()

    unnamed = replace(run, config=replace(run.config, source=""))
    assert (
        training_data(unnamed)[1] == f"{stored}: the data of the training did not come from a file."
    )


def test_a_page_that_cannot_be_written_only_degrades_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageError(f"cannot write {path.name}: No space left on device")

    monkeypatch.setattr(store, "replace_file", full)
    trained = train(AIRLINE, store_folder=tmp_path, page=True, **QUICK)
    text = "the run is published, but its page is not: cannot write report.html: No space left on device"
    assert trained.notes[-1] == Note("page_missing", "degraded", text)
    assert trained.exit_code == 3
    assert store.latest(tmp_path) == trained.run.name


def test_notes_of_a_training_are_kept_with_its_scores(tmp_path: Path) -> None:
    lines = AIRLINE.read_text().splitlines(keepends=True)
    data = tmp_path / "gaps.csv"
    data.write_text("".join(lines[:50] + lines[51:]))
    trained = train(data, store_folder=tmp_path / "runs", **QUICK)
    kept = store.load(tmp_path / "runs").metrics.notes
    assert [(note.kind, note.text) for note in kept] == [
        (note.kind, note.text) for note in trained.notes
    ]
    assert "gaps_filled" in [note.kind for note in kept]


def test_damaged_tables_are_refused_before_anything_is_written(
    airline_store: Path, tmp_path: Path
) -> None:
    run = store.load(airline_store)
    damaged = replace(run, texts={**run.texts, "predictions.csv": b"a,b\n1,2\n"})
    with pytest.raises(RunRejectedError, match=r"predictions\.csv: it is not the table"):
        write_page(damaged, tmp_path / "page.html")
    moved = run.texts["predictions.csv"].replace(b"1960-", b"1860-")
    with pytest.raises(RunRejectedError, match="not among the rows that are stored"):
        write_page(replace(run, texts={**run.texts, "predictions.csv": moved}), tmp_path / "p.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("release", ["0.2.0", "0.9.0"])
def test_runs_of_older_releases_have_a_page(
    release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ROOT / "tests" / "golden" / release
    monkeypatch.chdir(folder)  # where the data of their trainings are
    run = store.load(folder / "store", store.names(folder / "store")[0])
    write_page(run, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert run.metrics.verdict.replace("'", "&#39;") in text
    assert "These findings are on the rows that are stored" not in text
