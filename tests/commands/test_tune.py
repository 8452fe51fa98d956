"""forecast tune: its words, its documents, and what is left when it is stopped or killed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE, HANG, ROOT

SMALL = ("--epochs", "1", "--units", "3", "--members", "1", "--batch-size", "64", "--horizon", "3")
PLACE = ("--lookback", "12", "--segment", "4", "--validation", "3", "--store", "store")
TINY = (*SMALL, *PLACE)
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the extra tune is not installed"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a tuning that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    code, err = command(folder, "--store", "store")
    assert code == 0, err
    return folder / "store"


def test_a_tuning_says_its_cost_first_and_what_it_found_last(forecast: Forecast) -> None:
    tuned = forecast("tune", AIRLINE, *TINY, "--trials", "3", "--workers", "1")
    assert (tuned.code, tuned.out) == (0, "")
    lines = [line for line in tuned.err.splitlines() if not line.startswith("reading ")]
    lines = [line for line in lines if line != "looking at the data"]
    assert lines[0] == (
        "study 1: 3 trials, with up to 3 trainings each, scored from 9 origins; then a "
        "training with the best settings"
    )
    assert "3 trials of study 1, by their MASE from 9 origins before the held-out rows" in lines
    assert any("without tuning" in line for line in lines)
    assert lines[-1].startswith(f"the same settings again: forecast train {AIRLINE} --horizon 3")
    assert forecast("predict", "--store", "store").code == 0
    shown = forecast("runs", "show", "--store", "store").out
    assert "study 1: the best of 3 trials is " in shown


def test_the_document_has_the_trials_and_the_command(forecast: Forecast) -> None:
    tuned = forecast("tune", AIRLINE, *TINY, "--trials", "2", "--workers", "1", "--json")
    document = json.loads(tuned.out)
    assert (tuned.code, tuned.err) == (0, "")
    assert (document["schema"], document["exit_code"]) == ("forecast/tune/v1", 0)
    assert [trial["state"] for trial in document["trials"]] == ["complete", "complete"]
    assert document["trials"][0]["settings"] == {}
    assert document["run"] == store.latest(Path("store"))
    assert document["command"].startswith("forecast train ")
    for name, value in document["settings"].items():
        assert f"--{name.replace('_', '-')} {value}" in document["command"]


def test_the_best_is_not_promoted_below_min_skill(forecast: Forecast) -> None:
    asked = ("--trials", "1", "--workers", "1", "--min-skill", "0.99", "--json")
    tuned = forecast("tune", AIRLINE, *TINY, *asked)
    document = json.loads(tuned.out)
    assert (tuned.code, document["published"]) == (4, False)
    assert store.promoted(Path("store")) == []
    assert forecast("predict", "--store", "store").code == 10


def test_two_trials_at_a_time_are_recorded_and_gone_on_with(forecast: Forecast) -> None:
    asked = ("--trials", "2", "--workers", "2", "--json")
    first = json.loads(forecast("tune", AIRLINE, *TINY, *asked).out)
    again = json.loads(forecast("tune", AIRLINE, *TINY, "--trials", "2", "--resume", "--json").out)
    assert (first["workers"], again["workers"]) == (2, 2)
    assert again["trials"] == first["trials"]


def test_a_study_of_another_file_is_exit_code_13_and_of_other_settings_2(
    forecast: Forecast,
) -> None:
    asked = ("--trials", "1", "--workers", "1")
    forecast("tune", AIRLINE, *TINY, *asked)
    Path("other.csv").write_text(AIRLINE.read_text().replace("112", "113"))
    other = forecast("tune", "other.csv", *TINY, *asked, "--resume")
    assert other.code == 13
    assert "is of other data: " in other.said
    settings = forecast("tune", AIRLINE, *TINY, *asked, "--resume", "--cell", "gru")
    assert settings.code == 2
    assert "--cell (default) there, gru here" in settings.said


def test_a_damaged_study_is_refused_and_a_new_one_can_begin(forecast: Forecast) -> None:
    asked = ("--trials", "1", "--workers", "1")
    forecast("tune", AIRLINE, *TINY, *asked)
    Path("store/studies/000001.study").write_bytes(b"{}")
    refused = forecast("tune", AIRLINE, *TINY, *asked, "--resume")
    assert refused.code == 12
    assert refused.said.splitlines()[-1] == "hint: begin a new study: leave out --resume"
    assert forecast("tune", AIRLINE, *TINY, *asked).code == 0


# -- stopped, in a process of its own ------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_tuning_that_is_stopped_goes_on_as_if_it_had_not_been(
    tmp_path: Path, whole: Path, number: signal.Signals, code: int
) -> None:
    root = tmp_path / "stopped"
    stopped, err = command(tmp_path, "--store", "stopped", stop=number)
    assert stopped == code
    done = len(trials(root))
    assert 1 <= done < 8
    if number == signal.SIGINT:
        run = store.latest(root)
        assert f"{done} of 8 trials are kept, and the best was published as run {run}" in err
    else:
        assert store.names(root) == []

    resumed, _ = command(tmp_path, "--store", "stopped", "--resume")
    assert resumed == 0
    assert trials(root) == trials(whole)
    latest = [store.load(each) for each in (root, whole)]
    assert latest[0].texts["forecast.csv"] == latest[1].texts["forecast.csv"]


def trials(root: Path) -> list[Any]:
    """The trials in the newest study of a store."""
    newest = sorted((root / "studies").glob("0*.study"))[-1]
    found: list[Any] = json.loads(newest.read_bytes()[64:])["trials"]
    return found


# The tuning stops itself, so that it does so at the same moment on a machine of any speed.
STOPPED = """
import signal, sys
from forecast_cli import store
from forecast_cli.app import main

number = int(sys.argv.pop(1))
save = store.save_study

def save_and_signal(lock, study):
    save(lock, study)
    if number and len(study.trials) == 2:
        signal.raise_signal(number)

store.save_study = save_and_signal
main()
"""


def command(folder: Path, *words: str, stop: int = 0) -> tuple[int, str]:
    """Run a tuning of 8 trials, which gets a signal when two are on disk: exit code, stderr."""
    tiny = [*TINY[:-2], "--trials", "8", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(int(stop)), "tune", str(AIRLINE), *tiny, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    return done.returncode, done.stderr
