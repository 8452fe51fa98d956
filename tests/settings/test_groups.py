"""The declarations: types, bounds and choices."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from forecast_cli.errors import SettingsError
from forecast_cli.fields import choices_of, plain_type
from forecast_cli.settings import (
    GROUPS,
    DataSettings,
    IntervalSettings,
    LockSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
    WindowSettings,
    fields_by_name,
    rereading,
    types_by_name,
)

NAMES = list(fields_by_name())


def test_every_name_is_declared_once() -> None:
    declared = [field.name for group in GROUPS.values() for field in dataclasses.fields(group)]
    assert sorted(declared) == sorted(set(declared)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_help_and_a_word_for_its_value(name: str) -> None:
    metadata, kind = fields_by_name()[name].metadata, types_by_name()[name]
    text = metadata["help"]
    assert text[0].isupper()
    assert text.endswith(".")
    assert metadata["metavar"] or plain_type(kind) is bool or choices_of(kind)


@pytest.mark.parametrize("name", NAMES)
def test_every_default_is_of_its_type(name: str) -> None:
    field, kind = fields_by_name()[name], types_by_name()[name]
    form, default = field.metadata["form"], field.default
    if form is not None and default is not None:
        assert form.parse(form.write(default), name) == default
    elif default is not None:
        assert default in choices_of(kind) or type(default) is plain_type(kind)
    else:
        assert type(None) in kind.__args__


@pytest.mark.parametrize(
    ("group", "name", "value", "message"),
    [
        (WindowSettings, "horizon", 0, "--horizon must be at least 1, got 0"),
        (NetworkSettings, "dropout", 2.0, "--dropout must be at most 0.95, got 2.0"),
        (NetworkSettings, "dropout", float("nan"), "--dropout must be at least 0, got nan"),
        (NetworkSettings, "cell", "x", "--cell: 'x' is not one of lstm, gru, rnn"),
        (DataSettings, "decimal", ";", "--decimal: ';' is not one of . and ,"),
        (
            DataSettings,
            "thousands",
            "x",
            "--thousands: 'x' is not a separator beside the decimal mark",
        ),
        (DataSettings, "not_null", ["many"], "--not-null: 'many' is not a number"),
        (TrainingSettings, "time_limit", "soon", "--time-limit: 'soon' is not a duration"),
    ],
)
def test_a_wrong_value_is_refused_by_the_option_that_it_is_of(
    group: Any, name: str, value: Any, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        group(**{name: value})
    assert (caught.value.message, caught.value.option) == (message, name)


def test_texts_are_parsed_once_and_stay_parsed() -> None:
    text: Any = "168,24"
    data = DataSettings(season=text)
    assert data.season == (24, 168)
    assert dataclasses.replace(data, time="t").season == (24, 168)
    assert dataclasses.replace(DataSettings(season=()), time="t").season == ()
    assert IntervalSettings((95.0, 80.0)).levels == (80.0, 95.0)
    assert LockSettings(90).lock_wait == 90.0


def test_settings_of_the_reader_that_new_rows_may_need_are_known() -> None:
    assert {"gaps", "bad_rows", "null", "date_format"} <= set(rereading())
    assert {"time", "target", "horizon"}.isdisjoint(rereading())


def test_all_defaults_together_are_valid() -> None:
    assert Settings() == Settings(**{name: group() for name, group in GROUPS.items()})
