"""The settings: frozen dataclasses in which one field is one option, one key of the TOML file, one
variable of the environment and one keyword of the Python API.

`sources` brings values from all of these here. A value that is written as text, such as `50,100`
or `10m`, is parsed when the settings are made, and stays parsed.

    data.py         how a file is read, and which of its columns are what
    model.py        windows, network, training, ensemble
    forecasts.py    intervals, decimals, the skill that is required
    jobs.py         where tasks run, the store, refreshes, monitoring, messages
    groups.py       all of them together, and their fields by name
"""

from forecast_cli.settings.data import COVARIATES, ROLES, DataSettings
from forecast_cli.settings.forecasts import AccuracySettings, IntervalSettings, OutputSettings
from forecast_cli.settings.groups import (
    GROUPS,
    Settings,
    fields_by_name,
    reading_the_target,
    rereading,
    types_by_name,
)
from forecast_cli.settings.jobs import (
    DEFAULT_STORE,
    OF_THE_ENGINE,
    EngineSettings,
    LockSettings,
    LogSettings,
    MonitorSettings,
    PruneSettings,
    RefreshSettings,
)
from forecast_cli.settings.model import (
    EnsembleSettings,
    NetworkSettings,
    TrainingSettings,
    WindowSettings,
)

__all__ = [
    "COVARIATES",
    "DEFAULT_STORE",
    "GROUPS",
    "OF_THE_ENGINE",
    "ROLES",
    "AccuracySettings",
    "DataSettings",
    "EngineSettings",
    "EnsembleSettings",
    "IntervalSettings",
    "LockSettings",
    "LogSettings",
    "MonitorSettings",
    "NetworkSettings",
    "OutputSettings",
    "PruneSettings",
    "RefreshSettings",
    "Settings",
    "TrainingSettings",
    "WindowSettings",
    "fields_by_name",
    "reading_the_target",
    "rereading",
    "types_by_name",
]
