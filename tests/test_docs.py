"""What the documents say is what the tool does."""

from __future__ import annotations

import itertools
import json
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from forecast_cli import __version__, errors, monitoring, scheduling
from forecast_cli.fields import choices_of
from forecast_cli.monitoring import health
from forecast_cli.settings import types_by_name
from tests.conftest import ROOT, SAMPLES, Result


def test_the_newest_changelog_entry_is_this_version() -> None:
    assert re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == __version__  # type: ignore[index]


def test_the_command_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_commands.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_dependency_is_explained() -> None:
    text, explained = (
        (ROOT / "pyproject.toml").read_text(),
        (ROOT / "docs" / "dependencies.md").read_text(),
    )
    block = text.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = re.findall(r'"([a-z]+)>=', block)
    assert len(names) >= 7
    for name in names:
        assert f"**{name}**" in explained
        assert f"\n{name}==" in (ROOT / "constraints.txt").read_text()


def blocks(name: str) -> list[str]:
    return re.findall(r"^    ((?:forecast|env) .*)$", (ROOT / name).read_text(), re.M)


def commands_of(page: str) -> list[list[str]]:
    """The words of every `forecast` command that a page shows."""
    commands = []
    for line in blocks(page):
        for part in re.split(r"&&|\||;", line):
            words = shlex.split(part.split("#")[0])
            if words and words[0] == "forecast":
                commands.append(words)
    return commands


def options_of(words: list[str]) -> set[str]:
    """The options that the command has which these words call."""
    from typer.main import get_command

    from forecast_cli.app import app

    command = get_command(app)
    for word in words[1:]:
        command = getattr(command, "commands", {}).get(word, command)
    options = {"--help"}
    for parameter in command.params:
        options |= {*parameter.opts, *parameter.secondary_opts}
    return options


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("README.md", 8),
        ("docs/looking-inside.md", 7),
        ("docs/backtesting.md", 5),
        ("docs/base-network.md", 3),
        ("docs/cron.md", 3),
    ],
)
def test_pages_show_only_commands_and_options_that_exist(page: str, least: int) -> None:
    commands = commands_of(page)

    assert len(commands) >= least
    for words in commands:
        shown = {word for word in words if word.startswith("-") and word != "-"}
        assert shown <= options_of(words), " ".join(words)


CRON = (ROOT / "docs" / "cron.md").read_text()


def test_the_page_of_jobs_shows_the_schedules_that_are_printed() -> None:
    scheduled = scheduling.Job(
        program=("/opt/forecast/bin/forecast",),
        data="/srv/sales/sales.csv",
        output="/srv/sales/forecast.csv",
        store="/srv/sales/runs",
        at=scheduling.parse_time("04:10"),
        zone="Europe/Berlin",
    )
    assert f"```crontab\n{scheduling.crontab_line(scheduled)}```" in CRON
    timer = scheduling.systemd_units(scheduled)["forecast-sales.timer"]
    shown = re.search(r"```ini\n(.+?)```", CRON, re.S)
    assert shown is not None
    assert shown[1] in timer


def test_the_page_of_jobs_has_every_metric_and_every_exit_code() -> None:
    facts = monitoring.JobFacts(
        data_age=1, run_age=1, live_mase=1, held_out_mase=1, rows=1, series=1, promoted=True
    )
    outcome = monitoring.Outcome(finished=1, duration=1, exit_code=0)
    written = re.findall("^(forecast_[a-z_]+) ", monitoring.metrics_text(outcome, facts), re.M)
    assert re.findall("^(forecast_[a-z_]+)  ", CRON, re.M) == written

    table = re.findall(r"^\| ([0-9, ]+) \|", CRON.split("## Exit codes")[1], re.M)
    explained = [int(code) for cell in table for code in cell.split(", ")]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    known = {kind.exit_code for kind in kinds if issubclass(kind, errors.ForecastError)}
    known |= {0, errors.DEGRADED, health.ALARM, health.STALE, errors.CLOSED_PIPE, 129, 130, 143}
    assert sorted(explained) == sorted(known)


def test_the_commands_of_the_page_of_jobs_run_as_written(
    forecast: Callable[..., Result],
) -> None:
    for words in commands_of("docs/cron.md"):
        result = forecast(*words[1:])
        assert result.code in (0, errors.DEGRADED)
        assert "error:" not in result.err
        assert result.out


def test_the_pictures_of_the_pages_are_there_and_small() -> None:
    pages = [path.read_text() for path in (ROOT / "docs").glob("*.md")]
    shown = re.findall(r"!\[.+?\]\((pictures/.+?)\)", "\n".join(pages))
    kept = [
        str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / "pictures").rglob("*.png")
    ]
    assert sorted(shown) == sorted(kept)
    assert all((ROOT / "docs" / name).stat().st_size < 150_000 for name in shown)


@pytest.mark.slow
@pytest.mark.parametrize("heading", ["Quick start", "Is it any good? Backtest"])
def test_the_examples_of_the_readme_run_as_written(tmp_path: object, heading: str) -> None:
    quick = (ROOT / "README.md").read_text().split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    commands = [line.split("#")[0] for line in re.findall(r"^    (forecast (?!=).*)$", quick, re.M)]
    assert commands
    script = "set -e\nforecast() { " + shlex.quote(sys.executable) + ' -m forecast_cli "$@"; }\n'
    script += "\n".join(commands).replace("sample_data/", f"{ROOT}/sample_data/")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


NETWORKS = (ROOT / "docs" / "networks.md").read_text()


def test_every_function_and_class_named_on_the_page_of_networks_exists() -> None:
    modules = {
        path.stem
        for path in (ROOT / "forecast_cli").iterdir()
        if path.suffix == ".py" or path.is_dir()
    }
    names = [
        name
        for name in re.findall(r"`([a-z0-9_]+(?:\.\w+)+)`", NETWORKS)
        if name.split(".")[0] in modules
    ]
    assert len(set(names)) >= 30
    for name in names:
        assert pkgutil.resolve_name(f"forecast_cli.{name}") is not None, name


def test_every_option_and_choice_named_on_the_page_of_networks_exists() -> None:
    kinds = {**types_by_name(), "print_config": bool}
    shown = [words.split() for words in re.findall(r"`(--[^`]+)`", NETWORKS)]
    assert len(shown) >= 30
    for words in shown:
        for option, value in itertools.pairwise([*words, "--"]):
            if option.startswith("--"):
                name = option[2:].removeprefix("no-").replace("-", "_")
                assert name in kinds, option
                assert value.startswith("--") or value in (choices_of(kinds[name]) or [value]), (
                    " ".join(words)
                )


@pytest.mark.parametrize(
    "name", ["cell", "attention", "decoder", "head", "loss", "optimizer", "schedule", "preset"]
)
def test_every_choice_of_a_network_and_its_training_is_on_the_page_of_networks(name: str) -> None:
    nothing = {"none", "constant"}  # words for what is not done
    for word in set(choices_of(types_by_name()[name])) - nothing:
        has_formula = re.search(rf"^    {word}  ", NETWORKS, re.M)
        assert f"--{name} {word}" in NETWORKS or f"`{word}`" in NETWORKS or has_formula, (
            f"--{name} {word}"
        )


def decided(forecast: Callable[..., Result], *words: str) -> dict[str, Any]:
    """What `train --print-config` decides for the hourly sample."""
    shown = forecast("train", SAMPLES / "hourly.csv", *words, "--print-config", "--json").out
    return {one["name"]: one["value"] for one in json.loads(shown)["settings"]}


def test_each_preset_has_the_options_that_the_page_names(
    forecast: Callable[..., Result],
) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(--[^`]+)` \|(.*)\|$", NETWORKS, re.M)
    assert {name for name, _, _ in rows} == set(choices_of(types_by_name()["preset"]))

    for preset, options, beside in rows:
        alone = decided(forecast, "--preset", preset)
        assert decided(forecast, "--preset", preset, *options.split()) == alone, preset

        for name, value in re.findall(r"`(\w+)` (\w+)", beside):
            number = alone[name]
            shown = f"{number:g}" if type(number) is float else str(number).lower()
            assert shown == value, (preset, name)


def test_the_tables_of_networks_hold_every_setting_of_the_benchmark_in_its_order() -> None:
    text = (ROOT / "benchmarks" / "networks.py").read_text()
    settings = re.findall(r'"(--[^"]+)"', text.split("SETTINGS = (", 1)[1].split("\n)", 1)[0])
    tables = re.findall(r"\| settings \|.+\n\|[-|]+\n((?:\|.+\n)+)", NETWORKS)
    rows = [[row.split("`")[1] for row in table.splitlines()] for table in tables]
    assert {setting for table in rows for setting in table} == set(settings)
    for table in rows:
        assert table == [setting for setting in settings if setting in table]
