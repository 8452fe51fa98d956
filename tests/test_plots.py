from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.dates
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imread

from forecast_cli import forecasting, plots, store, train
from forecast_cli.calendar import DAY, HOUR, Frequency
from forecast_cli.errors import DataError, SettingsError, TooLittleDataError
from forecast_cli.network import inference
from forecast_cli.panel import Columns, Panel, TimeFormat, from_series
from forecast_cli.store import Run

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
    kinds = [*plots.KINDS, "gates"]
    assert plots.draw(run, kinds).files == plots.draw(run, kinds).files


def many(count: int, target: str = "y") -> Panel:
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
        families, label, _ = plots._fonts(run)
        boxes = [font for font in font_manager.fontManager.ttflist if "Last Resort" in font.name]
        monkeypatch.setattr(font_manager.fontManager, "ttflist", boxes)
        without = plots.draw(run)
    assert (label("销量") == "销量") == (drawn.note == "") == (len(families) > 1)
    assert (
        without.note
        == "no font on this machine can draw '量销'; the plots show such letters as codes (install Noto fonts)"
    )


def test_dollar_signs_are_text_not_formulas(tmp_path: Path) -> None:
    run = train(many(1, "price $a_b$ [bold]"), store_folder=tmp_path, **QUICK).run
    assert plots._fonts(run)[1]("price $a_b$") == r"price \$a_b\$"
    plots.draw(run)


def heat_maps(figure: Figure) -> list[np.ndarray]:
    """The values of every heat map, (rows, columns); color bars are none."""
    return [
        np.asarray(child.get_array())
        for axes in figure.axes
        if axes.get_label() != "<colorbar>"
        for child in axes.collections
        if isinstance(child, QuadMesh)
    ]


def words_of(figure: Figure) -> str:
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    return "\n".join([figure.get_suptitle(), *titles]).replace("\n", " ")


def recorded(monkeypatch: pytest.MonkeyPatch, run: Run, name: str) -> list[Any]:
    """What a function of `network.inference` gives back while the run forecasts from its stored rows."""
    found: list[Any] = []
    original: Callable[..., Any] = getattr(inference, name)

    def spy(*given: Any) -> Any:
        found.append(original(*given))
        return found[-1]

    with monkeypatch.context() as patched:
        patched.setattr(inference, name, spy)
        forecasting.forecast(run.tail, run.model, ())
    return found


@pytest.mark.parametrize(
    ("settings", "panels"),
    [
        ({}, ["forget gate", "input gate", "output gate", "memory", "state"]),
        ({"cell": "gru", "bidirectional": True}, ["reset gate", "update gate", "candidate", "state"]),
        ({"cell": "rnn", "members": 2}, ["state"]),
        ({"preset": "classic"}, ["forget gate", "input gate", "output gate", "memory", "state"]),
        ({"lookback": 28, "segment": 7, "units": "5,3"}, ["forget gate", "input gate", "output gate", "memory", "state"]),
    ],
)  # fmt: skip
def test_gates_end_in_the_state_that_the_forecast_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], panels: list[str]
) -> None:
    run = train(many(1), store_folder=tmp_path, **QUICK | {"epochs": 1} | settings).run
    shape, first = run.config.plan.architecture, recorded(monkeypatch, run, "encode")[0]
    figure = plots.gates(run, str)
    drawn = heat_maps(figure)
    assert [values.shape for values in drawn] == [(shape.units[-1], shape.steps)] * len(panels)
    assert np.sort(drawn[-1][:, -1]) == pytest.approx(np.sort(first.states[-1][0][0, : shape.units[-1]]))
    said = words_of(figure)
    assert [name for name in panels if name not in said] == []
    assert ("no gates" in said) == (shape.cell == "rnn")
    assert ("forward direction" in said) == shape.bidirectional
    assert ("segment of 7 rows" in said) == (shape.segment == 7)
    assert ("Member 1 of 2" in said) == (len(run.model.members) == 2)
    assert ("layer 2 of 2" in said.lower()) == (len(shape.units) == 2)


def test_a_row_of_the_gates_is_the_same_unit_in_every_panel(airline_store: Path) -> None:
    *_, output, memory, state = heat_maps(plots.gates(store.load(airline_store), str))
    assert output * np.tanh(memory) == pytest.approx(state)


@pytest.mark.parametrize(
    ("settings", "looks", "said"),
    [
        ({"preset": "seq2seq"}, 7, "It looks back for each of 7 steps ahead"),
        ({"preset": "seq2seq", "attention": "luong", "calendar": True}, 7, "It looks back for each of 7 steps ahead"),
        ({"attention": "luong", "members": 2}, 1, "Member 1 of 2; a direct network looks back once for all 7 steps ahead"),
        ({"attention": "bahdanau", "decoder": "recursive"}, 1, "this is its look for the first"),
    ],
)  # fmt: skip
def test_the_weights_drawn_are_those_that_the_forecast_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], looks: int, said: str
) -> None:
    run = train(many(1), store_folder=tmp_path, horizon=7, **QUICK | {"epochs": 1} | settings).run
    used = np.concatenate([share for _, share in recorded(monkeypatch, run, "attend")])[:looks]
    figure = plots.attention(run, str)
    (drawn,) = heat_maps(figure)
    assert drawn.shape == (looks, run.config.plan.architecture.steps)
    assert np.ptp(used) > 0
    assert drawn == pytest.approx(used, abs=1e-15)
    assert said in words_of(figure)


def test_heat_maps_stand_under_the_rows_that_they_are_of(airline_store: Path) -> None:
    """Monthly rows of unequal length: a column begins and ends between its row and the next ones."""
    figure = plots.gates(store.load(airline_store), str)
    times = figure.axes[0].lines[0].get_xdata(orig=False)
    (mesh,) = (child for child in figure.axes[-1 - 5].collections if isinstance(child, QuadMesh))
    edges = mesh.get_coordinates()[0, :, 0]
    assert len(edges) == len(times) + 1
    assert (edges[:-1] < times).all()
    assert (times < edges[1:]).all()


def test_a_series_is_chosen_by_its_name_and_the_first_by_default(tmp_path: Path) -> None:
    panel = many(3)
    run = train(panel, store_folder=tmp_path, **QUICK).run
    lookback = run.config.plan.lookback
    for name, position in ((None, 0), ("series 0", 0), ("series 2", 2)):
        figure = plots.gates(run, str, name)
        assert f"series {position} (y)" in figure.get_suptitle()
        end = panel.offsets[position + 1]
        assert np.array_equal(figure.axes[0].lines[0].get_ydata(), panel.values[end - lookback : end])
    with pytest.raises(SettingsError) as wrong:
        plots.draw(run, ["gates"], "series2")
    assert (wrong.value.message, wrong.value.hint) == ("no series 'series2' in the run", "did you mean 'series 2'?")


def test_a_series_that_the_network_cannot_read_is_passed_over_or_refused(tmp_path: Path) -> None:
    panel = many(2)
    keep = np.r_[65:70, 70:140]
    panel = replace(panel, offsets=np.array([0, 5, 75]), values=panel.values[keep])
    run = train(panel, store_folder=tmp_path, **QUICK).run
    assert "series 1" in plots.gates(run, str).get_suptitle()
    with pytest.raises(TooLittleDataError, match="series 'series 0' is shorter than the lookback"):
        plots.gates(run, str, "series 0")


def test_attention_wants_a_network_that_has_it(airline_store: Path) -> None:
    run = store.load(airline_store)
    with pytest.raises(SettingsError) as none:
        plots.draw(run, ["gates", "attention"])
    assert none.value.message == f"the run {run.name} has no attention"
    assert none.value.hint == "train with --attention bahdanau, or --preset seq2seq"


def test_what_is_not_known_yet_of_the_steps_ahead_keeps_a_decoder_from_looking(tmp_path: Path) -> None:
    promo = (np.arange(70) % 5 == 0)[:, None].astype(float)
    panel = replace(many(1), future_names=("promo",), future=promo)
    run = train(panel, store_folder=tmp_path, preset="seq2seq", **QUICK).run
    assert len(heat_maps(plots.gates(run, str))) == 5
    with pytest.raises(DataError, match="the covariate 'promo' is not known") as unknown:
        plots.attention(run, str)
    assert unknown.value.hint == "train on data with rows for these steps, whose target is empty"


def test_times_are_those_of_the_file(tmp_path: Path) -> None:
    """The same instants, written five and a half hours apart: the axis says what the file says."""
    shown = []
    for offset in ("Z", "+05:30"):
        panel = from_series(
            [50 + np.sin(np.arange(100) / 24 * 2 * np.pi)], Frequency("fixed", HOUR), first=[480_000],
            columns=Columns("time"), time_format=TimeFormat("%Y-%m-%dT%H:%M%z", offset),
        )  # fmt: skip
        run = train(panel, store_folder=tmp_path, lookback=12, horizon=6, **QUICK).run
        axes = plots.gates(run, str).axes[-1 - 5]
        shown.append([matplotlib.dates.num2date(t).strftime("%H:%M") for t in axes.get_xticks()])
    assert all(text.endswith(":00") for text in shown[0])
    assert all(text.endswith(":30") for text in shown[1])


def test_every_member_has_its_losses_and_its_mark(tmp_path: Path) -> None:
    run = train(many(1), store_folder=tmp_path, members=3, loss="mae", **QUICK).run
    axes = plots.loss(run, str).axes[0]
    bests = run.metrics["members"]["best_epochs"]
    assert len(axes.lines) == 2 * 3 + 1
    assert list(axes.lines[-1].get_xdata()) == bests
    assert axes.get_title(loc="left").endswith("3 members")
    assert axes.get_ylabel().startswith("mean absolute error")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[:4] == [
        f"{kind}, {who}" for who in ("member 1", "other members") for kind in ("training", "validation")
    ]


def test_a_history_from_before_there_were_members_still_draws(airline_store: Path) -> None:
    run = store.load(airline_store)
    lines = [",".join(line.split(",")[:4]) for line in run.texts["history.csv"].decode().splitlines()]
    assert lines[0] == "epoch,training_loss,validation_loss,learning_rate"
    metrics = {key: value for key, value in run.metrics.items() if key != "members"}
    old = replace(run, texts=run.texts | {"history.csv": "\n".join(lines).encode()}, metrics=metrics)
    assert plots.draw(old, ["loss"]).files == plots.draw(run, ["loss"]).files
