from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.image import imread

from forecast_cli import plots, store, train
from forecast_cli.calendar import DAY, Frequency
from forecast_cli.panel import Columns, TimeFormat, from_series

QUICK = {"epochs": 2, "units": "4"}


def picture(data: bytes) -> np.ndarray:
    return np.asarray(imread(io.BytesIO(data)))


def test_pictures_are_800_pixels_wide_and_not_empty(airline_store: Path) -> None:
    drawn = plots.draw(store.load(airline_store))
    assert sorted(drawn.files) == ["loss.png", "predictions.png"]
    assert drawn.note == ""
    for data in drawn.files.values():
        pixels = picture(data)
        assert pixels.shape[1] == 800
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_the_same_run_draws_the_same_bytes(airline_store: Path) -> None:
    run = store.load(airline_store)
    assert plots.draw(run).files == plots.draw(run).files


def many(count: int, target: str = "y") -> object:
    random = np.random.default_rng(2)
    return from_series(
        [50 + 10 * np.sin(np.arange(70) / 7 * 2 * np.pi) + random.normal(0, 1 + s / 50, 70) for s in range(count)],
        Frequency("fixed", DAY), ids=[f"series {s}" for s in range(count)], first=[20_000] * count,
        columns=Columns("day", target, "unique_id"), time_format=TimeFormat("%Y-%m-%d"),
    )  # fmt: skip


@pytest.mark.parametrize("count", [2, 5, 400])
def test_one_picture_serves_any_number_of_series(tmp_path: Path, count: int) -> None:
    run = train(many(count), store_folder=tmp_path, **QUICK).run
    stories, rest = plots._stories(run)
    assert (len(stories), rest) == (min(count, plots.SHOWN), max(count - plots.SHOWN, 0))
    assert picture(plots.draw(run, ["predictions"]).files["predictions.png"]).shape[1] == 800


def test_a_chinese_name_is_drawn_or_said_never_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(many(1, "销量"), store_folder=tmp_path, **QUICK).run
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every glyph it lacks
        drawn = plots.draw(run)
        monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
        without = plots.draw(run)
    has_font = any("CJK" in font.name for font in font_manager.fontManager.ttflist) or drawn.note == ""
    assert has_font or drawn.note
    assert (
        without.note
        == "no font on this machine can draw '量销'; the plots show such letters as codes (install Noto fonts)"
    )


def test_dollar_signs_are_text_not_formulas(tmp_path: Path) -> None:
    run = train(many(1, "price $a_b$ [bold]"), store_folder=tmp_path, **QUICK).run
    assert plots._fonts(run)[1]("price $a_b$") == r"price \$a_b\$"
    plots.draw(run)
