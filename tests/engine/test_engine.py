"""Where tasks run, and what is refused before they do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from forecast_cli import engine
from forecast_cli.engine import Batch, Place
from forecast_cli.errors import SettingsError
from forecast_cli.sources import settings_from
from forecast_cli.workflow.running import check_engine
from tests.engine.work import meet, process_of


def test_local_tasks_run_in_this_process_whatever_their_number() -> None:
    with engine.opened(Place("local")) as running:
        results = running.run(Batch(process_of, range(3), workers=3))
    assert results == [os.getpid()] * 3
    assert running.capacity == 1


def test_processes_stay_for_the_next_batch(tmp_path: Path) -> None:
    found = []
    with engine.opened(Place("processes")) as running:
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            tasks = [(str(tmp_path / name), 2)] * 2
            found.append(set(running.run(Batch(meet, tasks, workers=2))))
    assert found[0] == found[1]
    assert len(found[0] - {os.getpid()}) == 2


def test_ray_that_is_not_installed_is_an_error_that_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SettingsError) as caught:
        check_engine(settings_from(engine="ray"))
    assert caught.value.message == "--engine ray needs Ray, which is not installed"
    assert caught.value.hint == "install it: pip install 'forecast-cli[ray]'"


def test_tasks_that_run_in_turns_share_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    assert engine.deadlines(160.0, tasks=5, at_a_time=2) == [120, 120, 140, 140, 160]
    assert engine.deadlines(None, tasks=2, at_a_time=1) == [None, None]


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (
            {"address": "10.0.0.1:6379"},
            "--address names a Ray cluster, and the engine is processes",
            "add --engine ray, or leave out --address",
        ),
        (
            {"engine": "local", "workers": 2},
            "--workers 2 does not go with --engine local, which is one process",
            "use --engine processes, or leave out --workers",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    settings: dict[str, object], message: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        check_engine(settings_from(**settings))
    assert (caught.value.message, caught.value.hint) == (message, hint)
