"""A job that others watch tells how it ended, however it ends, and nothing of that can harm it."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from forecast_cli import console
from forecast_cli.commands import watched as module
from forecast_cli.commands.watched import watched
from forecast_cli.errors import DataError, StoppedError
from forecast_cli.monitoring import JobFacts
from forecast_cli.monitoring.ping import TIME_LIMIT
from forecast_cli.settings import MonitorSettings
from tests.monitoring.test_ping import SECRET, failing, good, hanging, serving


def numbers(path: Path) -> dict[str, float]:
    families = text_string_to_metric_families(path.read_text())
    return {family.name: family.samples[0].value for family in families}


def endings(paths: list[str]) -> list[str]:
    return [path.rsplit("/", 1)[1] for path in paths]


@pytest.fixture
def monitor(tmp_path: Path) -> MonitorSettings:
    return MonitorSettings(metrics=str(tmp_path / "job.prom"), ping_file=str(tmp_path / "ping"))


def test_a_job_that_ends_well_is_told_with_its_facts(
    tmp_path: Path, monitor: MonitorSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(good) as server:
        (tmp_path / "ping").write_text(server.url)
        with watched(monitor, clock=lambda: 1_000.0) as watch:
            watch.facts = JobFacts(rows=7)
            watch.exit_code = 3
    assert endings(server.paths) == ["start", "3"]
    values = numbers(tmp_path / "job.prom")
    assert (values["forecast_rows"], values["forecast_exit_code"]) == (7, 3)
    assert values["forecast_last_finish_timestamp_seconds"] == pytest.approx(1_000, abs=5)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataError("x"), 20), (ValueError("x"), 1), (MemoryError(), 31)],
)
def test_a_job_that_fails_is_told_with_its_exit_code_and_fails_as_before(
    tmp_path: Path, monitor: MonitorSettings, error: Exception, code: int
) -> None:
    with serving(good) as server:
        (tmp_path / "ping").write_text(server.url)
        with pytest.raises(type(error)) as caught, watched(monitor):
            raise error
    assert caught.value is error
    assert endings(server.paths) == ["start", str(code)]
    assert numbers(tmp_path / "job.prom")["forecast_exit_code"] == code


def test_the_url_is_in_no_warning_and_in_no_traceback(
    tmp_path: Path, monitor: MonitorSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(failing) as server:
        (tmp_path / "ping").write_text(server.url)
        with pytest.raises(DataError) as caught, watched(monitor):
            raise DataError("x")
    console.error(caught.value, debug=True)
    out, err = capsys.readouterr()
    assert "status 500" in err
    assert "Traceback" in err
    assert SECRET not in out + err


def test_a_job_that_was_told_to_stop_does_not_wait_long_for_its_pings(
    tmp_path: Path, monitor: MonitorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AFTER_A_SIGNAL", 0.1)
    with serving(hanging) as server:
        (tmp_path / "ping").write_text(server.url)
        started = time.monotonic()
        with pytest.raises(StoppedError), watched(monitor):
            raise StoppedError(signal.SIGTERM)
        assert time.monotonic() - started < TIME_LIMIT  # of each ping of another job
    assert numbers(tmp_path / "job.prom")["forecast_exit_code"] == 143


def test_a_job_that_was_skipped_leaves_the_telling_to_the_other(
    tmp_path: Path, monitor: MonitorSettings
) -> None:
    with serving(good) as server:
        (tmp_path / "ping").write_text(server.url)
        with watched(monitor) as watch:
            watch.was_skipped = True
    assert set(endings(server.paths)) <= {"start"}
    assert not (tmp_path / "job.prom").exists()


def test_what_cannot_be_told_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing"
    monitor = MonitorSettings(metrics=str(missing / "job.prom"), ping_file=str(missing))
    with watched(monitor) as watch:
        watch.exit_code = 3
    assert watch.exit_code == 3
    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first == (
        f"warning: no ping is sent: cannot read {missing}: No such file or directory; "
        "check the path after --ping-file"
    )
    assert second.startswith(f"warning: cannot write {missing}/job.prom (")


def test_without_settings_nothing_is_told_or_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    with watched(MonitorSettings()) as watch:
        pass
    assert watch.ping is None
    assert capsys.readouterr() == ("", "")
