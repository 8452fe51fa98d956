"""The command of a job, and the name of its units."""

from __future__ import annotations

import pytest

from forecast_cli.errors import SettingsError
from tests.scheduling.helpers import job


def test_the_command_has_the_options_that_were_given() -> None:
    assert job().words == (
        "/opt/venv/bin/forecast",
        "refresh",
        "/srv/sales.csv",
        "-o",
        "/srv/out/forecast.csv",
        "--store",
        "/srv/runs",
        "--quiet",
    )
    full = job(config="/c.toml", metrics="/m.prom", ping_file="/p")
    assert full.words[7:] == (
        *("--config", "/c.toml"),
        *("--metrics", "/m.prom"),
        *("--ping-file", "/p"),
        "--quiet",
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("/srv/sales.csv", "forecast-sales"),
        ("/srv/Umsatz 2026 (neu).csv", "forecast-Umsatz-2026-neu"),
        ("/srv/数据.csv", "forecast-data"),
        ("/srv/%.csv", "forecast-data"),
        (f"/srv/{'x' * 300}", f"forecast-{'x' * 100}"),
    ],
)
def test_units_are_named_after_the_data(data: str, name: str) -> None:
    assert job(data=data).name == name


@pytest.mark.parametrize("letter", ["\n", "\x00", "\x1b", "\u202e", "\udcff", "\x7f", "\u0085"])
def test_what_cannot_stand_in_a_line_is_refused(letter: str) -> None:
    path = f"/srv/a{letter}b"
    with pytest.raises(SettingsError) as caught:
        job(output=path)
    assert caught.value.message == (
        f"{path!r} has a character that cannot stand in a schedule: {letter!a}"
    )
    assert caught.value.hint == "rename the file or folder, or make a link with another name"
