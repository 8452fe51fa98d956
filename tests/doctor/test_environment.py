"""Threads, processes, folders, texts, fonts, and what jobs were told to use."""

from __future__ import annotations

import errno
import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest

from forecast_cli import plots, store
from forecast_cli.doctor import environment as examined
from tests.doctor.helpers import seen, situation


@pytest.fixture
def two_of_eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(examined, "_usable_cores", lambda: 2)


def threads(folder: Path, quota: str = "max 100000", **changes: object) -> list[tuple[str, str]]:
    file = folder / "cpu.max"
    file.write_text(quota)
    return seen(examined.check_threads(situation(folder, **changes), file))


def test_fewer_cores_than_trainings_see_are_a_finding(
    tmp_path: Path, two_of_eight_cores: None
) -> None:
    text = "only 2 of 8 cores can be used, which trainings do not see"
    assert threads(tmp_path) == [("finding", text)]
    assert threads(tmp_path, threads=2) == [("ok", "2 cores can be used")]
    assert threads(tmp_path, threads=3) == [
        ("finding", "3 threads are set for trainings, and 2 cores can be used")
    ]
    assert threads(tmp_path, "50000 100000", threads=1) == [("ok", "1 core can be used")]
    assert threads(tmp_path, "nonsense", threads=1) == [("ok", "2 cores can be used")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3", "OMP_NUM_THREADS is 3, and 2 cores can be used"),
        ("3,1", "OMP_NUM_THREADS is 3,1, and 2 cores can be used"),
        ("many", "OMP_NUM_THREADS is 'many', which is not a whole number"),
        ("0", "OMP_NUM_THREADS is '0', which is not a whole number"),
        ("-1", "OMP_NUM_THREADS is '-1', which is not a whole number"),
    ],
)
def test_a_number_of_threads_that_does_not_fit_is_a_finding(
    tmp_path: Path, two_of_eight_cores: None, value: str, text: str
) -> None:
    variables = {"OMP_NUM_THREADS": value}
    assert threads(tmp_path, threads=1, environment=variables) == [("finding", text)]
    fitting = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": ""}
    assert threads(tmp_path, threads=1, environment=fitting) == [("ok", "2 cores can be used")]


def test_processes_that_cannot_be_started_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(examined.check_processes()) == [("ok", "worker processes can be started")]

    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(multiprocessing.get_context("fork"), "Lock", fail)
    (check,) = examined.check_processes()
    text = "cannot start worker processes: No space left on device (in /dev/shm)"
    assert (check.level, check.text) == ("finding", text)
    assert check.hint == "free some space there, or use --workers 1"


def folders(folder: Path, **variables: str) -> dict[str, tuple[str, str]]:
    checks = examined.check_folders(situation(folder, environment=variables))
    return {check.name: (check.level, check.text) for check in checks}


def test_folders_that_can_be_used_are_ok(tmp_path: Path) -> None:
    (tmp_path / "forecast").write_text("#!/bin/sh\n")
    (tmp_path / "forecast").chmod(0o755)
    home = str(tmp_path)
    assert folders(tmp_path, HOME=home, TMPDIR=home, PATH=home) == {
        "home": ("ok", home),
        "temporary files": ("ok", tempfile.gettempdir()),
        "list of fonts": ("ok", f"{home}/.cache/matplotlib"),
    }
    assert not (tmp_path / ".cache").exists()


def test_a_home_that_is_not_there_is_a_remark(tmp_path: Path) -> None:
    assert folders(tmp_path)["home"] == ("remark", "HOME is not set")
    assert folders(tmp_path, HOME="/nowhere")["home"] == (
        "remark",
        "HOME is /nowhere, which is not a folder",
    )


def test_folders_that_cannot_be_written_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    place = str(tmp_path)
    checks = folders(tmp_path, HOME=place, TMPDIR=place, PATH=place)
    assert checks["temporary files"] == (
        "finding",
        f"TMPDIR is {place}, which cannot be written; {tempfile.gettempdir()} is used",
    )
    assert checks["list of fonts"] == (
        "finding",
        f"the list of fonts cannot be kept in {place}/.cache/matplotlib, so every training and "
        "plot makes it again",
    )
    assert checks["program"] == ("remark", "forecast is not in the folders of PATH")


def test_no_folder_for_temporary_files_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", fail)
    assert folders(tmp_path)["temporary files"] == (
        "finding",
        "there is no folder for temporary files that can be written",
    )


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"MPLCONFIGDIR": "/m", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/m"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/matplotlib"),
        ({"HOME": "/h"}, "/h/.cache/matplotlib"),
    ],
)
def test_the_list_of_fonts_is_where_matplotlib_keeps_it(
    variables: dict[str, str], folder: str
) -> None:
    assert examined.cache_folder(variables) == Path(folder)


# -- fonts -----------------------------------------------------------------------------------------


def test_letters_of_the_run_without_a_font_are_a_finding_and_others_a_remark(
    tmp_path: Path, airline_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cache = store.load(airline_store), tmp_path / "fontlist-v1.json"
    here = situation(tmp_path, environment={"MPLCONFIGDIR": str(tmp_path)})
    monkeypatch.setattr(plots, "missing_letters", lambda names: "")
    assert seen(examined.check_fonts(here, run)) == [
        ("ok", "there are fonts for Chinese, Japanese, Korean")
    ]

    def without_kana(names: list[str]) -> str:
        return "".join(letter for letter in "".join(names) if "\u3040" < letter < "\u30ff")

    monkeypatch.setattr(plots, "missing_letters", without_kana)
    checks = examined.check_fonts(here, run)
    assert seen(checks) == [("remark", "no font is known for Japanese")]
    assert checks[0].hint == "install Noto fonts (Debian, Ubuntu: fonts-noto-cjk)"

    cache.write_text("{}")
    monkeypatch.setattr(plots, "missing_letters", lambda names: "数" * 9)
    checks = examined.check_fonts(here, run)
    assert seen(checks) == [
        ("finding", "no font can draw '数数数数数', which is in names of the latest run")
    ]
    assert checks[0].hint.endswith(
        f"; if they are installed, remove {cache}, and the list is made again"
    )


def test_fonts_are_not_looked_at_where_that_would_leave_files(tmp_path: Path) -> None:
    checks = examined.check_fonts(situation(tmp_path, can_draw=False), None)
    assert [check.level for check in checks] == ["remark"]


# -- what jobs were told to use --------------------------------------------------------------------


def test_paths_of_jobs_that_work_are_ok(tmp_path: Path) -> None:
    ping = tmp_path / "ping"
    ping.write_text("https://example.org/5f0c-secret\n")
    ping.chmod(0o600)
    metrics = tmp_path / "job.prom"
    here = situation(tmp_path, metrics=str(metrics), ping_file=str(ping))
    assert seen(examined.check_monitoring(here)) == [
        ("ok", str(metrics)),
        ("ok", f"{ping} has a URL; nothing was sent"),
    ]
    assert examined.check_monitoring(situation(tmp_path)) == []
    assert not metrics.exists()


def test_paths_of_jobs_that_do_not_work_are_findings(tmp_path: Path) -> None:
    ping = tmp_path / "ping"
    ping.write_text("https://example.org/5f0c-secret\n")
    ping.chmod(0o644)
    missing = tmp_path / "missing"
    here = situation(tmp_path, metrics=str(missing / "job.prom"), ping_file=str(ping))
    checks = examined.check_monitoring(here)
    assert seen(checks) == [
        ("finding", f"there is no folder {missing}"),
        (
            "finding",
            f"every user of this machine can read {ping}, and the URL in it is a secret",
        ),
    ]
    assert checks[1].hint == f"chmod 600 {ping}"

    ping.write_text("5f0c-secret")
    here = situation(tmp_path, metrics=str(tmp_path), ping_file=str(ping))
    texts = [text for level, text in seen(examined.check_monitoring(here)) if level == "finding"]
    assert texts == [
        f"{tmp_path} cannot be written",
        f"{ping}: the first line is not a URL that begins with http:// or https://",
    ]
    here = situation(tmp_path, metrics=str(tmp_path / "job.txt"))
    assert examined.check_monitoring(here)[0].level == "remark"
