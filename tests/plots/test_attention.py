from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import plots, store, train
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.plots import attention, gates
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK, heat_maps, many, recorded, words_of


@pytest.mark.parametrize(
    ("settings", "looks", "said"),
    [
        ({"preset": "seq2seq"}, 7, "It looks back for each of 7 steps ahead"),
        ({"preset": "seq2seq", "attention": "luong", "calendar": True}, 7, "It looks back for each of 7 steps ahead"),
        ({"attention": "luong", "members": 2}, 1, "Member 1 of 2; a direct network looks back once for all 7 steps ahead"),
        ({"attention": "bahdanau", "decoder": "recursive"}, 1, "this is for the first"),
    ],
)  # fmt: skip
def test_the_weights_drawn_are_those_that_the_forecast_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], looks: int, said: str
) -> None:
    run = train(
        many(1), draw=False, store_folder=tmp_path, horizon=7, **QUICK | {"epochs": 1} | settings
    ).run
    used = np.concatenate([share for _, share in recorded(monkeypatch, run, "attend")])[:looks]
    figure = attention.figure(run, Labels())
    (drawn,) = heat_maps(figure)
    assert drawn.shape == (looks, run.config.plan.architecture.steps)
    assert np.ptp(used) > 0
    assert drawn == pytest.approx(used, abs=1e-15)
    assert said in words_of(figure)


def test_attention_wants_a_network_that_has_it(airline_store: Path) -> None:
    run = store.load(airline_store)
    with pytest.raises(SettingsError) as none:
        plots.draw(run, ["gates", "attention"])
    assert none.value.message == f"the run {run.name} has no attention"
    assert none.value.hint == "train with --attention bahdanau, or --preset seq2seq"


def test_what_is_not_known_yet_of_the_steps_ahead_keeps_a_decoder_from_looking(
    tmp_path: Path,
) -> None:
    promo = (np.arange(70) % 5 == 0)[:, None].astype(float)
    panel = replace(many(1), future_names=("promo",), future=promo)
    run = train(panel, draw=False, store_folder=tmp_path, preset="seq2seq", **QUICK).run
    assert len(heat_maps(gates.figure(run, Labels()))) == 5
    with pytest.raises(DataError, match="the covariate 'promo' is not known") as unknown:
        attention.figure(run, Labels())
    assert unknown.value.hint == "train on data with rows for these steps, whose target is empty"
