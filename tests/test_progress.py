"""What a training shows while it runs: from worker processes, on terminals, in plain lines, and before torch is there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import console, engine, learning, messages, planning, progress, store, train
from forecast_cli.errors import OutOfMemoryError, StoppedError
from forecast_cli.members import Execution
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch, Event, MemberDone, Phase, Waiting
from forecast_cli.sources import settings_from
from forecast_cli.store import Checkpoint
from tests.commands.helpers import terminal
from tests.conftest import AIRLINE, HANG, ROOT, Result, run_tasks

PANEL = from_series(
    [10 + np.sin(np.arange(160) / 3) + 0.1 * np.random.default_rng(1).normal(size=160)]
)
QUICK: dict[str, Any] = {"horizon": 4, "lookback": 12, "units": "6", "epochs": 4}
Tell = Callable[[Any], None]


def epoch(
    number: int, most: int = 10, member: int = 1, stage: str = "training", validation: float = 0.25
) -> Epoch:
    return Epoch(number, 0.5, validation, 0.001, number, most, stage, member=member)


# -- from worker processes -------------------------------------------------------------------------------------------


def wait_for_an_answer(task: tuple[int, str], tell: Tell) -> bool:
    """Tell of a beginning, and end when the parent has answered: never, if it hears of nothing before the end."""
    number, folder = task
    tell(number)
    for _ in range(10 * HANG):
        if Path(folder, str(number)).exists():
            return True
        time.sleep(0.1)
    return False


def tell_often(number: int, tell: Tell) -> int:
    for count in range(300):
        tell((number, count))
    return number


def tell_and_die(number: int, tell: Tell) -> int:
    """One worker is killed while the other has more to tell than a pipe holds."""
    if number == 0:
        tell(number)
        os.kill(os.getpid(), signal.SIGKILL)
    for _ in range(10**6):
        tell(number)
    return number


def test_messages_of_two_workers_are_heard_before_they_finish(tmp_path: Path) -> None:
    tasks = [(number, str(tmp_path)) for number in range(2)]
    found = run_tasks(
        wait_for_an_answer,
        tasks,
        2,
        lambda number, result: None,
        lambda number: (tmp_path / str(number)).touch(),
    )
    assert found == [True, True]


@pytest.mark.parametrize("workers", [1, 2])
def test_messages_keep_their_order_and_come_before_the_end_of_their_task(workers: int) -> None:
    heard: list[tuple[int, int]] = []
    counts: dict[int, int] = {}

    def finished(number: int, result: int) -> None:
        counts[number] = sum(1 for owner, _ in heard if owner == number)

    run_tasks(tell_often, range(3), workers, finished, heard.append)
    assert counts == {0: 300, 1: 300, 2: 300}
    for number in range(3):
        assert [count for owner, count in heard if owner == number] == list(range(300))


@pytest.mark.slow
def test_a_killed_worker_does_not_hang_the_one_that_listens(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from forecast_cli.errors import OutOfMemoryError\n"
        "from tests.conftest import run_tasks\n"
        "from tests.test_progress import tell_and_die\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        run_tasks(tell_and_die, range(2), 2)\n"
        "    except OutOfMemoryError as error:\n"
        "        print(error.exit_code)\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.stdout == f"{OutOfMemoryError.exit_code}\n", done.stderr


def test_what_the_listener_raises_ends_the_workers() -> None:
    def heard(message: Any) -> None:
        raise StoppedError(signal.SIGTERM)

    with pytest.raises(StoppedError):
        run_tasks(tell_often, range(2), 2, lambda number, result: None, heard)


def learned(report: Callable[[Event], None], **settings: Any) -> learning.Learned:
    workers = settings.pop("workers", 1)
    decided = planning.make(PANEL, settings_from(**{**QUICK, **settings}))
    with engine.opened(engine.Place()) as running:
        return learning.learn(PANEL, decided, Execution(report, running, workers))


@pytest.mark.parametrize("more", [{"workers": 2}, {"workers": 1}, {"workers": 2, "boosting": True}])
def test_epochs_of_all_members_are_reported_one_by_one(more: dict[str, Any]) -> None:
    events: list[Event] = []
    learned(events.append, members=3, **more)
    assert isinstance(events[0], Phase)
    assert (events[0].name, events[0].epochs) == ("training", ((1, 4), (2, 4), (3, 4)))
    for member in (1, 2, 3):
        own = [e for e in events if isinstance(e, Epoch | MemberDone) and e.member == member]
        assert [e.epoch for e in own[:-1] if isinstance(e, Epoch)] == [1, 2, 3, 4]
        assert own[-1] == MemberDone(member)


def test_the_last_member_of_a_training_that_goes_on_is_kept_and_reported(tmp_path: Path) -> None:
    """With two workers and one member left there is one process, which must do what a single process does."""
    settings: dict[str, Any] = {"members": 2, "patience": 0}
    decided = planning.make(PANEL, settings_from(**{**QUICK, **settings}))

    def stop(event: Event) -> None:
        if isinstance(event, Epoch) and (event.member, event.epoch) == (2, 2):
            raise StoppedError(signal.SIGTERM)

    events: list[Event] = []
    with store.lock(tmp_path) as lock:
        first = Checkpoint(lock, "identity")
        with pytest.raises(StoppedError):
            learning.learn(PANEL, decided, Execution(stop, checkpoint=first))
        assert list(first.finished) == ["training 1 of 2"]

        again = Checkpoint(lock, "identity", finished=first.finished, running=first.running)
        with engine.opened(engine.Place()) as running:
            again_by_two = Execution(events.append, running, 2, checkpoint=again)
            learning.learn(PANEL, decided, again_by_two)
    assert isinstance(events[0], Phase)
    assert events[0].epochs == ((2, 4),)
    assert [(e.member, e.epoch) for e in events if isinstance(e, Epoch)] == [
        (2, 3),
        (2, 4),
    ]
    assert sorted(again.finished) == ["training 1 of 2", "training 2 of 2"]


def test_every_phase_of_a_training_is_told_in_order(tmp_path: Path) -> None:
    events: list[Event] = []
    train(
        AIRLINE,
        draw=False,
        store_folder=tmp_path,
        report=events.append,
        epochs=2,
        units="4",
        members=1,
    )
    names = [event.name for event in events if isinstance(event, Phase)]
    assert names == [
        "reading",
        "planning",
        "loading",
        "training",
        "errors",
        "before_test",
        "scoring",
        "refit",
        "forecasting",
        "saving",
    ]
    assert [e.stage for e in events if isinstance(e, Epoch)] == [
        *["training"] * 2,
        *["before test"] * 2,
        *["refit"] * 2,
    ]


# -- before anything is loaded ---------------------------------------------------------------------------------------


WATCH = """
import os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("numpy", "pandas", "torch"):
            print(f"importing {name}", file=sys.stderr, flush=True)
        if name == "torch":
            os._exit(0)

sys.meta_path.insert(0, Watch())
from forecast_cli.app import main
main()
"""


def test_the_first_line_comes_before_torch_and_all_that_takes_long_is_imported(
    tmp_path: Path,
) -> None:
    words = [
        "train",
        str(AIRLINE),
        "--epochs",
        "1",
        "--units",
        "4",
        "--members",
        "1",
        "--store",
        str(tmp_path / "runs"),
    ]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 0
    assert lines[0] == f"reading {AIRLINE}"
    assert {"importing numpy", "importing pandas"} < set(lines)
    assert lines[-1] == "importing torch"
    planned = subprocess.run(
        [sys.executable, "-c", WATCH, *words, "--horizon", "1000"],
        env=environment, capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert planned.returncode == 21
    assert (
        "importing torch" not in planned.stderr.splitlines()
    )  # what is refused need not wait for it


# -- plain lines -----------------------------------------------------------------------------------------------------


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Plain:
    """Plain progress by a clock of its own, and the lines that it has said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.clock = Clock()
        self.shown = console._Plain(self.clock)
        self.text = ""

    def lines(self) -> list[str]:
        self.text += self.capsys.readouterr().err
        return self.text.splitlines()


@pytest.fixture
def plain(capsys: pytest.CaptureFixture[str]) -> Plain:
    return Plain(capsys)


def test_a_short_command_takes_one_line_and_a_long_phase_is_named(plain: Plain) -> None:
    shown, clock = plain.shown, plain.clock
    shown.report(progress.reading("data.csv"))
    shown.report(progress.reading("data.csv"))  # told twice, by the command and by what it calls
    clock.now += 0.4
    shown.report(Phase("planning", "looking at the data"))
    shown.tick()
    assert plain.lines() == ["reading data.csv"]
    clock.now += 0.7
    shown.tick()
    shown.tick()
    shown.report(Phase("saving", "saving \x1b[31m"))
    clock.now += 1.0
    shown.tick()
    assert plain.lines() == ["reading data.csv", "looking at the data", "saving \\x1b[31m"]


def test_what_a_phase_waits_for_is_said_at_once_and_the_phase_goes_on(plain: Plain) -> None:
    shown = plain.shown
    shown.report(Phase("training", "training", ((1, 10),)))
    shown.report(Waiting("waiting for a processor"))
    shown.report(epoch(1))
    assert plain.lines() == [
        "training",
        "waiting for a processor",
        "training: epoch 1 of at most 10  loss 0.5000  validation 0.2500  best epoch 1",
    ]


def test_epochs_get_a_line_every_ten_seconds_with_the_time_that_is_left(plain: Plain) -> None:
    shown, clock = plain.shown, plain.clock
    shown.report(Phase("training", "training", ((1, 10),)))
    for number in range(1, 9):
        clock.now += 4
        shown.report(epoch(number))
    assert plain.lines() == [
        "training",
        "training: epoch 1 of at most 10  loss 0.5000  validation 0.2500  best epoch 1",
        "training: epoch 4 of at most 10  loss 0.5000  validation 0.2500  best epoch 4  at most 24 s left",
        "training: epoch 7 of at most 10  loss 0.5000  validation 0.2500  best epoch 7  at most 12 s left",
    ]


def test_members_share_the_lines_and_one_that_stops_early_shortens_them(plain: Plain) -> None:
    shown, clock = plain.shown, plain.clock
    shown.report(
        Phase("training", "training 3 members, 2 at a time", ((1, 100), (2, 100), (3, 100)))
    )
    for number in range(1, 11):
        clock.now += 5
        shown.report(epoch(number, 100, member=1))
        shown.report(epoch(number, 100, member=2))
    shown.report(MemberDone(1))
    clock.now += 10
    shown.report(epoch(11, 100, member=2))
    first, *_, last = plain.lines()[1:]
    assert first == (
        "training 3 members, 2 at a time: epoch 1 of at most 300  member 1: loss 0.5000  validation 0.2500  best epoch 1"
    )
    assert last == (
        "training 3 members, 2 at a time: epoch 21 of at most 210  "
        "member 2: loss 0.5000  validation 0.2500  best epoch 11  at most 9 min left"
    )


def test_a_refit_takes_exactly_its_epochs_and_has_no_validation(plain: Plain) -> None:
    shown, clock = plain.shown, plain.clock
    shown.report(Phase("refit", "refit", ((1, 3),)))
    shown.report(epoch(1, 3, stage="refit", validation=float("nan")))
    clock.now += 7200
    shown.report(epoch(2, 3, stage="refit", validation=float("nan")))
    assert plain.lines()[1:] == [
        "refit: epoch 1 of 3  loss 0.5000",
        "refit: epoch 2 of 3  loss 0.5000  2 h 00 min left",
    ]


def test_messages_as_json_have_the_numbers_in_fields(plain: Plain) -> None:
    shown = plain.shown
    token = console._FORMAT.set("json")
    try:
        shown.report(Phase("training", "training 2 members", ((1, 10), (2, 10))))
        shown.report(epoch(3, member=2))
    finally:
        console._FORMAT.reset(token)
    first, second = map(json.loads, plain.lines())
    assert (first["level"], first["message"], first["phase"]) == (
        "progress",
        "training 2 members",
        "training",
    )
    assert (second["stage"], second["epoch"], second["epochs"], second["done"], second["total"]) == (
        "training", 3, 10, 3, 20,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (59, "59 s"), (90, "2 min"), (7500, "2 h 05 min")]
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert messages.duration(seconds) == text


# -- the whole command -----------------------------------------------------------------------------------------------


WORDS = (
    "train",
    AIRLINE,
    "--epochs",
    6,
    "--patience",
    0,
    "--units",
    4,
    "--members",
    2,
    "--workers",
    2,
)


ONE = ("--epochs", 1, "--units", 4, "--members", 1, "--from", "none")


def test_plain_lines_of_members_side_by_side_count_all_epochs(
    forecast: Callable[..., Result],
) -> None:
    result = forecast(*WORDS, "--no-refit")
    assert result.code == 0
    assert result.err.splitlines()[0] == f"reading {AIRLINE}"
    assert re.search(
        r"^training 2 members, 2 at a time: epoch \d+ of at most 12  member [12]: loss",
        result.err,
        re.M,
    )


@pytest.mark.parametrize("words", [("--quiet",), ("--json",), ("--quiet", "--json")])
def test_quiet_and_json_show_no_progress(
    words: tuple[str, ...], forecast: Callable[..., Result]
) -> None:
    result = forecast("train", AIRLINE, *ONE, *words)
    assert (result.code, result.err) == (0, "")
    assert bool(result.out) == ("--json" in words)


def test_log_format_json_is_json_on_every_line(forecast: Callable[..., Result]) -> None:
    result = forecast("train", AIRLINE, *ONE, "--log-format", "json")
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert result.code == 0
    assert (lines[0]["level"], lines[0]["message"]) == ("progress", f"reading {AIRLINE}")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_shows_one_bar_of_all_members(tmp_path: Path) -> None:
    def counts(screen: str) -> list[int]:
        return [int(count) for count in re.findall(r"epoch (\d+)/2000000", screen.replace(",", ""))]

    def has_moved(screen: str) -> bool:
        return len(set(counts(screen))) > 1

    code, screen = terminal(*WORDS, "--epochs", 1_000_000, cwd=tmp_path, until=has_moved)
    assert code == 130
    assert counts(screen) == sorted(counts(screen))
    assert "training 2 members, 2 at a time" in screen


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("extra", "steers"), [({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, True)]
)
def test_dumb_terminals_get_plain_lines_and_no_color_is_honored(
    extra: dict[str, Any], steers: bool, tmp_path: Path
) -> None:
    words = ("--origins", 2, "--run", "base")
    code, screen = terminal("backtest", AIRLINE, *words, cwd=tmp_path, **extra)
    assert code == 0
    assert ("\x1b" in screen) == steers
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", screen)


def test_a_lock_that_is_waited_for_is_said(
    forecast: Callable[..., Result], store_copy: Path
) -> None:
    with store.lock(store_copy):
        result = forecast("train", AIRLINE, "--store", store_copy, "--lock-wait", "0.3s")
    assert result.code == 11
    assert f"waiting for another command: pid {os.getpid()}" in result.err
