"""Help pages: plain, short, complete."""

from __future__ import annotations

import re

import pytest

from forecast_cli.app import COMMANDS, GROUP, GROUP_COMMANDS
from forecast_cli.commands.train import MOST_USED
from forecast_cli.fields import option_name
from forecast_cli.settings import MonitorSettings, RefreshSettings, fields_by_name
from tests.commands.helpers import Forecast

PAGES = [(name,) for name in COMMANDS] + [(GROUP, name) for name in GROUP_COMMANDS]


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def options(page: str) -> dict[str, list[str]]:
    """The lines that describe each option, by its name."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in page.split("Example:")[-1].splitlines():
        if line.startswith("  -"):
            name = line.split("--", 1)[1].replace("[no-]", "").split()[0]
            lines = found.setdefault(f"--{name}", [])
        if not line.strip():
            lines = []
        lines.append(line)
    return found


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_every_command_has_help_with_an_example(forecast: Forecast, words: tuple[str, ...]) -> None:
    result = forecast(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: forecast {' '.join(words)} [OPTIONS]")
    assert f"Example: forecast {' '.join(words)}" in " ".join(result.out.split())

    for option in ("--json", "--quiet", "--debug", "--log-format", "--config"):
        assert option in result.out.split("General:")[1]
    command = COMMANDS.get(words[-1]) or GROUP_COMMANDS[words[-1]]
    has_store = "store" in command.__annotations__
    assert ("--store DIR" in result.out) == has_store


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_an_option_takes_one_or_two_lines_of_80_columns_and_shows_no_types(
    forecast: Forecast, words: tuple[str, ...]
) -> None:
    page = forecast(*words, "--help").out
    assert max(map(len, page.splitlines())) <= 80
    assert not re.search(r"<\w+", page)

    lengths = {name: len(lines) for name, lines in options(page).items()}
    assert {name: length for name, length in lengths.items() if length > 2} == {}


def test_the_ten_most_used_options_of_train_come_first(forecast: Forecast) -> None:
    page = forecast("train", "--help").out
    first = page.split("\nMost used options:\n")[1].split("\n\n")[0]
    assert list(options(first)) == [option_name(name) for name in MOST_USED]
    assert len(MOST_USED) == 10
    assert page.index("Most used options:") < page.index("Data:") < page.index("General:")


def test_every_setting_is_an_option_of_train(forecast: Forecast) -> None:
    page = forecast("train", "--help").out
    of_jobs = {*MonitorSettings.types, *RefreshSettings.types}  # of commands that are scheduled
    for name in fields_by_name().keys() - of_jobs:
        assert re.search(rf"^  --(\[no-\])?{name.replace('_', '-')}\b", page, re.M), name


def test_the_help_of_groups_lists_their_commands(forecast: Forecast) -> None:
    page = forecast("--help").out
    assert page.index("Usage: forecast [OPTIONS] COMMAND") == 0
    assert "Example: forecast train" in page
    for name in (*COMMANDS, GROUP):
        assert re.search(rf"^  {name}  ", page, re.M)

    page = forecast(GROUP, "--help").out
    for name in GROUP_COMMANDS:
        assert re.search(rf"^  {name}  ", page, re.M)


def test_only_commands_that_begin_with_other_weights_can_keep_some(forecast: Forecast) -> None:
    have_freeze = {name for name in COMMANDS if "--freeze" in forecast(name, "--help").out}
    assert have_freeze == {"train", "refresh"}
