"""Metrics of the last job, as a text file for Prometheus.

The format is that of the textfile collector of node_exporter, version 0.0.4 of the exposition
format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forecast_cli import store
from forecast_cli.errors import StorageError
from forecast_cli.fields import finite_number, number_text
from forecast_cli.refreshing import mase_ratio

LAST_SUCCESS = "forecast_last_success_timestamp_seconds"
MOST_BYTES = 1 << 20  # of a file of metrics that is read again


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended: finished, in seconds since 1970; duration, in seconds; the exit code."""

    finished: float
    duration: float
    exit_code: int


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """What a job has found out by its end; None for what it does not know.

    - data, store: the paths of both, which tell the metrics of several jobs apart
    - data_age: seconds from the newest row to the end of the job
    - run_age: seconds from the training of the run to the end of the job
    - live_mase: of the forecasts whose actual values came since the training
    - held_out_mase: of the rows that were held out from the training
    - rows, series: of the data
    - promoted: whether a new run became the latest
    """

    data: str = ""
    store: str = ""
    data_age: float | None = None
    run_age: float | None = None
    live_mase: float | None = None
    held_out_mase: float | None = None
    rows: int | None = None
    series: int | None = None
    promoted: bool | None = None

    @property
    def mase_ratio(self) -> float | None:
        """The live MASE divided by the held-out MASE, as the alarm has it; None where unknown."""
        return mase_ratio(self.live_mase, self.held_out_mase)


@dataclass(frozen=True)
class _Gauge:
    """A number of the last job: its name, its help, and where its value comes from."""

    name: str
    help: str
    value: Callable[[Outcome, JobFacts], float | None]


_GAUGES = (
    _Gauge(
        "forecast_last_finish_timestamp_seconds",
        "When the last job ended, in seconds since 1970.",
        lambda outcome, _: outcome.finished,
    ),
    _Gauge(
        "forecast_exit_code",
        "Exit code of the last job; 0 is complete success.",
        lambda outcome, _: outcome.exit_code,
    ),
    _Gauge(
        "forecast_duration_seconds",
        "How long the last job took.",
        lambda outcome, _: outcome.duration,
    ),
    _Gauge(
        "forecast_data_age_seconds",
        "Age of the newest row at the end of the last job.",
        lambda _, facts: facts.data_age,
    ),
    _Gauge(
        "forecast_run_age_seconds",
        "Age of the run that made the forecast, at the end of the last job.",
        lambda _, facts: facts.run_age,
    ),
    _Gauge(
        "forecast_live_mase",
        "MASE of the forecasts whose actual values came since the training.",
        lambda _, facts: facts.live_mase,
    ),
    _Gauge(
        "forecast_held_out_mase",
        "MASE on the rows that were held out from the training.",
        lambda _, facts: facts.held_out_mase,
    ),
    _Gauge(
        "forecast_mase_ratio",
        "Live MASE divided by held-out MASE.",
        lambda _, facts: facts.mase_ratio,
    ),
    _Gauge("forecast_rows", "Rows of the data.", lambda _, facts: facts.rows),
    _Gauge("forecast_series", "Series in the data.", lambda _, facts: facts.series),
    _Gauge(
        "forecast_promoted",
        "1 if the last job made a new run the latest, else 0.",
        lambda _, facts: facts.promoted,
    ),
)


def metrics_text(outcome: Outcome, facts: JobFacts, last_success: float | None = None) -> str:
    """The metrics of a job as text. What is not known, or is not finite, is left out.

    last_success: when a job before this one ended with exit code 0, in seconds since 1970.
    """
    labels = _labels(facts)
    success = outcome.finished if outcome.exit_code == 0 else last_success
    text = _sample(
        LAST_SUCCESS,
        "When a job last ended with exit code 0, in seconds since 1970.",
        labels,
        success,
    )
    for gauge in _GAUGES:
        text += _sample(gauge.name, gauge.help, labels, gauge.value(outcome, facts))
    return text


def write_metrics(path: str, outcome: Outcome, facts: JobFacts) -> str:
    """Replace a file of metrics in one step; the time of the last success is carried on.

    Returns the text of a warning where that is impossible, else an empty text.
    """
    try:
        last_success = _last_success(_content(Path(path)), facts)
        text = metrics_text(outcome, facts, last_success)
        store.replace_file(Path(path), text.encode())
    except StorageError as error:
        reason = error.message
    except (OSError, ValueError) as error:
        known = error.strerror if isinstance(error, OSError) else None
        reason = f"cannot write {path}: {known or error}"
    else:
        return ""
    return f"{reason}; the metrics were not written (--metrics); the forecast is not affected"


def _content(path: Path) -> str:
    """The metrics that are in the file; an empty text where there is none.

    Raises OSError for anything but a plain file: writing into a pipe might wait for ever.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return ""
    if not stat.S_ISREG(state.st_mode):
        raise OSError(0, "it is not a plain file")
    if state.st_size > MOST_BYTES:
        return ""
    return path.read_bytes().decode("utf-8", "replace")


def _last_success(content: str, facts: JobFacts) -> float | None:
    """The time of the last success of the same job in a file of metrics."""
    beginning = f"{LAST_SUCCESS}{_labels(facts)} "
    for line in content.split("\n"):
        if line.startswith(beginning):
            return finite_number(line.removeprefix(beginning))
    return None


def _sample(name: str, help_text: str, labels: str, value: float | None) -> str:
    """The lines of one number; none where it is not known."""
    if value is None or not math.isfinite(value):
        return ""
    return f"# HELP {name} {help_text}\n# TYPE {name} gauge\n{name}{labels} {number_text(value)}\n"


def _labels(facts: JobFacts) -> str:
    """`{data="/srv/sales.csv",store="/srv/runs"}`; an empty text where nothing is known."""
    known = {"data": facts.data, "store": facts.store}
    pairs = [f'{name}="{_escaped(value)}"' for name, value in known.items() if value]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    """The value of a label: a backslash, a quote and a new line are escaped.

    Bytes of a path that are not UTF-8 become codes.
    """
    text = value.encode("utf-8", "backslashreplace").decode()
    for mark, code in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(mark, code)
    return text
