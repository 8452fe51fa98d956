"""Tasks that wait for processors that others use: said once, and only where it is so."""

from __future__ import annotations

from typing import Any

import pytest

from forecast_cli.engine import waiting
from forecast_cli.engine.waiting import Wait
from forecast_cli.progress import Waiting


class Busy:
    """A cluster of four processors and two GPUs, as Ray tells of it."""

    def __init__(self, **free: float) -> None:
        self.free = free

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4.0, "GPU": 2.0, "memory": 1e9}

    def available_resources(self) -> dict[str, float]:
        return self.free


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was told, while every wait is long at once."""
    monkeypatch.setattr(waiting, "SILENCE", 0)
    return []


def test_tasks_that_wait_for_others_say_so_once(heard: list[Any]) -> None:
    wait = Wait.beginning(Busy(), heard.append)
    for _ in range(3):
        wait.look(has_begun=False)
    text = "waiting for a free processor of the cluster: others are using all 4"
    assert heard == [Waiting(text)]


@pytest.mark.parametrize(
    ("kind", "free", "text"),
    [
        ("CPU", {"CPU": 1.0}, "3 free processors of the cluster: others are using 3 of 4"),
        ("GPU", {}, "3 free GPUs of the cluster: others are using all 2"),
    ],
)
def test_a_group_says_how_many_it_waits_for(
    heard: list[Any], kind: str, free: dict[str, float], text: str
) -> None:
    Wait.beginning(Busy(**free), heard.append, 3, kind).look(has_begun=False)
    assert heard == [Waiting(f"waiting for {text}")]


def test_nothing_is_said_before_its_time(heard: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENCE", 3600)
    Wait.beginning(Busy(), heard.append).look(has_begun=False)
    assert heard == []


def test_nothing_is_said_once_a_task_has_begun(heard: list[Any]) -> None:
    wait = Wait.beginning(Busy(), heard.append)
    wait.look(has_begun=True)
    wait.look(has_begun=False)
    assert heard == []


def test_a_task_that_has_a_processor_and_is_slow_to_begin_is_not_said_to_wait(
    heard: list[Any],
) -> None:
    cluster = Busy(CPU=1.0)
    wait = Wait.beginning(cluster, heard.append)
    cluster.free = {}
    wait.look(has_begun=False)
    assert heard == []


def test_a_task_that_got_a_processor_at_last_is_not_said_to_wait(heard: list[Any]) -> None:
    cluster = Busy()
    wait = Wait.beginning(cluster, heard.append)
    cluster.free = {"CPU": 1.0}
    wait.look(has_begun=False)
    assert heard == []
