"""forecast refresh: a fresh forecast, and a training when it is due."""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import store, tables, workflow
from forecast_cli.forecasting import Forecast as Forecasted
from forecast_cli.sources import settings_from
from tests.commands.helpers import Forecast
from tests.conftest import run_python

TINY = [
    "--epochs",
    "2",
    "--units",
    "6",
    "--members",
    "1",
    "--lookback",
    "14",
    "--season",
    "7",
    "--horizon",
    "7",
]
NOISE = np.random.default_rng(1).normal(0, 1, 400)


def season(count: int, *, drift_from: int = 10_000, size: float = 10.0) -> np.ndarray:
    """A week that is three days late from some day on."""
    days = np.arange(count)
    return 100 + size * np.sin(2 * np.pi * (days + 3 * (days >= drift_from)) / 7) + NOISE[:count]


def write_days(values: np.ndarray, name: str = "data.csv") -> None:
    days = np.datetime64("2025-01-01", "D") + np.arange(len(values))
    rows = [f"{day},{value:.3f}\n" for day, value in zip(days, values, strict=True)]
    Path(name).write_text("day,y\n" + "".join(rows))


@pytest.fixture(scope="module")
def refreshed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of 120 days, the forecast, and the store of the first refresh."""
    folder = tmp_path_factory.mktemp("refreshed")
    write_days(season(120), str(folder / "data.csv"))
    settings = settings_from(epochs=2, units="6", members=1, lookback=14, season="7", horizon=7)

    def deliver(result: Forecasted) -> None:
        (folder / "out.csv").write_bytes(tables.forecast_csv(result))

    workflow.refresh(folder / "data.csv", settings, deliver, store_folder=folder / "store")
    return folder


@pytest.fixture
def first(refreshed_once: Path, tmp_path: Path) -> str:
    """The run of a first refresh, which is copied into the folder of the test."""
    shutil.copytree(refreshed_once, tmp_path, dirs_exist_ok=True)
    return store.latest(tmp_path / "store")


def refreshed(forecast: Forecast, *words: object, code: int = 0) -> dict[str, Any]:
    done = forecast(
        "refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv", "--json", *words
    )
    assert done.code == code, done.err
    document: dict[str, Any] = json.loads(done.out)
    assert document["exit_code"] == code
    return document


def test_the_first_refresh_trains_and_the_next_one_reuses_the_run_without_torch(
    forecast: Forecast,
) -> None:
    write_days(season(120))
    first = refreshed(forecast)
    assert (first["action"], first["due"], first["promoted"]) == ("trained", ["no_run"], True)
    assert forecast("predict", "data.csv", "--store", "store", "-o", "p.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("p.csv").read_bytes()

    write_days(season(141))
    code = "import sys; from forecast_cli.app import app\ntry: app(sys.argv[1:])\nexcept SystemExit as e: assert e.code == 0\nassert 'torch' not in sys.modules"
    words = ("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv", "--quiet")
    before = Path("out.csv").read_bytes()
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    run_python(code, *words, folder=Path.cwd())
    assert Path("out.csv").read_bytes() != before
    kept = json.loads(Path("store/last_run.json").read_text())
    assert (kept["action"], kept["run"], kept["new_rows"]) == ("reused", first["run"], 21)
    assert kept["live"]["by"] == "rolled"
    assert (kept["live"]["rows"], kept["live"]["forecasts"]) == (21, 3)


def test_forecasts_that_came_true_are_scored_by_what_was_published(
    forecast: Forecast, first: str
) -> None:
    for days in (127, 134):
        write_days(season(days))
        last = refreshed(forecast)
    assert (last["live"]["by"], last["live"]["rows"], last["live"]["forecasts"]) == (
        "stored",
        14,
        2,
    )
    past = store.read_forecast(Path("store"), 1)
    again = [store.read_forecast(Path("store"), number) for number in (1, 2)]
    errors = [
        np.abs(each.values[0] - season(134)[120 + 7 * i :][:7]) for i, each in enumerate(again)
    ]
    actual = np.round(season(134), 3)
    scale = np.abs(actual[7:120] - actual[:113]).mean()
    assert last["live"]["mase"] == pytest.approx(np.mean(errors) / scale, rel=1e-3)
    assert past.record.event.candidate == last["run"] == first


def test_a_season_that_changes_raises_the_alarm_and_the_new_run_is_promoted(
    forecast: Forecast,
    first: str,
) -> None:
    write_days(season(155, drift_from=120))
    drifted = refreshed(forecast, code=4)
    assert (drifted["alarm"], drifted["due"], drifted["promoted"]) == (True, ["alarm"], True)
    assert drifted["run"] != first
    assert drifted["candidate"]["compared"]["by"] == "same_rows"
    assert Path("out.csv").read_text().count("\n") == 8
    event = store.read_forecast(Path("store"), 2).record.event
    assert (event.alarm, event.promoted) == (True, True)


def test_a_run_that_is_no_better_is_kept_but_not_promoted(forecast: Forecast, first: str) -> None:
    again = refreshed(forecast, "--retrain-after", "0")
    assert (again["action"], again["due"], again["promoted"]) == ("trained", ["age"], False)
    assert again["run"] == first
    assert again["candidate"]["compared"]["by"] == "recorded"
    assert again["candidate"]["verdict"].endswith("it is no better")
    assert store.latest(Path("store")) == first


def test_only_settings_that_change_the_weights_make_it_train(
    forecast: Forecast, first: str
) -> None:
    dry = ("refresh", "data.csv", *TINY, "--store", "store", "--dry-run")
    for words, action in (
        ((), "reuse"),
        (("--digits", "1", "--levels", "50", "--keep", "3"), "reuse"),
        (("--seed", "5"), "train"),
    ):
        done = forecast(*dry, *words)
        assert (done.code, json.loads(done.out)["action"]) == (0, action)

    out = refreshed(forecast, "--digits", "1", "--levels", "50")
    assert out["action"] == "reused"
    assert Path("out.csv").read_text().splitlines()[0] == "day,forecast,lo-50,hi-50"


def test_intervals_that_the_run_has_not_learned_are_exit_2_and_change_nothing(
    forecast: Forecast, first: str
) -> None:
    before = Path("out.csv").read_bytes()
    words = ("refresh", "data.csv", *TINY, "--store", "store", "--interval", "quantile")
    for where in (("-o", "out.csv"), ("--dry-run",)):
        done = forecast(*words, *where)
        assert (done.code, done.said) == (
            2,
            "error: --interval quantile: the network of the run has no quantiles\n"
            "hint: train with --loss quantile, or use --interval conformal\n",
        )
    assert Path("out.csv").read_bytes() == before
    assert store.forecast_numbers(Path("store")) == [1]


def test_a_reused_run_obeys_the_options_of_the_output_as_predict_does(
    forecast: Forecast,
) -> None:
    write_days(season(120))
    learned = ("--loss", "quantile", "--levels", "50,80")
    refreshed(forecast, *learned)
    for interval in ("quantile", "conformal"):
        asked = ("--interval", interval, "--levels", "50,80", "--digits", "2")
        assert refreshed(forecast, *learned, *asked)["action"] == "reused"
        name = f"{interval}.csv"
        assert forecast("predict", "data.csv", "--store", "store", *asked, "-o", name).code == 0
        assert Path("out.csv").read_bytes() == Path(name).read_bytes()
    assert Path("quantile.csv").read_bytes() != Path("conformal.csv").read_bytes()


def test_a_run_that_goes_on_without_the_intervals_asked_for_is_degraded(
    forecast: Forecast, first: str
) -> None:
    quantiles = ("--loss", "quantile", "--interval", "quantile")
    kept = refreshed(forecast, *quantiles, "--learning-rate", "0.000001", code=3)
    assert (kept["run"], kept["promoted"]) == (first, False)
    assert kept["reasons"] == [
        f"the run {first}, which goes on, has not learned what --interval quantile needs, so its "
        "intervals are conformal"
    ]


def test_the_measured_coverage_of_the_run_is_said_as_predict_says_it(
    forecast: Forecast, first: str
) -> None:
    said = forecast("predict", "data.csv", "--store", "store", "-o", "p.csv").said
    sentence = said.splitlines()[-1]
    assert "80 %" in sentence or "80%" in sentence
    words = ("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv")
    assert sentence in forecast(*words).said.splitlines()
    assert sentence not in forecast(*words, "--levels", "60").said.splitlines()

    document = refreshed(forecast)
    predicted = forecast("predict", "data.csv", "--store", "store", "--json")
    assert document["coverage"] == json.loads(predicted.out)["coverage"] != []


def test_a_dry_run_needs_no_store_and_changes_nothing(forecast: Forecast) -> None:
    write_days(season(120))
    done = forecast("refresh", "data.csv", *TINY, "--store", "store", "--dry-run")
    document = json.loads(done.out)
    assert (done.code, document["schema"]) == (0, "forecast/refresh/v1")
    assert (document["action"], document["decision"]) == ("train", ["there is no run yet"])
    assert sorted(os.listdir()) == ["data.csv"]

    refreshed(forecast)
    files = sorted(str(path) for path in Path("store").rglob("*"))
    with store.lock(Path("store")):
        assert forecast("refresh", "data.csv", *TINY, "--store", "store", "--dry-run").code == 0
    assert sorted(str(path) for path in Path("store").rglob("*")) == files


def test_the_same_data_are_published_again_and_quiet_hides_that(
    forecast: Forecast, first: str
) -> None:
    Path("out.csv").unlink()
    words = ("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv")
    assert "no new rows\n" in forecast(*words).said
    Path("out.csv").unlink()
    quiet = forecast(*words, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert Path("out.csv").exists()


def test_revised_values_are_counted_once(forecast: Forecast, first: str) -> None:
    values = season(121)
    values[110:112] += 5
    write_days(values)
    assert refreshed(forecast)["revised_values"] == 2
    assert refreshed(forecast)["revised_values"] == 0


def test_rows_that_are_gone_are_exit_13_naming_both_ends(forecast: Forecast, first: str) -> None:
    before = Path("out.csv").read_bytes()
    write_days(season(110))
    failed = forecast("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv")
    assert failed.code == 13
    assert "has lost rows: the data ended at 2025-04-30 " in failed.said
    assert ", and ends at 2025-04-20 now" in failed.said
    assert failed.said.splitlines()[-1] == (
        "hint: bring the rows back, or train on the file as it is: "
        "`forecast train` with the options of this command that it has"
    )
    assert Path("out.csv").read_bytes() == before


def test_after_a_training_with_the_options_of_the_job_a_series_may_be_gone(
    forecast: Forecast,
) -> None:
    days = np.datetime64("2025-01-01") + np.arange(60)
    lines = [f"{name},{day},{step % 7}\n" for name in "ab" for step, day in enumerate(days)]
    job = ("data.csv", *TINY, "--id", "shop", "--store", "store")
    Path("data.csv").write_text("shop,day,y\n" + "".join(lines))
    assert forecast("refresh", *job, "-o", "out.csv").code == 0

    Path("data.csv").write_text("shop,day,y\n" + "".join(lines[:60]))
    failed = forecast("refresh", *job, "-o", "out.csv")
    said = re.sub(r"refresh of \d{4}-\d\d-\d\d is", "refresh of DAY is", failed.said)
    assert failed.code == 13
    assert said.splitlines()[-2:] == [
        f"error: {Path('data.csv').absolute()} has lost rows: "
        "1 series that was there at the refresh of DAY is gone: 'b'",
        "hint: bring the rows back, or train on the file as it is: "
        "`forecast train` with the options of this command that it has",
    ]

    assert forecast("train", *job).code == 0
    assert forecast("refresh", *job, "-o", "out.csv").code == 0
    first_cells = {line.split(",")[0] for line in Path("out.csv").read_text().splitlines()}
    assert first_cells == {"shop", "a"}


def test_other_columns_or_another_frequency_are_exit_13(forecast: Forecast, first: str) -> None:
    text = Path("data.csv").read_text()
    Path("data.csv").write_text(text.replace("day,y", "day,z"))
    words = ("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv")
    other = forecast(*words)
    assert other.code == 13
    assert "was trained on time 'day', target 'y'" in other.said
    assert other.said.splitlines()[-1] == (
        "hint: bring the columns back, or train on this data: "
        "`forecast train` with the options of this command that it has"
    )

    lines = text.splitlines(keepends=True)
    Path("data.csv").write_text(lines[0] + "".join(lines[1::7]))
    assert forecast(*words).code == 13


def test_a_training_that_fails_falls_back_to_the_run_before(
    forecast: Forecast, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecast_cli.errors import DivergedError
    from forecast_cli.workflow import fitting

    def diverge(*_: object) -> None:
        raise DivergedError("the loss is not finite", "use a smaller --learning-rate")

    monkeypatch.setattr(fitting, "fit", diverge)
    Path("out.csv").unlink()
    again = refreshed(forecast, "--retrain-after", "0", code=3)
    assert again["reasons"] == [
        "the training failed, so the run before it goes on: the loss is not finite"
    ]
    assert again["run"] == first
    assert Path("out.csv").exists()


def test_old_data_are_exit_5_and_change_nothing(forecast: Forecast) -> None:
    write_days(season(120))
    words = ("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv")
    stale = forecast(*words, "--data-max-age", "2d")
    assert stale.code == 5
    assert "data.csv: the newest row is of 2025-04-30, " in stale.said
    assert not Path("out.csv").exists()
    assert not Path("store").exists()


def test_an_output_that_cannot_be_written_is_known_before_the_training(
    forecast: Forecast,
) -> None:
    write_days(season(120))
    words = ("refresh", "data.csv", *TINY, "--store", "store")
    assert forecast(*words, "-o", "none/out.csv").code == 30
    assert forecast(*words, "-o", "data.csv").code == 2
    missing = forecast(*words)
    assert (missing.code, missing.said) == (
        2,
        "error: refresh needs a file for the forecast\nhint: add -o FILE\n",
    )
    assert not Path("store").exists()


def test_below_min_skill_there_is_no_first_forecast(forecast: Forecast) -> None:
    write_days(season(120))
    refused = refreshed(forecast, "--min-skill", "0.99", code=4)
    assert "was not promoted" in refused["error"]
    assert not Path("out.csv").exists()


def test_below_min_skill_the_run_before_goes_on(forecast: Forecast, first: str) -> None:
    Path("out.csv").unlink()
    kept = refreshed(forecast, "--min-skill", "0.99", "--retrain-after", "0", code=4)
    assert (kept["run"], kept["promoted"]) == (first, False)
    assert Path("out.csv").exists()


def test_a_locked_store_is_exit_11_or_skipped(forecast: Forecast, first: str) -> None:
    with store.lock(Path("store")):
        assert refreshed(forecast, code=11)["error"].startswith("another command is writing")
        assert refreshed(forecast, "--if-locked", "skip")["published"] is False


def test_a_damaged_track_is_set_aside_with_a_warning(forecast: Forecast, first: str) -> None:
    path = Path("store/forecasts/000001.forecast")
    path.write_bytes(path.read_bytes()[:-1])
    again = refreshed(forecast)
    assert again["warnings"] == [
        "store/forecasts/000001.forecast: its bytes are not those that were written; it is set "
        "aside, and nothing is scored by it"
    ]
    assert refreshed(forecast)["warnings"] == []
    assert store.forecast_numbers(Path("store")) == [2, 3]


def test_a_damaged_latest_run_is_exit_12(forecast: Forecast, first: str) -> None:
    path = Path("store/runs") / first / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    refreshed(forecast, code=12)


def test_a_clock_before_the_training_is_a_warning_and_no_age_is_negative(
    forecast: Forecast,
    first: str,
) -> None:
    settings = settings_from(epochs=2, units="6", members=1, lookback=14, season="7", horizon=7)
    early = workflow.look(
        "data.csv", settings, store_folder="store", clock=lambda: datetime(2020, 1, 1, tzinfo=UTC)
    )
    assert (early.run_age, early.data_age, early.decision.action) == (0.0, 0.0, "reuse")
    assert [note.kind for note in early.notes if note.level == "warning"] == ["clock"]


def test_a_warm_start_begins_with_the_run_only_if_it_has_not_seen_the_held_out_rows(
    forecast: Forecast,
    first: str,
) -> None:
    warm = ("--start", "warm", "--retrain-after", "0")
    refreshed(forecast, *warm)
    names = store.names(Path("store"))
    assert store.load(Path("store"), names[-1]).config.plan.warm_start == ""

    write_days(season(127))
    refreshed(forecast, *warm)
    names = store.names(Path("store"))
    run = store.load(Path("store"), names[-1])
    assert run.config.plan.warm_start in ("", first)


def test_standard_input_is_refused(forecast: Forecast) -> None:
    done = forecast("refresh", "-", "-o", "out.csv")
    assert (done.code, "standard input" in done.said) == (2, True)


SLIP = (
    "the value 132100000 of 2025-04-30 is far outside of all earlier ones (88.602 to 111.867), and "
    "the forecast follows it; correct it, or leave the cell empty"
)


def write_slip() -> None:
    """The 120 days of the first refresh, of which the last one has lost its decimal point."""
    lines = Path("data.csv").read_text().splitlines()
    lines[-1] = lines[-1].split(",")[0] + ",132100000"
    Path("data.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.usefixtures("first")
def test_a_newest_value_far_outside_of_all_others_degrades_a_refresh(forecast: Forecast) -> None:
    write_slip()
    document = refreshed(forecast, code=3)
    assert document["reasons"] == [SLIP]

    quiet = forecast("refresh", "data.csv", *TINY, "--store", "store", "-o", "out.csv", "--quiet")
    assert quiet.code == 3
    assert SLIP in quiet.err


@pytest.mark.usefixtures("first")
def test_a_newest_value_far_outside_of_all_others_degrades_a_forecast(forecast: Forecast) -> None:
    assert forecast("predict", "data.csv", "--store", "store").code == 0
    write_slip()
    done = forecast("predict", "data.csv", "--store", "store")
    assert (done.code, done.err.splitlines()[0]) == (3, f"warning: {SLIP}")
    shown = json.loads(forecast("predict", "data.csv", "--store", "store", "--json").out)
    assert (shown["exit_code"], shown["reasons"]) == (3, [SLIP])

    base = forecast("predict", "data.csv", "--run", "base")
    assert base.code == 3
    assert SLIP in base.err
