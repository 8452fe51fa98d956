from __future__ import annotations

import typing

from forecast_cli import choices
from forecast_cli.planning import PRESETS
from forecast_cli.planning.presets import SIZES


def test_every_preset_that_can_be_chosen_is_in_the_table_under_its_name() -> None:
    assert list(PRESETS) == list(typing.get_args(choices.Preset))
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)


def test_sizes_cover_any_number_of_windows() -> None:
    limits = [size.windows for size in SIZES]
    assert limits == sorted(limits)
    assert limits[-1] == float("inf")
