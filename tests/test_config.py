"""Where settings come from: command line, environment, file, default, in this order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import config
from forecast_cli.config import GROUPS, Settings, gather, read_environment, read_file, settings_of
from forecast_cli.errors import SettingsError

FIELDS = [field for group in GROUPS.values() for field in dataclasses.fields(group)]
# A value of each setting that is not its default, as TOML and as the environment have it.
EXAMPLES: dict[str, tuple[str, str, Any]] = {
    "preset": ('"classic"', "classic", "classic"),
    "short": ('"drop"', "drop", "drop"),
    "gaps": ('"zero"', "zero", "zero"),
    "duplicates": ('"sum"', "sum", "sum"),
    "bad_rows": ('"skip"', "skip", "skip"),
    "not_null": ('["-1", "-999"]', "-1,-999", ["-1", "-999"]),
    "date_format": ('["%Y-%m", "%b %d, %Y"]', '%Y-%m,"%b %d, %Y"', ["%Y-%m", "%b %d, %Y"]),
    "delimiter": ('";"', ";", ";"),
    "decimal": ('","', ",", ","),
    "thousands": ('"."', ".", "."),
    "encoding": ('"cp1252"', "cp1252", "cp1252"),
    "freq": ('"h"', "h", "h"),
    "timezone": ('"Europe/Berlin"', "Europe/Berlin", "Europe/Berlin"),
    "digits": ('"2"', "2", "2"),
    "season": ('"24,168"', "24,168", "24,168"),
    "levels": ('"50"', "50", "50"),
    "time_limit": ('"2h"', "2h", "2h"),
    "lock_wait": ('"10m"', "10m", "10m"),
    "if_locked": ('"skip"', "skip", "skip"),
    "log_format": ('"json"', "json", "json"),
    "units": ('"50,100"', "50,100", "50,100"),
    "refit": ("false", "no", False),
    "dropout": ("0", "0", 0.0),
    "learning_rate": ("0.01", "1e-2", 0.01),
}


def example(name: str) -> tuple[str, str, Any]:
    plain = config._plain(config.kinds()[name])
    usual = {
        int: ("3", " 3", 3),
        str: ('"a b"', "a b", "a b"),
        bool: ("true", "TRUE", True),
        float: ("1", "1", 1.0),
    }
    words = config.choices_of(config.kinds()[name])
    if words:
        usual[str] = (f'"{words[-1]}"', words[-1], words[-1])
    return EXAMPLES.get(name) or usual.get(plain) or ('["a", "b, c"]', 'a,"b, c"', ["a", "b, c"])


def test_every_setting_can_come_from_the_file_and_from_the_environment(
    write: Callable[..., Path],
) -> None:
    for name in [*(field.name for field in FIELDS), "store"]:
        toml, text, value = example(name)
        for key in {name, name.replace("_", "-")}:
            path = write(f"{key} = {toml}\n", "forecast.toml")
            assert read_file(str(path)) == {name: value}
        assert read_environment({f"FORECAST_{name.upper()}": text}) == ({name: value}, [])
        given = gather({}, {f"FORECAST_{name.upper()}": text})
        home = next(
            (g for g in GROUPS if name in {f.name for f in dataclasses.fields(GROUPS[g])}), None
        )
        if home is not None:
            assert getattr(getattr(settings_of(given), home), name) == value


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(
    write: Callable[..., Path],
) -> None:
    path = str(write("horizon = 1\nlookback = 1\nepochs = 1\n", "forecast.toml"))
    given = gather({"horizon": 3}, {"FORECAST_HORIZON": "2", "FORECAST_LOOKBACK": "2"}, path)
    settings = settings_of(given)
    assert (settings.window.horizon, settings.window.lookback, settings.training.epochs) == (
        3,
        2,
        1,
    )
    assert settings.training.seed == Settings().training.seed
    assert [given.place(name) for name in ("horizon", "lookback", "epochs", "seed")] == [
        "on the command line",
        "in the environment (FORECAST_LOOKBACK)",
        f"in {path}",
        "",
    ]


def test_the_environment_may_name_the_file_and_the_command_line_another(
    write: Callable[..., Path],
) -> None:
    one, two = str(write("horizon = 1\n", "one.toml")), str(write("horizon = 2\n", "two.toml"))
    assert gather({}, {"FORECAST_CONFIG": one}).values == {"horizon": 1}
    assert gather({}, {"FORECAST_CONFIG": one}, two).values == {"horizon": 2}
    assert gather({}, {"FORECAST_CONFIG": ""}) == config.Given()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("horizn = 3", "f.toml: unknown key 'horizn'", "did you mean 'horizon'?"),
        ("[window]\nhorizon = 3", "f.toml: unknown key 'window'", None),
        ("horizon = 'a'", "f.toml: horizon must be a whole number, got 'a'", "write horizon = 24"),
        ("horizon = 2.5", "f.toml: horizon must be a whole number, got 2.5", "write horizon = 24"),
        ("horizon = true", "f.toml: horizon must be a whole number, got true", "write horizon = 24"),
        ("dropout = '0.1'", "f.toml: dropout must be a number, got '0.1'", "write dropout = 0.2"),
        ("refit = 1", "f.toml: refit must be true or false, got 1", "write refit = true"),
        ("season = 24", "f.toml: season must be a text, got 24", 'write season = "24"'),
        ("units = [50, 100]", "f.toml: units must be a text, got [50, 100]", 'write units = "50,100"'),
        ("time = {a = 1}", "f.toml: time must be a text, got a table", 'write time = "text"'),
        ("target = 3", "f.toml: target must be a list of texts, got 3", 'write target = ["a", "b"]'),
        ("preset = 1", "f.toml: preset must be one of auto, classic, bilstm, seq2seq, got 1", None),
        ("batch-size = 1\nbatch_size = 2", "f.toml: 'batch_size' is there twice, with - and with _", "keep one of them"),
        ("horizon: 3", "f.toml: this is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 8)", "write lines like horizon = 24"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named(
    write: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    message: str,
    hint: str | None,
) -> None:
    monkeypatch.chdir(write(text, "f.toml").parent)
    with pytest.raises(SettingsError) as caught:
        read_file("f.toml")
    assert (caught.value.message, caught.value.exit_code) == (message, 2)
    assert hint is None or caught.value.hint == hint


def test_a_file_that_cannot_be_read_is_named(write: Callable[..., Path], tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.toml", "no such file"),
        (tmp_path, "Is a directory"),
        (write(b"a = '\xff'", "latin.toml"), "the text is not UTF-8"),
    ):
        with pytest.raises(SettingsError) as caught:
            read_file(str(path))
        assert caught.value.message == f"{path}: {message}"
    assert read_file(str(write(b"\xef\xbb\xbfhorizon = 3\r\n", "bom.toml"))) == {"horizon": 3}
    assert read_file(str(write("target = 'y'", "one.toml"))) == {"target": ["y"]}


def test_an_unknown_variable_is_a_warning_and_other_variables_are_nobodys_business() -> None:
    found, warnings = read_environment(
        {"FORECAST_HORIZN": "3", "FORECAST_XYZZY": "3", "HORIZON": "a", "FORECAST_": ""}
    )
    assert found == {}
    assert warnings == [
        "the environment variable FORECAST_ is no setting and was ignored",
        "the environment variable FORECAST_HORIZN is no setting and was ignored; did you mean FORECAST_HORIZON?",
        "the environment variable FORECAST_XYZZY is no setting and was ignored",
    ]
    assert read_environment({"FORECAST_HORIZON": "", "FORECAST_TARGET": " "}) == ({}, [])


@pytest.mark.parametrize(
    ("variable", "text", "message", "hint"),
    [
        ("FORECAST_HORIZON", "x", "FORECAST_HORIZON must be a whole number, got 'x'", "set FORECAST_HORIZON=24"),
        ("FORECAST_DROPOUT", "x", "FORECAST_DROPOUT must be a number, got 'x'", "set FORECAST_DROPOUT=0.2"),
        ("FORECAST_REFIT", "x", "FORECAST_REFIT must be true or false, got 'x'", "set FORECAST_REFIT=true"),
        ("FORECAST_HORIZON", "0", "--horizon must be at least 1, got 0, in the environment (FORECAST_HORIZON)", "use --horizon 1 or more"),
        ("FORECAST_DROPOUT", "nan", "--dropout must be at least 0, got nan, in the environment (FORECAST_DROPOUT)", "use --dropout 0 or more"),
        ("FORECAST_PRESET", "x", "--preset: 'x' is not one of auto, classic, bilstm, seq2seq, in the environment (FORECAST_PRESET)", "use --preset auto"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_environment_is_named(
    variable: str, text: str, message: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(gather({}, {variable: text}))
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_wrong_value_on_the_command_line_is_not_blamed_on_the_file(
    write: Callable[..., Path],
) -> None:
    path = str(write("lookback = 0\n", "forecast.toml"))
    with pytest.raises(SettingsError, match=r"^--horizon must be at least 1, got 0$"):
        settings_of(gather({"horizon": 0}, {}))
    with pytest.raises(SettingsError) as caught:
        settings_of(gather({}, {}, path))
    assert caught.value.message == f"--lookback must be at least 1, got 0, in {path}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86_400),
        (" 1.5 m ", 90),
    ],
)
def test_durations_are_seconds_unless_they_say_otherwise(text: str, seconds: float) -> None:
    assert config.duration(text, "--lock-wait") == seconds


@pytest.mark.parametrize("text", ["", "m", "-1", "10 minutes", "1e3", "1m30s", "٣", "inf", "nan"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        config.LockSettings(lock_wait=text)
    assert caught.value.message == f"--lock-wait: {text!r} is not a duration"
    assert caught.value.hint == "write --lock-wait 30s, 10m or 2h"
    assert config.settings_from(lock_wait=30).lock.lock_wait == "30"


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("%d/%m/%Y", ["%d/%m/%Y"]),
        ("%b %d, %Y", ["%b %d, %Y"]),  # one format, as it always was
        ("%A, %d %B %Y, %H:%M", ["%A, %d %B %Y, %H:%M"]),
        ("%Y-%m-%d,%d.%m.%Y", ["%Y-%m-%d", "%d.%m.%Y"]),
        ("%Y-%m-%d, epoch", ["%Y-%m-%d", "epoch"]),
        ('"%b %d, %Y",%Y-%m-%d', ["%b %d, %Y", "%Y-%m-%d"]),
    ],
)
def test_formats_of_dates_in_the_environment_may_have_commas_in_them(
    text: str, formats: list[str]
) -> None:
    assert read_environment({"FORECAST_DATE_FORMAT": text}) == ({"date_format": formats}, [])


def test_a_format_of_dates_in_a_file_is_a_text_or_a_list(write: Callable[..., Path]) -> None:
    for toml, formats in (('"%b %d, %Y"', ["%b %d, %Y"]), ('["%Y", "%Y-%m"]', ["%Y", "%Y-%m"])):
        assert read_file(str(write(f"date-format = {toml}\n", "f.toml"))) == {
            "date_format": formats
        }
