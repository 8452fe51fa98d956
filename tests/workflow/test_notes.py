"""What is told of the newest values of a forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from forecast_cli import workflow
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Plan, make_base_plan
from forecast_cli.sources import settings_from
from forecast_cli.workflow import notes
from tests.conftest import daily

Write = Callable[..., Path]

WAVE = np.round(100 + 20 * np.sin(2 * np.pi * np.arange(60) / 7), 1)


def with_last(value: float) -> np.ndarray:
    values = WAVE.copy()
    values[-1] = value
    return values


def told(data: Panel | Path) -> list[str]:
    predicted = workflow.predict(data, run="base", horizon=3)
    return [note.text for note in predicted.notes if note.kind == "values_far_outside"]


def test_the_first_value_far_outside_is_named_with_its_series_and_how_many_more() -> None:
    series = [WAVE, with_last(132100000), with_last(-0.5e9), with_last(1e100)]
    assert told(from_series(series, ids=["a", "b", "c", "d"])) == [
        "series 'b': the value 132100000 of 59 (and 2 more) is far outside of all earlier ones "
        "(80.5 to 119.5), and the forecast follows it; correct it, or leave the cell empty"
    ]


def test_a_single_series_has_no_name_and_ordinary_values_no_note(write: Write) -> None:
    assert told(write(daily(with_last(1321.5)))) == [
        "the value 1321.5 of 2024-02-29 is far outside of all earlier ones (80.5 to 119.5), and "
        "the forecast follows it; correct it, or leave the cell empty"
    ]
    assert told(write(daily(with_last(800)))) == []


def test_nothing_is_told_of_series_that_were_left_out() -> None:
    panel = from_series([WAVE, with_last(1e9)], ids=["a", "b"])
    predicted = workflow.predict(panel, run="base", horizon=3)
    assert notes.about_newest_values(predicted.forecast, panel, _plan(panel))

    without = replace(predicted.forecast, dropped=("b",))
    assert notes.about_newest_values(without, panel, _plan(panel)) == ()


def _plan(panel: Panel) -> Plan:
    return make_base_plan(panel, settings_from(horizon=3))
