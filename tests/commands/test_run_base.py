"""--run base: a forecast of any data, without a training."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from forecast_cli.base import weights
from forecast_cli.panel import Floats
from tests.commands.helpers import Forecast, shell
from tests.conftest import AIRLINE, HANG, ROOT, SAMPLES, Result, daily, monthly, run_python

Write = Callable[..., Path]
NOT_TRAINED = "base network, not trained on these data\n"
BASE = ("--run", "base")


@dataclass(frozen=True)
class Table:
    """A printed forecast: its columns by name, as numbers where they are some."""

    header: list[str]
    rows: list[list[str]]

    def numbers(self, name: str) -> Floats:
        return np.array([float(row[self.header.index(name)]) for row in self.rows])

    def texts(self, name: str) -> list[str]:
        return [row[self.header.index(name)] for row in self.rows]


def table_of(text: str | bytes) -> Table:
    lines = text if isinstance(text, str) else text.decode()
    header, *rows = list(csv.reader(StringIO(lines)))
    return Table(header, rows)


def hourly(values: Floats, start: str = "2024-01-01T00") -> str:
    hours = np.datetime64(start, "h") + np.arange(len(values))
    rows = (f"{str(h).replace('T', ' ')}:00,{v}\n" for h, v in zip(hours, values, strict=True))
    return "hour,y\n" + "".join(rows)


def seasonal(count: int, season: int, noise: float = 1.0, seed: int = 1) -> Floats:
    """A season and noise on a level of 100, with two decimals."""
    random = np.random.default_rng(seed)
    values = 100 + 20 * np.sin(2 * np.pi * np.arange(count) / season)
    rounded: Floats = np.round(values + random.normal(0, noise, count), 2)
    return rounded


# -- forecasts ---------------------------------------------------------------------------------


def test_the_base_network_forecasts_before_anything_is_trained(forecast: Forecast) -> None:
    result = forecast("predict", AIRLINE, *BASE)
    assert (result.code, result.err) == (0, NOT_TRAINED)
    table = table_of(result.out)
    assert table.header == ["Month", "forecast", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert table.texts("Month") == [f"1961-{month:02}" for month in range(1, 13)]

    # It follows the season and the trend: nearer to last year than to the mean of all years.
    last_year = np.array([float(line.split(",")[1]) for line in AIRLINE.read_text().split()[-12:]])
    ahead = table.numbers("forecast")
    assert np.corrcoef(ahead, last_year)[0, 1] > 0.9
    assert 1.0 < ahead.mean() / last_year.mean() < 1.2


def test_nothing_is_written_and_quiet_says_nothing(forecast: Forecast) -> None:
    assert forecast("predict", AIRLINE, *BASE, "--quiet").err == ""
    assert forecast("backtest", AIRLINE, *BASE, "--quiet").code == 0
    assert list(Path().iterdir()) == []


def test_json_holds_what_the_csv_holds(forecast: Forecast) -> None:
    document = json.loads(forecast("predict", AIRLINE, *BASE, "--json").out)
    assert (document["schema"], document["exit_code"], document["run"]) == (
        "forecast/predict/v1",
        0,
        "base",
    )
    table = table_of(forecast("predict", AIRLINE, *BASE).out)
    for name in table.header[1:]:
        assert [row[name] for row in document["forecast"]] == table.numbers(name).tolist()
    assert document["warnings"] == []


def test_levels_between_two_quantiles_lie_between_the_intervals_around_them(
    forecast: Forecast,
) -> None:
    table = table_of(forecast("predict", AIRLINE, *BASE, "--levels", "30,50,60,80,95").out)
    names = ["lo-95", "lo-80", "lo-60", "lo-50", "lo-30", "forecast"]
    names += ["hi-30", "hi-50", "hi-60", "hi-80", "hi-95"]
    columns = np.array([table.numbers(name) for name in names])
    assert (np.diff(columns, axis=0) > 0).all()


@pytest.mark.parametrize("command", ["predict", "backtest", "plot"])
def test_levels_beyond_its_quantiles_are_refused(forecast: Forecast, command: str) -> None:
    result = forecast(command, AIRLINE, *BASE, "--levels", "95,99.5")
    assert (result.code, result.out, result.said) == (
        2,
        "",
        "error: --levels 99.5: the intervals of the base network go up to 95 %\n"
        "hint: use levels up to 95, or train a network: forecast train\n",
    )


def test_a_series_is_forecast_among_400_as_alone(forecast: Forecast, write: Write) -> None:
    names = [f"s{number:03}" for number in range(400)]
    values = {
        name: seasonal(60 + 7 * (number % 20), 7, seed=number) for number, name in enumerate(names)
    }
    path = write(panel_text(values))
    together = forecast("predict", path, *BASE, "--horizon", "7")
    assert (together.code, together.err) == (0, NOT_TRAINED)
    table = table_of(together.out)
    assert table.texts("unique_id") == [name for name in names for _ in range(7)]

    for name in ("s000", "s219", "s399"):
        alone = write(panel_text({name: values[name]}), "alone.csv")
        own = table_of(forecast("predict", alone, *BASE, "--horizon", "7", "--season", "7").out)
        rows = [place for place, each in enumerate(table.texts("unique_id")) if each == name]
        difference = own.numbers("forecast") - table.numbers("forecast")[rows]
        assert np.abs(difference).max() < 1  # whether a panel takes logarithms is one decision
    assert (table.numbers("lo-95") < table.numbers("hi-95")).all()


def panel_text(series: dict[str, Floats]) -> str:
    """A long file of daily series that end on the same day."""
    end = np.datetime64("2024-12-31")
    parts = ["unique_id,ds,y\n"]
    for name, values in series.items():
        days = end - np.arange(len(values))[::-1]
        parts += [f"{name},{day},{v}\n" for day, v in zip(days, values.tolist(), strict=True)]
    return "".join(parts)


@pytest.mark.slow
def test_twenty_thousand_series_are_forecast(tmp_path: Path) -> None:
    values = {f"s{number:05}": seasonal(60, 7, seed=number) for number in range(20_000)}
    path = tmp_path / "many.csv"
    path.write_text(panel_text(values))
    done = shell("predict", path, *BASE, "--horizon", "7", cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (0, NOT_TRAINED)
    ahead = table_of(done.stdout).numbers("forecast").reshape(20_000, 7)
    last_week = np.array([each[-7:] for each in values.values()])
    assert np.isfinite(ahead).all()
    assert np.abs(ahead - last_week).mean() < 4


# -- horizons ----------------------------------------------------------------------------------


def test_a_horizon_of_ten_seasons_is_finite_and_nothing_is_said(forecast: Forecast) -> None:
    result = forecast("predict", AIRLINE, *BASE, "--horizon", "120")
    assert (result.code, result.err) == (0, NOT_TRAINED)
    table = table_of(result.out)
    assert len(table.rows) == 120
    assert np.isfinite([table.numbers(name) for name in table.header[1:]]).all()


def test_a_horizon_of_two_hundred_seasons_is_finite_and_said_to_be_unmeasured(
    forecast: Forecast, write: Write
) -> None:
    path = write(daily(seasonal(200, 7)))
    result = forecast("predict", path, *BASE, "--horizon", "1400")
    assert (result.code, result.err) == (
        0,
        NOT_TRAINED + "warning: the horizon of 1,400 steps is 200 seasons: "
        "the base network was measured up to 10 seasons ahead\n",
    )
    table = table_of(result.out)
    columns = np.array([table.numbers(name) for name in table.header[1:]])
    assert columns.shape == (5, 1400)
    assert np.isfinite(columns).all()
    assert np.abs(columns - 100).max() < 500


@pytest.mark.parametrize("season", [12, 24, 48])
def test_a_long_horizon_has_no_jump_at_the_borders_of_seasons(
    forecast: Forecast, write: Write, season: int
) -> None:
    """Of a sine that is steepest there, the steps into the next season are those of the sine."""
    sine = 100 * np.sin(2 * np.pi * np.arange(20 * season) / season)
    path = write(hourly(np.round(sine, 6)))
    words = ("--season", season, "--horizon", 8 * season, "--digits", "6")
    ahead = table_of(forecast("predict", path, *BASE, *words).out).numbers("forecast")
    steps = np.abs(np.diff(np.concatenate([sine[-1:], ahead])))
    steepest = 2 * np.pi / season * 100
    assert steps[::season].max() < 1.35 * steepest
    assert np.abs(ahead - sine[: 8 * season]).max() < 25


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one_within_a_season(
    forecast: Forecast,
) -> None:
    longer = table_of(forecast("predict", AIRLINE, *BASE, "--horizon", "12").out)
    shorter = table_of(forecast("predict", AIRLINE, *BASE, "--horizon", "5").out)
    assert shorter.rows == longer.rows[:5]


# -- kinds of data -----------------------------------------------------------------------------


def business_days(count: int) -> str:
    every = np.datetime64("2024-01-01") + np.arange(2 * count)
    days = every[np.is_busday(every)]
    return "t,y\n" + "".join(
        f"{day},{v}\n" for day, v in zip(days, seasonal(count, 5), strict=False)
    )


def weeks(count: int) -> str:
    days = np.datetime64("2018-01-07") + 7 * np.arange(count)
    values = seasonal(count, 52)
    return "t,y\n" + "".join(f"{day},{v}\n" for day, v in zip(days, values, strict=True))


def quarters(count: int) -> str:
    months = np.datetime64("2005-01", "M") + 3 * np.arange(count)
    values = seasonal(count, 4)
    return "t,y\n" + "".join(f"{m}-01,{v}\n" for m, v in zip(months, values, strict=True))


def years(count: int) -> str:
    values = seasonal(count, 11)
    return "t,y\n" + "".join(f"{1950 + n}-12-31,{v}\n" for n, v in enumerate(values))


def integers(count: int) -> str:
    return "t,y\n" + "".join(f"{n},{v}\n" for n, v in enumerate(seasonal(count, 10), start=1))


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        (hourly(seasonal(400, 24)), (), ["2024-01-17 16:00", "2024-01-17 17:00"]),
        (daily(seasonal(500, 7)), (), ["2025-05-15", "2025-05-16"]),
        (business_days(200), (), ["2024-10-07", "2024-10-08"]),
        (weeks(200), (), ["2021-11-07", "2021-11-14"]),
        (quarters(60), (), ["2020-01-01", "2020-04-01"]),
        (years(60), (), ["2010-12-31", "2011-12-31"]),
        (integers(80), ("--target", "y"), ["80", "81"]),
        (integers(80), ("--target", "y", "--season", "10"), ["80", "81"]),
        ("y\n" + "".join(f"{v}\n" for v in seasonal(80, 10)), (), ["80", "81"]),
    ],
    ids=["hours", "days", "business", "weeks", "quarters", "years", "integers", "season", "rows"],
)
def test_every_frequency_goes_on_where_the_data_end(
    forecast: Forecast, write: Write, text: str, words: tuple[str, ...], expected: list[str]
) -> None:
    result = forecast("predict", write(text), *BASE, *words, "--horizon", "2")
    assert (result.code, result.err) == (0, NOT_TRAINED)
    table = table_of(result.out)
    assert [row[0] for row in table.rows] == expected
    assert (np.abs(table.numbers("forecast") - 100) < 40).all()
    assert (table.numbers("lo-95") < table.numbers("hi-95")).all()


def test_the_data_may_come_from_standard_input(tmp_path: Path) -> None:
    done = shell("predict", "-", *BASE, cwd=tmp_path, input=AIRLINE.read_bytes())
    named = shell("predict", AIRLINE, *BASE, cwd=tmp_path)
    assert (done.returncode, done.stderr.decode()) == (0, NOT_TRAINED)
    assert done.stdout == named.stdout


@pytest.mark.parametrize("season", [1, 3, 8_760])
def test_any_season_can_be_named(forecast: Forecast, write: Write, season: int) -> None:
    count = 3 * 8_760 if season == 8_760 else 200
    path = write(hourly(seasonal(count, max(season, 2))))
    result = forecast("predict", path, *BASE, "--season", season, "--horizon", "48")
    assert (result.code, result.err.replace(warned_seasons(48, season), "")) == (0, NOT_TRAINED)
    table = table_of(result.out)
    assert (np.abs(table.numbers("forecast") - 100) < 60).all()
    if season == 8_760:
        expected = 100 + 20 * np.sin(2 * np.pi * np.arange(48) / 8_760)
        assert np.abs(table.numbers("forecast") - expected).max() < 3


def warned_seasons(horizon: int, season: int) -> str:
    if season != 3:
        return ""
    return (
        f"warning: the horizon of {horizon} steps is {horizon // season} seasons: "
        "the base network was measured up to 10 seasons ahead\n"
    )


# -- bad input ---------------------------------------------------------------------------------


def test_a_series_shorter_than_two_seasons_is_forecast_by_a_simple_method(
    forecast: Forecast, write: Write
) -> None:
    path = write(panel_text({"long": seasonal(100, 7), "short": seasonal(9, 7)}))
    result = forecast("predict", path, *BASE, "--horizon", "7")
    assert result.code == 3
    assert "'short'" in result.err
    table = table_of(result.out)
    assert table.numbers("forecast")[7:].tolist() == seasonal(9, 7)[-7:].tolist()
    document = json.loads(forecast("predict", path, *BASE, "--horizon", "7", "--json").out)
    assert document["exit_code"] == 3


@pytest.mark.parametrize("value", [0, 7.5, -3, 1_000_000_000])
def test_the_forecast_of_a_constant_is_the_constant(
    forecast: Forecast, write: Write, value: float
) -> None:
    path = write(monthly(np.full(60, value)))
    result = forecast("predict", path, *BASE)
    assert (result.code, result.err) == (
        0,
        NOT_TRAINED + "warning: the series is constant; so is the forecast\n",
    )
    table = table_of(result.out)
    for name in table.header[1:]:
        assert table.numbers(name).tolist() == [value] * 12


def test_stretches_of_zeros_do_no_harm(forecast: Forecast, write: Write) -> None:
    values = seasonal(72, 12)
    values[20:40] = 0
    table = table_of(forecast("predict", write(monthly(values)), *BASE).out)
    assert np.isfinite([table.numbers(name) for name in table.header[1:]]).all()
    zeros = seasonal(72, 12)
    zeros[-24:] = 0
    result = forecast("predict", write(monthly(zeros)), *BASE)
    assert result.code == 0
    assert np.abs(table_of(result.out).numbers("forecast")).max() < 60


@pytest.mark.parametrize("size", [500, 1e6, 1e12])
def test_a_single_outlier_in_the_past_hides_nothing(
    forecast: Forecast, write: Write, size: float
) -> None:
    values = seasonal(120, 7)
    plain = table_of(forecast("predict", write(daily(values)), *BASE, "--digits", "3").out)
    values[40] = size
    result = forecast("predict", write(daily(values)), *BASE, "--digits", "3")
    assert result.code == 0
    difference = table_of(result.out).numbers("forecast") - plain.numbers("forecast")
    assert np.abs(difference).max() < 3


def test_negative_values_are_forecast_as_their_mirrored_levels(
    forecast: Forecast, write: Write
) -> None:
    values = seasonal(72, 12)
    low = table_of(forecast("predict", write(monthly(np.round(values - 1000, 2))), *BASE).out)
    assert (np.abs(low.numbers("forecast") + 900) < 40).all()
    assert (low.numbers("lo-95") < low.numbers("hi-95")).all()


def test_a_missing_or_damaged_base_file_is_exit_12(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "base.safetensors"
    monkeypatch.setattr(weights, "PATH", path)
    assert forecast("predict", AIRLINE, *BASE) == Result(
        12,
        "",
        f"error: cannot read the base network {path}: No such file or directory\n"
        "hint: install the package again\n",
    )
    data = bytearray((Path(weights.__file__).parent / "base.safetensors").read_bytes())
    for damaged in (b"", bytes(data[:-1]), bytes([*data[:-1], data[-1] ^ 1])):
        path.write_bytes(damaged)
        for words in (("predict", AIRLINE), ("backtest", AIRLINE), ("plot", AIRLINE)):
            result = forecast(*words, *BASE)
            assert (result.code, result.out) == (12, "")
            assert result.said == (
                f"error: the base network {path} is damaged: "
                "its bytes are not those that were published\n"
                "hint: install the package again\n"
            )


def test_covariates_are_refused(forecast: Forecast) -> None:
    panel = SAMPLES / "panel.csv"
    assert forecast("predict", panel, *BASE, "--future-values", panel) == Result(
        2,
        "",
        "error: --future-values has no effect with --run base: the base network reads the target "
        "alone\nhint: leave it out, or train a network: forecast train\n",
    )
    for name in ("past", "future", "static", "weight"):
        result = forecast("backtest", panel, *BASE, f"--{name}", "promo")
        assert (result.code, result.out, result.said) == (
            2,
            "",
            f"error: --{name} has no effect with --run base: the base network reads the target "
            f"alone\nhint: leave out --{name}, or train a network: forecast train\n",
        )


def test_settings_of_a_training_are_refused(forecast: Forecast) -> None:
    result = forecast("backtest", AIRLINE, *BASE, "--epochs", "3")
    assert (result.code, result.out, result.said) == (
        2,
        "",
        "error: --epochs has no effect with --run base: the base network is not trained\n"
        "hint: leave out --epochs, or train a network: forecast train\n",
    )


@pytest.mark.parametrize("option", ["--target", "--id", "--season", "--time", "--freq"])
def test_options_of_the_reader_are_for_the_base_network_alone(
    forecast: Forecast, airline_store: Path, option: str
) -> None:
    values = {"--target": "y", "--id": "unique_id", "--season": "7", "--time": "ds", "--freq": "D"}
    panel = SAMPLES / "panel.csv"
    assert forecast("predict", panel, *BASE, "--target", "y", option, values[option]).code == 0
    for command in ("predict", "plot"):
        result = forecast(command, "--store", airline_store, option, values[option])
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"error: {option} has no effect on a saved run, which ")
        assert "or use --run base\n" in result.err


def test_without_data_there_is_nothing_to_forecast(forecast: Forecast) -> None:
    assert forecast("predict", *BASE) == Result(
        2,
        "",
        "error: --run base has no data of its own\n"
        "hint: give the data: forecast predict DATA --run base\n",
    )


# -- backtests ---------------------------------------------------------------------------------


def test_a_backtest_of_the_base_network_scores_it_beside_simple_methods(
    forecast: Forecast,
) -> None:
    words = ("backtest", SAMPLES / "hourly.csv", *BASE, "--origins", "8")
    document = json.loads(forecast(*words, "--json").out)
    assert (document["run"], document["origins"]) == ("base", 8)
    assert forecast(*words).code == 0


def test_no_forecast_of_a_backtest_knows_later_rows(forecast: Forecast, write: Write) -> None:
    """Whatever stands after an origin, the forecasts from it are the same."""
    values = seasonal(240, 12, noise=3)
    words = (*BASE, "--origins", "3", "--horizon", "12", "--season", "12")
    assert forecast("backtest", write(monthly(values)), *words, "-o", "as_is.csv").code == 0
    as_is = table_of(Path("as_is.csv").read_text())

    for origin in range(3):
        poisoned = values.copy()
        first = len(values) - (3 - origin) * 12
        poisoned[first:] = np.random.default_rng(origin).normal(5_000, 900, len(values) - first)
        path = write(monthly(np.round(poisoned, 2)))
        assert forecast("backtest", path, *words, "-o", "poisoned.csv").code == 0
        table = table_of(Path("poisoned.csv").read_text())
        rows = slice(0, 12 * (origin + 1))
        for name in ("forecast", "lo-80", "hi-95"):
            assert table.numbers(name)[rows].tolist() == as_is.numbers(name)[rows].tolist()


def test_too_few_rows_for_a_backtest_are_exit_21(forecast: Forecast, write: Write) -> None:
    path = write(monthly(seasonal(30, 12)))
    result = forecast("backtest", path, *BASE, "--origins", "5")
    assert (result.code, result.out, result.said) == (
        21,
        "",
        f"error: {path}: 5 origins and a horizon of 6 need 54 rows with two seasons before the "
        "first origin, and the longest series has 30\n"
        "hint: use --origins 1, or a shorter --horizon\n",
    )


# -- pictures ----------------------------------------------------------------------------------


def test_the_base_network_is_drawn(forecast: Forecast) -> None:
    result = forecast("plot", AIRLINE, *BASE)
    assert result == Result(0, "", "wrote predictions.png\n")
    assert Path("predictions.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads(forecast("plot", AIRLINE, *BASE, "-o", "drawn", "--json").out)
    assert (document["run"], document["files"]) == ("base", ["drawn/predictions.png"])
    assert sorted(path.name for path in Path().iterdir()) == ["drawn", "predictions.png"]


def test_plots_of_a_training_do_not_go_with_the_base_network(forecast: Forecast) -> None:
    for kind in ("loss", "gates", "attention"):
        assert forecast("plot", AIRLINE, *BASE, "--kind", kind) == Result(
            2,
            "",
            f"error: --kind {kind} does not go with --run base: it has no such plot\n"
            "hint: use --kind predictions\n",
        )


def test_a_saved_run_is_drawn_without_data(forecast: Forecast, airline_store: Path) -> None:
    assert forecast("plot", AIRLINE, "--store", airline_store) == Result(
        2,
        "",
        "error: a saved run is drawn from what is stored in it, without DATA\n"
        "hint: leave out DATA, or use --run base\n",
    )


# -- what it needs -----------------------------------------------------------------------------


def test_no_torch_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from forecast_cli.app import app\n"
        "data, base = sys.argv[1], sys.argv[2:]\n"
        "for words in (['predict'], ['backtest', '--origins', '2'], ['plot']):\n"
        "    sys.argv = ['forecast', words[0], data, *base, *words[1:]]\n"
        "    try:\n        app()\n"
        "    except SystemExit as stop:\n        assert stop.code == 0, stop.code\n"
        "    assert 'numpy' in sys.modules\n"
        "    assert 'torch' not in sys.modules, words\n"
    )
    run_python(script, AIRLINE, *BASE, folder=tmp_path)


@pytest.mark.slow
def test_the_wheel_holds_the_base_network_and_forecasts_with_it(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    copy = tmp_path / "source"
    for name in ("forecast_cli", "pyproject.toml", "README.md", "LICENSE"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    build += ["--no-index", "--quiet", "-w", str(tmp_path / "wheels"), str(copy)]
    subprocess.run(build, check=True, timeout=HANG, cwd=tmp_path)

    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(wheel, unpacked, "zip")
    base = unpacked / "forecast_cli" / "base" / "base.safetensors"
    assert 100_000 < base.stat().st_size < 5_000_000
    assert (unpacked / "forecast_cli" / "report" / "page.html").exists()

    new = tmp_path / "new"
    new.mkdir()
    script = "import forecast_cli, sys; from forecast_cli.app import main; "
    script += f"assert forecast_cli.__file__.startswith({str(unpacked)!r}); sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "predict", str(AIRLINE), *BASE],
        cwd=new,
        env={"PYTHONPATH": str(unpacked), "PATH": ""},
        capture_output=True,
        timeout=HANG,
        check=True,
    )
    here = shell("predict", AIRLINE, *BASE, cwd=new)
    assert done.stdout == here.stdout
    assert len(table_of(done.stdout).rows) == 12
