from __future__ import annotations

from pathlib import Path

import pytest

from forecast_cli import plots, train
from forecast_cli.plots import predictions
from tests.plots.helpers import QUICK, many, picture


@pytest.mark.parametrize("count", [2, 5, 400])
def test_one_picture_serves_any_number_of_series(tmp_path: Path, count: int) -> None:
    run = train(many(count), store_folder=tmp_path, **QUICK).run
    stories, rest = predictions.stories_of(run)
    assert (len(stories), rest) == (min(count, predictions.SHOWN), max(count - predictions.SHOWN, 0))
    assert picture(plots.draw(run, ["predictions"]).files["predictions.png"]).shape[1] == 800
