"""--min-skill: a network that is not good enough is kept, but nothing is promoted, and the exit code is 4."""

from __future__ import annotations

import json
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import QUICK, Forecast
from tests.conftest import AIRLINE

TINY = (*QUICK, "--from", "none", "--store", "store")


def test_a_refused_first_run_leaves_nothing_to_predict_from_and_says_why(
    forecast: Forecast,
) -> None:
    refused = forecast("train", AIRLINE, *TINY, "--min-skill", "0.99", "--json")
    document = json.loads(refused.out)
    (name,) = store.names(Path("store"))
    assert (refused.code, document["exit_code"], document["published"]) == (4, 4, False)
    assert document["run"] == name
    assert document["metrics"]["test"]["network"]["mase"] > 0
    assert refused.err.splitlines()[-2:] == [
        f"error: {document['error']}",
        f"hint: {document['hint']}",
    ]
    assert document["error"].startswith(
        f"run {name} was not promoted: on the 12 held-out rows the network's MASE is "
    )
    assert document["hint"] == (
        "look at it with `forecast runs show --run 1`; `forecast runs rollback --run 1` makes it "
        "the latest all the same"
    )
    assert json.loads(Path("store/last_run.json").read_text()) == document

    reason = document["error"].split("promoted: ")[1]
    predicted = forecast("predict", "--store", "store", "-o", "forecast.csv")
    assert (predicted.code, predicted.out) == (10, "")
    assert predicted.err == (
        f"error: no run in store is the latest: {name} was not promoted, because {reason}\n"
        f"hint: train again, or use it as it is: `forecast runs rollback --run {name}`\n"
    )
    assert not Path("forecast.csv").exists()

    shown = forecast("runs", "show", "--run", "1", "--store", "store")
    assert reason in shown.out
    (row,) = json.loads(forecast("runs", "list", "--store", "store", "--json").out)["runs"]
    assert (row["promoted"], row["refusal"]) == (False, reason)


def test_a_refused_run_changes_no_forecast_until_it_is_made_the_latest(
    forecast: Forecast, store_copy: Path
) -> None:
    place = ("--store", store_copy)
    before, latest = forecast("predict", *place).out, store.latest(store_copy)
    forced = ("--min-skill", "0.99", "--quiet")
    refused = forecast("train", AIRLINE, *QUICK, *place, *forced)
    assert (refused.code, refused.out) == (4, "")
    assert store.latest(store_copy) == latest
    assert forecast("predict", *place).out == before

    (name,) = store.unpromoted(store_copy)
    assert forecast("runs", "rollback", "--run", name, *place).code == 0
    assert store.refusal(store_copy, name) == ""
    assert forecast("predict", *place).out != before


def test_a_network_that_is_good_enough_is_promoted(forecast: Forecast) -> None:
    trained = forecast("train", AIRLINE, *TINY, "--min-skill", "0", "--json")
    document = json.loads(trained.out)
    assert (trained.code, document["published"]) == (0, True)
    assert "error" not in document


def test_refused_runs_do_not_pile_up_in_a_store_without_a_latest_run(
    forecast: Forecast,
) -> None:
    for _ in range(3):
        refused = forecast("train", AIRLINE, *TINY, "--min-skill", "0.99", "--keep", "2")
        assert refused.code == 4
    numbers = [name.split("-")[1] for name in store.names(Path("store"))]
    assert numbers == ["000002", "000003"]
    assert forecast("runs", "prune", "--keep", "1", "--store", "store").code == 0
    assert len(store.names(Path("store"))) == 1


def test_what_cannot_be_judged_is_refused_before_the_training(
    forecast: Forecast, store_copy: Path
) -> None:
    none_held_out = forecast("train", AIRLINE, *TINY, "--min-skill", "0.1", "--test", "0")
    assert none_held_out.code == 2
    assert none_held_out.said == (
        "error: --min-skill is judged on held-out rows, and --test 0 holds out none\n"
        "hint: leave out one of them\n"
    )

    start = ("--from", "1", "--store", store_copy, "--units", "8,6", "--min-skill", "0.1")
    seen = forecast("train", AIRLINE, *start)
    assert seen.code == 2
    assert seen.said == (
        "error: --min-skill is judged on held-out rows, and the run that --from names was trained "
        "on them\n"
        "hint: leave out one of them\n"
    )
    assert len(store.names(store_copy)) == 1


def test_a_backtest_is_judged_too_with_all_its_scores_written(
    forecast: Forecast, store_copy: Path
) -> None:
    asked = ("--origins", "2", "--min-skill", "0.9")
    base = forecast("backtest", AIRLINE, "--run", "base", *asked, "--json", "-o", "out.csv")
    document = json.loads(base.out)
    assert (base.code, document["exit_code"]) == (4, 4)
    assert document["error"].startswith("from 2 origins the network's MASE is ")
    assert document["scores"]["network"]["mase"] > 0
    assert Path("out.csv").exists()

    good = forecast("backtest", AIRLINE, "--run", "base", "--origins", "2", "--min-skill", "0.1")
    assert good.code == 0

    trained = forecast("backtest", AIRLINE, *TINY[:-4], *asked, "--store", store_copy)
    assert trained.code == 4
    assert trained.err.splitlines()[-1].startswith("error: from 2 origins the network's MASE is ")
