"""The attacks of benchmarks/faults.py, a bounded part of each; the whole of it is in docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.attacks import baits, calls, damage, kills, room, stores
from tests.conftest import ROOT


def attack(*words: object) -> dict[str, Any]:
    """One attack, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "benchmarks/faults.py", "--quick", "--only", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    figure: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, figure["broken"]) == (0, 0), done.stdout
    return figure


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stores.full_store(tmp_path_factory.mktemp("template"))


def test_whatever_call_fails_a_whole_run_is_the_latest_and_the_exit_is_30(
    template: Path, tmp_path: Path
) -> None:
    figure = calls.fail_at_calls(template, tmp_path, {"ENOSPC": calls.CODES["ENOSPC"]}, step=5)
    assert figure["broken"] == []
    assert figure["attacks"] == figure["exit_30"] >= 30
    assert {"open", "write", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir"} <= figure[
        "calls"
    ].keys()


@pytest.mark.slow
def test_a_kill_at_any_call_leaves_the_old_run_or_the_new_one() -> None:
    figure = attack("calls-kill")
    assert figure["killed"] >= 17


def test_readers_never_meet_a_half_pruned_run(tmp_path: Path) -> None:
    figure = kills.prune_under_readers(tmp_path, 15, predictions=5)
    assert figure["broken"] == []
    assert figure["predictions"] >= 5


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_run() -> None:
    figure = attack("full-disk")
    if "skipped" in figure:
        pytest.skip(figure["skipped"])
    assert figure["exit_30"] >= 2
    assert figure["published"] >= 2


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_exit_30_and_3_where_only_the_plots_are_larger(
    tmp_path: Path,
) -> None:
    figure = room.file_size_limits(tmp_path, [1000, 8000, 100_000])
    assert figure == {"limits": 3, "exit 30": 1, "exit 3": 1, "exit 0": 1, "broken": []}


def test_no_truncation_and_no_flipped_bit_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "cut").mkdir()
    (tmp_path / "flipped").mkdir()
    cut, flipped = (
        damage.truncations(tmp_path / "cut", step=41),
        damage.bit_flips(tmp_path / "flipped", 60),
    )
    assert (cut["broken"], cut["accepted"]) == ([], 0)
    assert (flipped["broken"], flipped["accepted"], flipped["flips"]) == ([], 0, 540)


def test_no_bait_is_ever_taken(tmp_path: Path) -> None:
    figure = baits.canaries(tmp_path)
    assert (figure["broken"], figure["executed"]) == ([], 0)


def test_the_bait_would_be_taken(tmp_path: Path) -> None:
    import pickle

    pickle.loads(baits.baits(tmp_path, tmp_path / "canary")["pickle 4"]).close()  # noqa: S301
    assert (tmp_path / "canary").exists()


@pytest.mark.slow
def test_a_refresh_killed_at_any_call_leaves_the_old_forecast_or_a_whole_one() -> None:
    figure = attack("refresh-kill")
    assert figure["killed"] >= 10
    assert 0 < figure["new_outputs"] < figure["killed"]


@pytest.mark.slow
def test_a_backtest_that_is_killed_again_and_again_ends_in_the_same_bytes() -> None:
    figure = attack("backtests", "--kills", 3)
    assert figure["killed"] + figure.get("ended before", 0) == 3


@pytest.mark.slow
def test_output_that_is_lost_is_never_exit_0() -> None:
    assert attack("output")["tried"] == 20


@pytest.mark.slow
def test_of_eight_trainings_at_once_one_trains() -> None:
    figure = attack("locks")
    assert (figure["exit 0"], figure["exit 11"], figure["naming the holder"]) == (1, 7, 7)


@pytest.mark.slow
def test_twenty_killed_trainings_leave_a_whole_run() -> None:
    figure = attack("kills", "--kills", 20)
    assert figure["killed"] + figure.get("ended before", 0) == 20
    assert figure["predictions"] > 20
