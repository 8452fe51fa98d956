"""Errors of the reader are values: they say which setting helps, and where in the file they are."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import predict, store
from forecast_cli.errors import ForecastError
from forecast_cli.reading import read_csv
from forecast_cli.settings import DataSettings
from tests.conftest import AIRLINE, ROOT

MODULES = sorted((ROOT / "forecast_cli" / "reading").glob("*.py"))
ERRORS = {"DataError", "SettingsError", "TooLittleDataError"}
SETTINGS = {field.name for field in dataclasses.fields(DataSettings)}


def constructions(module: Path) -> Iterator[tuple[ast.Call, str]]:
    """Every place where a module makes an error, and the hint as far as it is a text there."""
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            hint = node.args[1:2]
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "error":
            hint = node.args[2:3]
        else:
            continue
        texts = [
            part.value for one in hint for part in ast.walk(one) if isinstance(part, ast.Constant)
        ]
        yield node, " ".join(text for text in texts if isinstance(text, str))


def test_every_hint_that_names_an_option_comes_with_its_field() -> None:
    checked = 0
    for module in MODULES:
        for call, hint in constructions(module):
            keywords = {keyword.arg for keyword in call.keywords}
            if re.search("--[a-z]", hint):
                assert "option" in keywords, f"{module.name}:{call.lineno}: {hint}"
                checked += 1
    assert checked > 20


def test_every_option_of_an_error_is_a_setting_of_the_reader() -> None:
    checked = 0
    for module in MODULES:
        for call, _ in constructions(module):
            for keyword in call.keywords:
                if keyword.arg == "option" and isinstance(keyword.value, ast.Constant):
                    assert keyword.value.value in SETTINGS, f"{module.name}:{call.lineno}"
                    checked += 1
    assert checked > 30


@pytest.mark.parametrize(
    ("text", "settings", "fields"),
    [
        (
            "day,y\n2024-01-01,1\n2024-01-02,ERR\n2024-01-03,3\n",
            {},
            {"line": 3, "column": "y", "value": "ERR", "option": "null"},
        ),
        (
            "day,y\n2024-01-01,1\n2024-02-30,2\n2024-03-01,3\n",
            {},
            {"line": 3, "column": "day", "value": "2024-02-30", "option": "bad_rows"},
        ),
        (
            "day,y\n2024-01-01,1\n25.01.2024,2\n2024-03-01,3\n",
            {},
            {"line": 3, "column": "day", "value": "25.01.2024", "option": "date_format"},
        ),
        (
            "day,y\n2024-01-01,1\n2024-01-02,2,2\n2024-01-03,3\n",
            {},
            {"line": 3, "column": "", "value": "", "option": "bad_rows"},
        ),
        (
            "day,y\n2024-01-01,1\n2024-01-02,1e200\n2024-01-03,3\n",
            {},
            {"line": 3, "column": "y", "value": "1e+200", "option": ""},
        ),
        (
            "day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n",
            {"target": ["z"]},
            {"line": None, "column": "z", "value": "", "option": ""},
        ),
        (
            "day,y,z\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,3,4\n",
            {},
            {"line": None, "column": "", "value": "", "option": "target"},
        ),
        (
            "day,y\n20240101,1\n20240102,2\n20240103,3\n",
            {"target": ["y"]},
            {"line": None, "column": "day", "value": "20240101", "option": "time"},
        ),
        (
            "day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n",
            {},
            {"line": None, "column": "", "value": "", "option": "duplicates"},
        ),
        (
            "day,y\n2024-01-01,1\n2024-01-20,2\n2024-01-21,3\n",
            {},
            {"line": None, "column": "", "value": "", "option": "gaps"},
        ),
        (
            "día,y\n2024-01-01,1\n".encode("cp1252"),
            {},
            {"line": 1, "column": "", "value": "", "option": "encoding"},
        ),
    ],
)
def test_an_error_says_where_it_is_and_which_setting_helps(
    write: Callable[..., Path],
    text: str | bytes,
    settings: dict[str, Any],
    fields: dict[str, Any],
) -> None:
    path = write(text)
    with pytest.raises(ForecastError) as caught:
        read_csv(path, **settings)
    error = caught.value
    assert error.path == str(path)
    assert {name: getattr(error, name) for name in fields} == fields


MONTHS = [f"{1949 + at // 12}-{1 + at % 12:02}" for at in range(60)]
FILE = "Month,Passengers\n" + "".join(f"{month},{100 + at}\n" for at, month in enumerate(MONTHS))


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        # --encoding is an option of train alone: what it read, the run knows.
        (
            (FILE + "1954-01,é\n").encode("cp1252"),
            "bring the file to the form of the one that was trained on, or train on this one",
        ),
        # --null is one of predict, too.
        (
            FILE.replace("-03,102", "-03,ERR").encode(),
            "name missing values with --null (besides empty, NA, NaN and null), correct these "
            "cells, or use --bad-rows skip",
        ),
        # This hint names no option at all.
        (
            FILE.replace("Passengers", "Passenger").encode(),
            f"did you mean 'Passenger'?; the run RUN was trained on {AIRLINE}",
        ),
    ],
)
def test_predict_passes_on_the_hints_that_it_has_options_for(
    airline_store: Path, write: Callable[..., Path], content: bytes, hint: str
) -> None:
    with pytest.raises(ForecastError) as caught:
        predict(write(content), store_folder=airline_store)
    assert caught.value.hint == hint.replace("RUN", store.latest(airline_store) or "")
