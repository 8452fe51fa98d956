"""Where settings come from: command line, environment, file, default, in this order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast_cli.errors import SettingsError
from forecast_cli.fields import choices_of, plain_type
from forecast_cli.settings import GROUPS, Settings, fields_by_name, types_by_name
from forecast_cli.sources import (
    SettingSources,
    gather,
    read_environment,
    read_file,
    settings_from,
    settings_of,
)

# A value of each setting that is not its default, as TOML and as the environment have it.
EXAMPLES: dict[str, tuple[str, str, Any]] = {
    "preset": ('"classic"', "classic", "classic"),
    "short": ('"drop"', "drop", "drop"),
    "gaps": ('"zero"', "zero", "zero"),
    "duplicates": ('"sum"', "sum", "sum"),
    "bad_rows": ('"skip"', "skip", "skip"),
    "not_null": ('["-1", "-999"]', "-1,-999", ["-1", "-999"]),
    "date_format": ('["%Y-%m", "%b %d, %Y"]', '%Y-%m,"%b %d, %Y"', ["%Y-%m", "%b %d, %Y"]),
    "decimal": ('","', ",", ","),
    "thousands": ('"."', ".", "."),
    "encoding": ('"cp1252"', "cp1252", "cp1252"),
    "freq": ('"h"', "h", "h"),
    "timezone": ('"Europe/Berlin"', "Europe/Berlin", "Europe/Berlin"),
    "if_locked": ('"skip"', "skip", "skip"),
    "log_format": ('"json"', "json", "json"),
    "refit": ("false", "no", False),
    "dropout": ("0", "0", 0.0),
    "learning_rate": ("0.01", "1e-2", 0.01),
}


def parsed(name: str, value: Any) -> Any:
    """What is written for a setting, as the setting has it."""
    form = fields_by_name()[name].metadata["form"]
    return value if form is None else form.parse(value, name)


def example(name: str) -> tuple[str, str, Any]:
    kind = types_by_name().get(name, str)
    form = None if name == "store" else fields_by_name()[name].metadata["form"]
    if form is not None:
        return f'"{form.example}"', form.example, form.example

    usual = {
        int: ("3", " 3", 3),
        str: ('"a b"', "a b", "a b"),
        bool: ("true", "TRUE", True),
        float: ("1", "1", 1.0),
        list[str]: ('["a", "b, c"]', 'a,"b, c"', ["a", "b, c"]),
    }
    words = choices_of(kind)
    if words:
        usual[str] = (f'"{words[-1]}"', words[-1], words[-1])
    return EXAMPLES.get(name) or usual[plain_type(kind)]


def setting(settings: Settings, name: str) -> Any:
    """The value of a setting, whatever its group."""
    groups = [getattr(settings, group) for group in GROUPS]
    return next(getattr(group, name) for group in groups if hasattr(group, name))


@pytest.mark.parametrize("name", [*fields_by_name(), "store"])
def test_every_setting_can_come_from_the_file_and_from_the_environment(
    write: Callable[..., Path], name: str
) -> None:
    toml, text, value = example(name)
    for key in {name, name.replace("_", "-")}:
        path = write(f"{key} = {toml}\n", "forecast.toml")
        assert read_file(str(path)) == {name: value}

    variable = f"FORECAST_{name.upper()}"
    assert read_environment({variable: text}) == ({name: value}, [])
    if name != "store":
        settings = settings_of(gather({}, {variable: text}))
        assert setting(settings, name) == parsed(name, value)
        assert settings == settings_from(**{name: parsed(name, value)})


@pytest.mark.parametrize(
    ("toml", "name", "value"),
    [
        ("units = [50, 100]", "units", (50, 100)),
        ("units = 50", "units", (50,)),
        ("season = 24", "season", (24,)),
        ("levels = [80, 99.5]", "levels", (80.0, 99.5)),
        ("levels = []", "levels", ()),
        ("digits = 2", "digits", 2),
        ("lock_wait = 30", "lock_wait", 30.0),
        ("time-limit = 1.5", "time_limit", 1.5),
    ],
)
def test_numbers_in_a_file_need_no_quotes(
    write: Callable[..., Path], toml: str, name: str, value: Any
) -> None:
    path = write(toml, "forecast.toml")
    assert setting(settings_of(gather({}, {}, str(path))), name) == value


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
    assert gather({}, {"FORECAST_CONFIG": ""}) == SettingSources()


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
        ("season = true", "f.toml: season must be a text or numbers, got true", 'write season = "24,168"'),
        ("units = ['a', 'b']", "f.toml: units must be a text or numbers, got ['a', 'b']", 'write units = "50,100"'),
        ("time = {a = 1}", "f.toml: time must be a text, got a table", 'write time = "text"'),
        ("target = 3", "f.toml: target must be a list of texts, got 3", 'write target = ["a", "b"]'),
        ("preset = 1", "f.toml: preset must be one of auto, accurate, classic, bilstm, seq2seq, got 1", None),
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
        "the environment variable FORECAST_ is not a setting and was ignored",
        "the environment variable FORECAST_HORIZN is not a setting and was ignored; did you mean FORECAST_HORIZON?",
        "the environment variable FORECAST_XYZZY is not a setting and was ignored",
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
        ("FORECAST_PRESET", "x", "--preset: 'x' is not one of auto, accurate, classic, bilstm, seq2seq, in the environment (FORECAST_PRESET)", "use --preset auto"),
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


def test_a_format_of_dates_in_a_file_is_a_text_or_a_list(write: Callable[..., Path]) -> None:
    for toml, formats in (('"%b %d, %Y"', ["%b %d, %Y"]), ('["%Y", "%Y-%m"]', ["%Y", "%Y-%m"])):
        assert read_file(str(write(f"date-format = {toml}\n", "f.toml"))) == {
            "date_format": formats
        }


def test_a_wrong_value_is_blamed_on_its_own_source_only(write: Callable[..., Path]) -> None:
    """The option that an error is about is a field, so nothing depends on how messages begin."""
    path = str(write("null = '-999'\nnot-null = '-999'\n", "forecast.toml"))
    with pytest.raises(SettingsError) as caught:
        settings_of(gather({"horizon": 3}, {"FORECAST_LOOKBACK": "7"}, path))
    assert caught.value.message == f"--not-null: '-999' is also named by --null, in {path}"
    assert caught.value.option == "not_null"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"horizn": 3}, "unknown setting 'horizn'"),
        ({"horizon": "3"}, "horizon: '3' is not a whole number"),
        ({"horizon": True}, "horizon: True is not a whole number"),
        ({"preset": 1}, "preset: 1 is not one of auto, accurate, classic, bilstm, seq2seq"),
        ({"refit": 1}, "refit: 1 is not true or false"),
        ({"levels": None}, "levels: None is not a text or numbers"),
        ({"target": 3}, "target: 3 is not a list of texts"),
    ],
)
def test_a_wrong_keyword_in_python_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(**values)
    assert caught.value.message == message


def test_keywords_in_python_can_be_texts_or_values() -> None:
    assert settings_from(units="8,6", season="7", levels="80", target="y") == settings_from(
        units=(8, 6), season=7, levels=[80], target=["y"]
    )
    assert settings_from(null=-999).data.null == ["-999"]
    assert settings_from(lock_wait=30).lock.lock_wait == 30.0


def test_sources_can_be_changed_as_if_typed() -> None:
    sources = gather({"time": "t"}, {"FORECAST_HORIZON": "3"})
    changed = sources.without(["time"]).with_typed("horizon", 5)
    assert changed.values == {"horizon": 5}
    assert changed.place("horizon") == "on the command line"
    assert sources.values == {"time": "t", "horizon": 3}
