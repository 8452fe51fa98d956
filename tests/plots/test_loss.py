from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forecast_cli import plots, store, train
from forecast_cli.plots import loss
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK, many


def test_every_member_has_its_losses_and_its_mark(tmp_path: Path) -> None:
    run = train(many(1), store_folder=tmp_path, members=3, loss="mae", **QUICK).run
    figure = loss.figure(run, Labels())
    axes = figure.axes[0]
    bests = run.metrics["members"]["best_epochs"]
    assert len(axes.lines) == 2 * 3 + 1
    assert list(axes.lines[-1].get_xdata()) == bests
    assert figure.get_suptitle().endswith("(3 members)")
    assert axes.get_ylabel().startswith("mean absolute error")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
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
