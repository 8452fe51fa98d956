"""How a command does its work: where tasks run, the store, refreshes, monitoring and messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forecast_cli import choices, fields
from forecast_cli.fields import Group, setting

DEFAULT_STORE = "./forecast_runs"
OF_THE_ENGINE = ("engine", "workers", "address")  # settings that `predict` takes, too


@dataclass(frozen=True)
class EngineSettings(Group):
    """Where the work is done."""

    panel: ClassVar[str] = "Engine"

    engine: choices.Engine = setting(
        "processes",
        "Where tasks run; local is this process.",
        metavar="KIND",
    )
    workers: int | None = setting(
        None,
        "Number of trainings or other tasks that run at the same time.",
        minimum=1,
        maximum=1024,
        auto="by cores",
        metavar="N",
    )
    address: str | None = setting(
        None,
        "Address of the Ray cluster, e.g. 10.0.0.1:6379. By default Ray is started on this machine.",
        metavar="HOST:PORT",
    )
    data_parallel: bool = setting(
        False,
        "Train each network on all workers of --engine ray together.",
    )


@dataclass(frozen=True)
class LockSettings(Group):
    """What to do while another command writes in the store."""

    panel: ClassVar[str] = "Store"

    lock_wait: float = setting(
        0.0,
        "How long to wait for the lock while another command is writing, e.g. 10m.",
        metavar="DURATION",
        form=fields.DURATION,
    )
    if_locked: choices.IfLocked = setting(
        "fail", "If the lock stays taken, fail exits with 11; skip does nothing and exits with 0."
    )


@dataclass(frozen=True)
class PruneSettings(Group):
    """How many runs are kept."""

    panel: ClassVar[str] = "Store"

    keep: int = setting(
        10,
        "Number of runs to keep. The latest, the one before it and pinned runs always stay.",
        minimum=1,
        metavar="N",
    )


@dataclass(frozen=True)
class RefreshSettings(Group):
    """When `forecast refresh` trains again, and when it raises the alarm."""

    panel: ClassVar[str] = "Refresh"

    retrain_after: float = setting(
        604_800.0,
        "Train again when the last training is this old.",
        metavar="DURATION",
        form=fields.DURATION,
    )
    alert_ratio: float = setting(
        1.5,
        "Raise the alarm when the live error is this many times the held-out one.",
        minimum=1,
        maximum=1000,
        metavar="NUMBER",
    )
    data_max_age: float | None = setting(
        None,
        "Exit with 5, and write nothing, if the newest row is older than this, e.g. 2d.",
        auto="off",
        metavar="DURATION",
        form=fields.DURATION,
    )
    start: choices.Start = setting(
        "scratch", "What a training begins with: new weights, or those of the latest run (warm)."
    )


@dataclass(frozen=True)
class MonitorSettings(Group):
    """What a scheduled job tells those who watch it."""

    panel: ClassVar[str] = "Monitoring"

    metrics: str | None = setting(
        None, "File to which the job writes its metrics for Prometheus.", metavar="FILE.prom"
    )
    ping_file: str | None = setting(
        None, "File whose first line is the URL to which the job sends pings.", metavar="FILE"
    )


@dataclass(frozen=True)
class LogSettings(Group):
    """What messages look like."""

    panel: ClassVar[str] = "General"

    log_format: choices.LogFormat = setting(
        "text", "Write messages to stderr as text, or as one JSON object per line."
    )
