"""Metrics: what Prometheus reads is what was known, and a file that cannot be written is a warning."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from forecast_cli import monitoring, store
from forecast_cli.errors import StorageError
from forecast_cli.monitoring import JobFacts, Outcome

DONE = Outcome(finished=1_790_000_000.25, duration=12.5, exit_code=0)
FACTS = JobFacts(
    data="/srv/sales.csv",
    store="/srv/runs",
    data_age=3_600,
    run_age=86_400.5,
    live_mase=0.9,
    held_out_mase=0.6,
    rows=1_000_000,
    series=20_000,
    promoted=True,
)


def parsed(text: str) -> dict[str, float]:
    """The numbers of a file of metrics, as the parser of Prometheus reads them."""
    values = {}
    for family in text_string_to_metric_families(text):
        assert (family.type, len(family.samples)) == ("gauge", 1)
        assert family.documentation
        values[family.name] = family.samples[0].value
    return values


def labels_in(text: str) -> list[dict[str, str]]:
    return [family.samples[0].labels for family in text_string_to_metric_families(text)]


def test_every_number_is_read_as_it_was_given() -> None:
    text = monitoring.metrics_text(DONE, FACTS)
    assert parsed(text) == {
        "forecast_last_success_timestamp_seconds": 1_790_000_000.25,
        "forecast_last_finish_timestamp_seconds": 1_790_000_000.25,
        "forecast_exit_code": 0,
        "forecast_duration_seconds": 12.5,
        "forecast_data_age_seconds": 3_600,
        "forecast_run_age_seconds": 86_400.5,
        "forecast_live_mase": 0.9,
        "forecast_held_out_mase": 0.6,
        "forecast_mase_ratio": pytest.approx(1.5),
        "forecast_rows": 1_000_000,
        "forecast_series": 20_000,
        "forecast_promoted": 1,
    }
    assert labels_in(text) == [{"data": "/srv/sales.csv", "store": "/srv/runs"}] * 12


def test_what_is_not_known_or_not_finite_is_left_out() -> None:
    failed = Outcome(finished=5, duration=1, exit_code=20)
    text = monitoring.metrics_text(failed, JobFacts(live_mase=math.nan, run_age=math.inf))
    assert parsed(text) == {
        "forecast_last_finish_timestamp_seconds": 5,
        "forecast_exit_code": 20,
        "forecast_duration_seconds": 1,
    }
    assert labels_in(text) == [{}] * 3


@pytest.mark.parametrize(("live", "held_out"), [(None, 1.0), (1.0, None)])
def test_there_is_no_ratio_to_nothing(live: float | None, held_out: float | None) -> None:
    assert JobFacts(live_mase=live, held_out_mase=held_out).mase_ratio is None


@given(st.text(), st.text())
def test_a_path_of_any_letters_is_a_label(data: str, runs: str) -> None:
    known = {name: text for name, text in (("data", data), ("store", runs)) if text}
    text = monitoring.metrics_text(DONE, JobFacts(data=data, store=runs))
    assert set(map(str, labels_in(text))) == {str(known)}


def test_bytes_of_a_path_that_are_not_utf_8_are_codes() -> None:
    facts = JobFacts(data=os.fsdecode(b"/srv/caf\xe9.csv"))
    text = monitoring.metrics_text(DONE, facts)
    assert labels_in(text)[0] == {"data": "/srv/caf\\udce9.csv"}


def test_the_last_success_outlives_failures_of_the_same_job(tmp_path: Path) -> None:
    path = tmp_path / "sales.prom"
    assert monitoring.write_metrics(str(path), DONE, FACTS) == ""
    failed = Outcome(finished=DONE.finished + 86_400, duration=1, exit_code=20)
    for _ in range(2):
        known_at_failure = JobFacts(data=FACTS.data, store=FACTS.store)
        assert monitoring.write_metrics(str(path), failed, known_at_failure) == ""

    values = parsed(path.read_text())
    assert values["forecast_last_success_timestamp_seconds"] == DONE.finished
    assert values["forecast_last_finish_timestamp_seconds"] == failed.finished
    assert values["forecast_exit_code"] == 20

    monitoring.write_metrics(str(path), failed, JobFacts(data="other.csv"))
    assert "forecast_last_success_timestamp_seconds" not in parsed(path.read_text())


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"forecast_last_success_timestamp_seconds not-a-number\n"]
)
def test_a_file_of_something_else_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sales.prom"
    path.write_bytes(content)
    failed = Outcome(finished=5, duration=1, exit_code=1)
    assert monitoring.write_metrics(str(path), failed, JobFacts()) == ""
    assert "forecast_last_success_timestamp_seconds" not in parsed(path.read_text())
    assert [each.name for each in tmp_path.iterdir()] == ["sales.prom"]


def test_a_path_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe.prom", tmp_path / "folder.prom"
    os.mkfifo(pipe)
    folder.mkdir()
    missing = tmp_path / "missing" / "sales.prom"
    size = len(monitoring.metrics_text(DONE, FACTS).encode())
    end = "; the metrics were not written (--metrics); the forecast is not affected"
    reasons = {
        str(pipe): f"cannot write {pipe}: it is not a plain file",
        str(folder): f"cannot write {folder}: it is not a plain file",
        str(missing): f"cannot write {missing} ({size:,} bytes): No such file or directory",
        "a\0b": "cannot write a\0b: embedded null byte",
    }
    for path, reason in reasons.items():
        assert monitoring.write_metrics(path, DONE, FACTS) == reason + end


def test_a_full_disk_is_a_warning_and_keeps_the_old_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.prom"
    path.write_text("old\n")

    def full(path: Path, data: bytes) -> None:
        raise StorageError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(store, "replace_file", full)
    warning = monitoring.write_metrics(str(path), DONE, FACTS)
    assert warning.startswith(f"cannot write {path}: No space left on device; ")
    assert path.read_text() == "old\n"
