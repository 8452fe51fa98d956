"""A clock that is behind what was written before."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast_cli import store
from forecast_cli.doctor import clock
from tests.doctor.helpers import seen, situation


def test_a_clock_that_is_right_is_ok(store_copy: Path) -> None:
    now = datetime.now(UTC)
    shown = now.strftime("%Y-%m-%d %H:%M UTC")
    assert seen(clock.check_clock(situation(store_copy, now=now))) == [("ok", shown)]


def test_a_clock_before_the_newest_run_is_a_finding(store_copy: Path) -> None:
    now = datetime.now(UTC) - timedelta(days=1)
    checks = clock.check_clock(situation(store_copy, now=now))
    shown = now.strftime("%Y-%m-%d %H:%M UTC")
    run = store.latest(store_copy)
    assert seen(checks) == [
        ("finding", f"the clock shows {shown}, which is before the run {run} was made")
    ]


def test_a_file_of_the_future_is_a_finding(store_copy: Path) -> None:
    later = time.time() + 3_600
    os.utime(store_copy / "latest.json", (later, later))
    (level, text) = seen(clock.check_clock(situation(store_copy)))[0]
    assert level == "finding"
    assert text.endswith(f"which is before {store_copy}/latest.json was written")


def test_a_clock_that_was_never_set_is_a_finding_without_a_store(tmp_path: Path) -> None:
    now = datetime(1970, 1, 1, tzinfo=UTC)
    assert seen(clock.check_clock(situation(tmp_path, now=now))) == [
        ("finding", "the clock shows 1970-01-01 00:00 UTC, which is before this release was made")
    ]
