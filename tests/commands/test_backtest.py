"""forecast backtest"""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path

import pytest

from forecast_cli import store, train
from forecast_cli.workflow import backtest_progress
from tests.commands.helpers import QUICK, Forecast, shell, signaled, terminal
from tests.conftest import AIRLINE, SAMPLES


@pytest.fixture(autouse=True)
def _keeps_nothing_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is: what is done is written only when a backtest is stopped."""
    monkeypatch.setattr(backtest_progress, "SECONDS_BETWEEN_WRITES", 3600.0)


ASKED = ("backtest", AIRLINE, *QUICK, "--horizon", "12", "--origins", "3")


@pytest.fixture(scope="module")
def not_refitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run that left its test part unseen."""
    folder = tmp_path_factory.mktemp("held") / "runs"
    train(
        AIRLINE,
        draw=False,
        store_folder=folder,
        epochs=2,
        units="6",
        members=1,
        refit=False,
        test=36,
    )
    return folder


def test_a_backtest_says_what_it_costs_and_shows_the_scores_of_all_methods(
    forecast: Forecast,
) -> None:
    result = forecast(*ASKED)
    assert result.code == 0
    assert result.err.splitlines()[1] == ("3 origins, 12 rows apart, 12 steps ahead: 1 training")
    lines = result.out.splitlines()
    assert lines[0] == "3 forecasts, 12 steps ahead"
    assert lines[1].split() == ["MAE", "RMSE", "sMAPE", "MASE"]
    assert [line.split("  ")[0] for line in lines[2:7]] == [
        "this network",
        "naive",
        "seasonal naive (12)",
        "drift",
        "seasonal mean (12)",
    ]
    assert [line.split("  ")[0] for line in lines[8:13]] == [
        "MASE by origin",
        "last row before it",
        "1957-12",
        "1958-12",
        "1959-12",
    ]
    assert [line.split()[:2] for line in lines[14:18]] == [
        ["Intervals"],
        ["level", "coverage"],
        ["80", "%"],
        ["95", "%"],
    ]
    assert lines[-1].startswith("The network's error is ")
    assert not Path("forecast_runs").exists()


def test_the_document_has_every_score_by_origin_step_and_series(forecast: Forecast) -> None:
    result = forecast(*ASKED, "--json", "--step", "6")
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert (document["schema"], document["exit_code"]) == ("forecast/backtest/v1", 0)
    assert [document[key] for key in ("origins", "step", "horizon", "season", "trainings")] == [
        3,
        6,
        12,
        12,
        1,
    ]
    assert [entry["cutoff"] for entry in document["per_origin"]] == [
        "1958-12",
        "1959-06",
        "1959-12",
    ]
    assert [entry["step"] for entry in document["per_step"]] == list(range(1, 13))
    assert [entry["id"] for entry in document["per_series"]] == [""]
    assert document["per_series"][0]["scores"] == document["scores"]
    methods = ["network", "naive", "seasonal_naive", "drift", "seasonal_mean"]
    for entry in (document, *document["per_origin"], *document["per_step"]):
        assert list(entry["scores"]) == methods
        for errors in entry["scores"].values():
            assert list(errors) == ["mae", "rmse", "smape", "mase"]
        for scores in entry["intervals"]:
            assert list(scores) == ["level", "coverage", "msis", "pinball"]
    assert document["comparison"]["pairs"] == 3
    assert document["sentence"].startswith("The network's error is ")


def test_the_forecasts_and_the_picture_are_written_whole(forecast: Forecast) -> None:
    result = forecast(*ASKED, "-o", "out.csv", "--plot", "out.png", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    lines = Path("out.csv").read_text().splitlines()
    assert lines[0] == (
        "cutoff,Month,step,actual,forecast,naive,seasonal_naive,drift,seasonal_mean,"
        "lo-80,hi-80,lo-95,hi-95"
    )
    assert len(lines) == 1 + 3 * 12
    assert lines[1].startswith("1957-12,1958-01,1,340,")
    assert lines[-1].split(",")[:4] == ["1959-12", "1960-12", "12", "432"]
    assert Path("out.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(path.name for path in Path().iterdir()) == ["out.csv", "out.png"]


def test_equal_backtests_write_equal_bytes(forecast: Forecast) -> None:
    for name in ("a.csv", "b.csv"):
        assert forecast(*ASKED, "--refit", "2", "-o", name).code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_a_run_is_rolled_over_its_unseen_rows_and_no_further(
    forecast: Forecast, not_refitted: Path
) -> None:
    place = ("--run", "1", "--store", not_refitted)
    result = forecast("backtest", AIRLINE, *place)  # as many origins as there can be
    assert result.code == 0, result.err
    assert result.err.splitlines()[1] == "3 origins, 12 rows apart, 12 steps ahead: no training"

    too_many = forecast("backtest", AIRLINE, *place, "--origins", "5", "-o", "out.csv")
    name = store.names(not_refitted)[0]
    assert too_many.code == 21
    assert too_many.said == (
        f"error: {AIRLINE}: the run {name} was trained on all but the newest 36 rows of these "
        "data: 5 origins and a horizon of 12 need 24 newer rows\n"
        "hint: use --origins 3 or less, or give newer rows, or train with --no-refit, "
        "which leaves the test part unseen\n"
    )
    assert not Path("out.csv").exists()


def test_a_run_that_saw_every_row_needs_newer_ones(forecast: Forecast, airline_store: Path) -> None:
    result = forecast("backtest", AIRLINE, "--run", "1", "--store", airline_store, "--json")
    assert result.code == 21
    assert json.loads(result.out)["schema"] == "forecast/backtest/v1"
    assert "was trained on all rows of these data: 1 origin and" in json.loads(result.out)["error"]
    assert "need 12 newer rows" in json.loads(result.out)["error"]


def test_what_does_not_go_together_is_refused_before_anything_is_trained(
    forecast: Forecast, airline_store: Path
) -> None:
    shutil.copy(AIRLINE, "data.csv")
    Path("folder").mkdir()
    for words, code, message in (
        (("--plot", "out.pdf"), 2, "--plot out.pdf: the picture is a PNG file"),
        (("-o", "x.png", "--plot", "x.png"), 2, "-o and --plot are both x.png"),
        (("-o", "data.csv"), 2, "-o data.csv is the data itself"),
        (("-o", "folder"), 30, "cannot write folder: it is a folder"),
        (("-o", "none/x.csv"), 30, "cannot write none/x.csv: there is no folder none"),
        (("--origins", "0"), 2, "--origins must be at least 1, got 0"),
        (
            ("--refit", "often"),
            2,
            "--refit must be never, every or a number of origins, got 'often'",
        ),
        (
            ("--run", "1", "--store", airline_store, "--units", "9"),
            2,
            "--units has no effect with --run: a saved run is not trained again",
        ),
    ):
        result = forecast("backtest", "data.csv", *words)
        assert (result.code, result.said.splitlines()[0]) == (code, f"error: {message}")
        assert Path("data.csv").read_bytes() == AIRLINE.read_bytes()


def test_settings_of_files_do_not_disturb_a_run_and_do_reach_a_training(
    forecast: Forecast, not_refitted: Path
) -> None:
    Path("forecast.toml").write_text('units = "5"\nepochs = 1\nlevels = "50"\n')
    config = ("--config", "forecast.toml")
    rolled = ("--run", "1", "--store", not_refitted, "--origins", "1", "--json")
    document = json.loads(forecast("backtest", AIRLINE, *rolled, *config).out)
    assert [entry["level"] for entry in document["intervals"]] == [80, 95]
    trained = ("backtest", AIRLINE, *config, "--origins", "1", "--json")
    document = json.loads(forecast(*trained).out)
    assert [entry["level"] for entry in document["intervals"]] == [50]


def test_few_series_are_listed_with_their_errors(forecast: Forecast) -> None:
    words = ("--epochs", "1", "--units", "4", "--members", "1", "--origins", "2")
    result = forecast("backtest", SAMPLES / "panel.csv", *words)
    assert result.out.startswith("16 forecasts of 8 series (means over series), 7 steps ahead\n")
    part = result.out.split("MASE by series\n")[1].splitlines()
    assert [line.split()[0] for line in part[:3]] == ["series", "shop_1", "shop_2"]


LONG = (
    *("--epochs", "8", "--patience", "0", "--units", "4", "--members", "1"),
    *("--horizon", "4", "--lookback", "8"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_backtest_and_resume_ends_in_the_same_bytes(
    number: int, code: int, tmp_path: Path
) -> None:
    words = ("backtest", SAMPLES / "hourly.csv", *LONG, "--origins", "2", "--refit", "every")
    outputs = ("-o", "out.csv", "--plot", "out.png")
    stopped = signaled(number, "epoch 3", *words, *outputs, cwd=tmp_path)
    assert stopped.returncode == code
    assert stopped.stderr.endswith(
        f"error: stopped by signal {number}; what was done is kept in forecast_runs\n"
        "hint: go on where it stopped: the same command with --resume\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["forecast_runs"]

    resumed = shell(*words, "--resume", "-o", "resumed.csv", cwd=tmp_path)
    assert resumed.returncode == 0
    assert b"warning" not in resumed.stderr
    assert shell(*words, "-o", "whole.csv", cwd=tmp_path).returncode == 0
    assert (tmp_path / "resumed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    kept = tmp_path / "forecast_runs" / "checkpoints"
    assert [path.name for path in kept.iterdir()] == ["backtest.lock"]


def test_a_backtest_that_is_stopped_before_its_first_epoch_writes_nothing(tmp_path: Path) -> None:
    words = ("backtest", SAMPLES / "hourly.csv", *LONG)
    stopped = signaled(signal.SIGINT, "training", *words, "-o", "out.csv", cwd=tmp_path)
    assert stopped.returncode == 130
    assert "error: stopped by signal 2; nothing was " in stopped.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_time_limit_ends_all_trainings_and_says_so(forecast: Forecast) -> None:
    words = ("--time-limit", "1s", "--refit", "every", "--epochs", "100000", "--patience", "0")
    result = forecast("backtest", AIRLINE, *words, "--origins", "2", "--units", "4")
    assert result.code == 0
    assert re.fullmatch(
        "warning: time was up after [0-9, to]+ epochs? in 2 of 2 trainings: "
        "the forecasts are those of the best so far\n",
        result.said,
    )
    assert not Path("forecast_runs").exists()


def test_resume_without_anything_to_go_on_with_is_said(forecast: Forecast) -> None:
    result = forecast(*ASKED, "--resume")
    assert result.code == 0
    text = "started from the beginning: no backtest was left unfinished"
    assert result.said == f"warning: {text}\n"
    assert not Path("forecast_runs").exists()


def test_a_full_disk_at_the_end_costs_no_training(forecast: Forecast) -> None:
    failed = forecast(*ASKED, "-o", "/dev/full")
    assert failed.code == 30
    assert failed.said.endswith("what was done is kept: --resume goes on with it\n")

    again = forecast(*ASKED, "-o", "out.csv", "--resume")
    assert again.code == 0
    assert "done before: 1 of 1 training\n" in again.err
    assert "epoch" not in again.err
    assert forecast(*ASKED, "-o", "whole.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_the_cost_stays_on_a_terminal(tmp_path: Path) -> None:
    words = ("--run", "base", "--origins", "2")
    code, screen = terminal("backtest", AIRLINE, *words, cwd=tmp_path)
    assert code == 0
    assert "2 origins, 12 rows apart, 12 steps ahead: no training" in screen
    assert "seasonal naive (12)" in screen
