from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from forecast_cli import plots, store, train
from forecast_cli.plots import loss
from forecast_cli.plots.fonts import Labels
from forecast_cli.store import Run
from tests.plots.helpers import QUICK, many


def test_every_member_has_its_losses_and_its_mark(tmp_path: Path) -> None:
    asked = {**QUICK, "members": 3, "loss": "mae"}
    run = train(many(1), draw=False, store_folder=tmp_path, **asked).run
    figure = loss.figure(run, Labels())
    axes = figure.axes[0]
    assert run.metrics.members is not None
    bests = run.metrics.members.best_epochs
    assert len(axes.lines) == 2 * 3 + 1
    assert np.asarray(axes.lines[-1].get_xdata()).tolist() == bests
    assert figure.get_suptitle().endswith("(3 members)")
    assert axes.get_ylabel().startswith("mean absolute error")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:4] == [
        f"{kind}, {who}"
        for who in ("member 1", "other members")
        for kind in ("training", "validation")
    ]


def test_a_history_from_before_there_were_members_still_draws(airline_store: Path) -> None:
    run = store.load(airline_store)
    lines = [
        ",".join(line.split(",")[:4]) for line in run.texts["history.csv"].decode().splitlines()
    ]
    assert lines[0] == "epoch,training_loss,validation_loss,learning_rate"
    metrics = run.metrics.model_copy(update={"members": None})
    old = replace(
        run, texts=run.texts | {"history.csv": "\n".join(lines).encode()}, metrics=metrics
    )
    assert plots.draw(old, ["loss"]).files == plots.draw(run, ["loss"]).files


def with_history(run: Run, lines: str, best: int) -> Run:
    header = "epoch,training_loss,validation_loss,learning_rate,clipped,member\n"
    training = run.metrics.training.model_copy(update={"best_epoch": best})
    metrics = run.metrics.model_copy(update={"training": training, "members": None})
    return replace(
        run, texts=run.texts | {"history.csv": (header + lines).encode()}, metrics=metrics
    )


def test_losses_that_span_a_decade_have_a_log_scale_with_plain_numbers(airline_store: Path) -> None:
    run = with_history(store.load(airline_store), "1,1.1,,0.1,0,1\n2,0.09,,0.1,0,1\n", 2)
    figure = loss.figure(run, Labels())
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    shown = [
        t.label1.get_text() for t in axes.yaxis.get_major_ticks() if low <= t.get_loc() <= high
    ]
    assert shown == ["0.1", "0.2", "0.5", "1"]


def test_without_validation_the_mark_is_on_the_training_loss(airline_store: Path) -> None:
    run = with_history(
        store.load(airline_store), "1,0.5,,0.1,0,1\n2,0.25,,0.1,0,1\n3,0.3,,0.1,0,1\n", 2
    )
    axes = loss.figure(run, Labels()).axes[0]
    assert axes.get_yscale() == "linear"
    assert next(line.get_label() for line in axes.lines) == "training"
    (mark,) = (line for line in axes.lines if line.get_label() == "weights kept: epoch 2")
    assert np.asarray(mark.get_xydata()).tolist() == [[2, 0.25]]


def test_a_run_that_kept_no_epoch_has_no_mark(airline_store: Path) -> None:
    run = with_history(store.load(airline_store), "1,0.5,0.4,0.1,0,1\n", 0)
    axes = loss.figure(run, Labels()).axes[0]
    assert [line.get_label() for line in axes.lines] == ["training", "validation"]
