"""forecast plot"""

from __future__ import annotations

import json
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import QUICK, Forecast
from tests.conftest import Result


def test_gates_and_attention_are_drawn_on_request(forecast: Forecast, airline_store: Path) -> None:
    store_words = ("--store", airline_store, "-o", "pictures")
    assert forecast("plot", "--kind", "gates", *store_words) == Result(
        0, "", "wrote pictures/gates.png\n"
    )
    assert [p.name for p in Path("pictures").iterdir()] == ["gates.png"]
    document = json.loads(forecast("plot", *store_words, "--json").out)
    assert document["files"] == ["pictures/loss.png", "pictures/predictions.png"]
    name = store.latest(airline_store)
    for words, message, hint in (
        (("--kind", "attention"), f"the run {name} has no attention", "train with --attention bahdanau, or --preset seq2seq"),
        (("--kind", "gates", "--series", "x"), "no series 'x': the run has one series, without a name", "leave --series out"),
        (("--series", "x"), "--series goes with --kind gates, attention or track", "add --kind gates"),
    ):  # fmt: skip
        assert forecast("plot", *words, *store_words) == Result(
            2, "", f"error: {message}\nhint: {hint}\n"
        )
    assert len(list(Path("pictures").iterdir())) == 3


def test_attention_of_a_series_by_its_name(forecast: Forecast) -> None:
    rows = "".join(
        f"{name},2024-01-{d:02},{d % 7 + k}\n" for k, name in enumerate("ab") for d in range(1, 32)
    )
    Path("two.csv").write_text("unique_id,ds,y\n" + rows)
    assert forecast("train", "two.csv", *QUICK, "--preset", "seq2seq", "--quiet").code == 0
    drawn = forecast("plot", "--kind", "attention", "--series", "b", "-o", ".")
    assert drawn == Result(0, "", "wrote attention.png\n")
    assert forecast("plot", "--kind", "attention", "--series", "c") == Result(
        2, "", "error: no series 'c' in the run\nhint: known: a, b\n"
    )
