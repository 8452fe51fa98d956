from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from forecast_cli import plots, store, train
from forecast_cli.plots import attention, fonts, gates, loss, predictions, style
from tests.plots.helpers import QUICK, many, picture


def parts_cut_off(figure: Figure) -> list[str]:
    """The parts of a figure, with their words, that reach beyond its edges."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    parts: list[Artist] = [*figure.axes, *figure.legends, *figure.texts]
    cut = []
    for part in parts:
        box = part.get_tightbbox(canvas.get_renderer())
        if box is not None and not (
            0 <= box.x0 < box.x1 <= figure.bbox.x1 and 0 <= box.y0 < box.y1 <= figure.bbox.y1
        ):
            cut.append(str(part))
    return cut


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
    kinds = [*plots.AFTER_TRAINING, "gates"]
    assert plots.draw(run, kinds).files == plots.draw(run, kinds).files


def test_every_kind_can_be_drawn(tmp_path: Path) -> None:
    run = train(many(1), draw=False, store_folder=tmp_path, attention="luong", **QUICK).run
    # The track is drawn of what `refresh` has published: tests/plots/test_track.py.
    kinds = [kind for kind in plots.Kind if kind is not plots.Kind.track]
    assert list(plots.draw(run, kinds).files) == [f"{kind}.png" for kind in kinds]
    assert list(plots.draw(run, ["gates"]).files) == ["gates.png"]


@pytest.mark.parametrize(
    "name", ["sales", "sales_of_all_shops_of_the_whole_region_in_euros", "W" * 60]
)
@pytest.mark.parametrize("count", [1, 3])
def test_no_word_is_cut_off(tmp_path: Path, name: str, count: int) -> None:
    settings: dict[str, Any] = {**QUICK, "attention": "luong", "members": 2, "epochs": 1}
    ids: Sequence[str] = [""] if count == 1 else [f"{name} {number}" for number in range(count)]
    run = train(many(count, name, ids=ids), draw=False, store_folder=tmp_path, **settings).run
    label = fonts.Labels()
    cut = {}
    with style.applied(label.families):
        for kind, module in (
            ("loss", loss),
            ("predictions", predictions),
            ("gates", gates),
            ("attention", attention),
        ):
            cut[kind] = parts_cut_off(module.figure(run, label))
    assert cut == {"loss": [], "predictions": [], "gates": [], "attention": []}


def test_a_chinese_name_is_drawn_or_said_never_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(many(1, "销量"), draw=False, store_folder=tmp_path, **QUICK).run
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every glyph it lacks
        drawn = plots.draw(run)
        label = fonts.labels_for(run)
        boxes = [
            font
            for font in font_manager.fontManager.ttflist
            if "Last Resort" in font.name or font.name == "DejaVu Sans"
        ]
        monkeypatch.setattr(font_manager.fontManager, "ttflist", boxes)
        without = plots.draw(run)
    with style.applied(label.families):  # as pictures are drawn: names are measured in their fonts
        written = label("销量")
    assert (written == "销量") == (drawn.note == "") == (len(label.families) > 1)
    assert (
        without.note
        == "no font on this machine can draw '量销'; the plots show such letters as codes (install Noto fonts)"
    )


def test_dollar_signs_are_text_not_formulas(tmp_path: Path) -> None:
    run = train(many(1, "price $a_b$ [bold]"), draw=False, store_folder=tmp_path, **QUICK).run
    assert fonts.labels_for(run)("price $a_b$") == r"price \$a_b\$"
    plots.draw(run)
