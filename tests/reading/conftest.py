"""Every error that a test of this folder provokes is looked at: does it say which setting its hint names?"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from forecast_cli.errors import ForecastError
from tests.conftest import ROOT

READING = str(ROOT / "forecast_cli" / "reading")


@pytest.fixture(autouse=True)
def hints_that_name_an_option_have_its_field(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`predict` decides by `error.option` alone whether it may pass a hint on."""
    without_option: list[str] = []
    initialize = ForecastError.__init__

    def checked(self: ForecastError, message: str, hint: str = "", **fields: Any) -> None:
        initialize(self, message, hint, **fields)
        is_of_reading = sys._getframe(1).f_code.co_filename.startswith(READING)
        if is_of_reading and re.search("--[a-z]", hint) and not self.option:
            without_option.append(f"{message} | {hint}")

    monkeypatch.setattr(ForecastError, "__init__", checked)
    yield
    assert without_option == []
