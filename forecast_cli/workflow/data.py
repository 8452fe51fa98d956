"""What a use case is given: the name of a file, or a Panel that was read before."""

from __future__ import annotations

import os
from dataclasses import replace

from forecast_cli.errors import SettingsError
from forecast_cli.panel import Panel
from forecast_cli.progress import Report, reading
from forecast_cli.reading import read
from forecast_cli.settings import DataSettings, Settings

Data = str | os.PathLike[str] | Panel


def read_data(data: Data, settings: Settings, report: Report) -> Panel:
    """The rows of a file, or those of a Panel.

    Raises SettingsError for settings of the reader beside a Panel, and what the reader raises.
    """
    if not isinstance(data, Panel):
        report(reading(os.fspath(data)))
        return read(data, settings.data)

    if replace(settings.data, season=None) != DataSettings():
        raise SettingsError(
            "settings of the reader do not go with a Panel", "give them to read_csv"
        )
    return data
