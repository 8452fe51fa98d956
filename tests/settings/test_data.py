"""The settings of the reader that do not go together, and their lists."""

from __future__ import annotations

from typing import Any

import pytest

from forecast_cli.errors import SettingsError
from forecast_cli.settings import DataSettings


@pytest.mark.parametrize(
    ("values", "message", "option"),
    [
        (
            {"decimal": ",", "thousands": ","},
            "--thousands: ',' is not a separator beside the decimal mark",
            "thousands",
        ),
        (
            {"null": ["-999"], "not_null": ["-999.0"]},
            "--not-null: '-999.0' is also named by --null",
            "not_null",
        ),
        (
            {"dates_as_columns": "region", "time": "day"},
            "--dates-as-columns does not go with --time: all numbers are of one kind, "
            "and dates are their columns",
            "dates_as_columns",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    values: dict[str, Any], message: str, option: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        DataSettings(**values)
    assert (caught.value.message, caught.value.option) == (message, option)


def test_empty_words_of_a_list_are_left_out() -> None:
    assert DataSettings(target=["", "y"], past=[""]) == DataSettings(target=["y"])
