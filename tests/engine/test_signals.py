"""Signals that come while compiled code is at work are kept until they can be raised."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from forecast_cli.engine.signals import FROM_TERMINAL, STOPS, Signals, without_terminal
from forecast_cli.errors import StoppedError
from tests.conftest import HANG


def test_a_signal_that_comes_while_ray_is_at_work_is_raised_between_two_calls() -> None:
    def stop(number: int, frame: object) -> None:
        raise StoppedError(number)

    before = signal.signal(signal.SIGTERM, stop)
    heard = []
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGTERM)
            heard.append("not raised at once")
            with pytest.raises(StoppedError) as caught:
                signals.raise_late()
        assert signal.getsignal(signal.SIGTERM) is stop
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["not raised at once"]
    assert caught.value.exit_code == 143


@pytest.mark.parametrize("number", STOPS)
def test_every_signal_to_stop_is_kept(number: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        with Signals() as signals:
            signal.raise_signal(number)
            assert heard == []
            signals.raise_late()
            assert heard == [number]
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_is_ignored_afterwards_too() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            signal.raise_signal(signal.SIGHUP)
            signals.raise_late()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", FROM_TERMINAL)
def test_a_process_that_is_started_without_the_terminal_does_not_hear_it(
    number: signal.Signals,
) -> None:
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    try:
        with without_terminal():
            child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            signal.raise_signal(number)
            assert heard == []
        assert heard == [number]
        child.send_signal(number)
        child.communicate(b"\n", timeout=HANG)
        assert child.returncode == 0
    finally:
        signal.signal(number, before)


def test_a_signal_that_came_at_the_end_is_raised_after_the_block() -> None:
    def stop(number: int, frame: object) -> None:
        raise StoppedError(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(StoppedError), Signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
