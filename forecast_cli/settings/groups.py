"""All settings together, and their fields by name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forecast_cli.settings.data import COVARIATES, DataSettings
from forecast_cli.settings.forecasts import AccuracySettings, IntervalSettings, OutputSettings
from forecast_cli.settings.jobs import (
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


@dataclass(frozen=True)
class Settings:
    """All settings: of the data and the training, of the store, of the messages."""

    data: DataSettings = DataSettings()
    window: WindowSettings = WindowSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    engine: EngineSettings = EngineSettings()
    interval: IntervalSettings = IntervalSettings()
    accuracy: AccuracySettings = AccuracySettings()
    output: OutputSettings = OutputSettings()
    lock: LockSettings = LockSettings()
    prune: PruneSettings = PruneSettings()
    refresh: RefreshSettings = RefreshSettings()
    monitor: MonitorSettings = MonitorSettings()
    log: LogSettings = LogSettings()


GROUPS: dict[str, type[Any]] = {
    field.name: type(field.default) for field in dataclasses.fields(Settings)
}


@functools.cache
def fields_by_name() -> Mapping[str, dataclasses.Field[Any]]:
    """The fields of all groups, by their name, which is unique."""
    return {field.name: field for group in GROUPS.values() for field in dataclasses.fields(group)}


@functools.cache
def types_by_name() -> Mapping[str, Any]:
    """The types of the fields of all groups, by the name of the field."""
    types: dict[str, Any] = {}
    for group in GROUPS.values():
        types |= group.types
    return {name: types[name] for name in fields_by_name()}


def reading_the_target() -> tuple[str, ...]:
    """The settings of the reader but for the covariates."""
    names = (field.name for field in dataclasses.fields(DataSettings))
    return tuple(name for name in names if name not in COVARIATES)


def rereading() -> tuple[str, ...]:
    """The settings of the reader that may change between a training and a prediction."""
    return tuple(
        field.name for field in dataclasses.fields(DataSettings) if field.metadata["rereading"]
    )
