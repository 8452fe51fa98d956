"""The words that can be chosen are those that the tables know."""

from __future__ import annotations

import typing

from forecast_cli import choices, network, planning


def test_every_word_has_its_entry_in_the_table_of_its_package() -> None:
    assert set(typing.get_args(choices.Cell)) == set(network.CELLS)
    assert set(typing.get_args(choices.Loss)) == set(network.LOSSES)
    assert set(typing.get_args(choices.Preset)) == set(planning.PRESETS)
