"""Schemas of a run: which files a run of each consists of, and what makes an older run a newer one.

A new schema is one entry in `RUN_SCHEMAS`, and one function that turns the content of a run of the
schema before into content of the new one, by filling in what such a run lacked. Runs on disk are
never rewritten: the steps are taken each time an older run is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import forecast_cli
from forecast_cli.errors import RunMismatchError
from forecast_cli.panel import Floats


@dataclass(frozen=True, eq=False)
class RawContent:
    """What the files of a run hold, parsed but not checked.

    config, series, metrics: the JSON of config.json, series.json and metrics.json; weights: the
    tensors of model.safetensors; arrays: those of series.safetensors; files: the bytes of every
    file, by name.
    """

    config: dict[str, Any]
    series: dict[str, Any]
    metrics: dict[str, Any]
    weights: dict[str, Floats]
    arrays: dict[str, Floats]
    files: dict[str, bytes]


@dataclass(frozen=True)
class RunSchema:
    """The files that every run of a schema has, and those that it may have, beside manifest.json.

    upgrade: turns the content of such a run into content of the next schema; None for the newest.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    upgrade: Callable[[RawContent], RawContent] | None = None

    def check_files(self, names: Iterable[str]) -> None:
        """Raise ValueError where a required file is missing or a file is unknown."""
        listed = set(names)
        missing = sorted(set(self.required) - listed)
        unknown = sorted(listed - {*self.required, *self.optional})
        if missing:
            raise ValueError(f"{missing[0]} is missing")
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a file of a run")


def to_schema_2(old: RawContent) -> RawContent:
    """Schema 2 (0.3.0) has members, quantiles and other decoders.

    A run of schema 1 has one member, which gives one number for each step.
    """
    plan = old.config["plan"]
    plan["architecture"]["decoder"] = "recursive" if plan["preset"] == "classic" else "direct"

    weights = {f"members.0.{name}": values for name, values in old.weights.items()}

    arrays = dict(old.arrays)
    arrays["zero"] = arrays.pop("minimum")
    arrays["one"] = arrays.pop("maximum")
    arrays["residuals"] = arrays["residuals"][:, :, None]

    return replace(old, weights=weights, arrays=arrays)


def to_schema_3(old: RawContent) -> RawContent:
    """Schema 3 (0.5.0) has several formats of dates; a run of schema 2 has one, or none."""
    data = old.config["data"]
    if data.get("date_format") is not None:
        data["date_format"] = [data["date_format"]]
    return old


def to_schema_4(old: RawContent) -> RawContent:
    """Schema 4 (0.7.0) has portfolios; what was the preset `seasonal` before is `auto`."""
    plan = old.config["plan"]
    if plan["preset"] == "seasonal":
        plan["preset"] = "auto"
    return old


def to_schema_5(old: RawContent) -> RawContent:
    """Schema 5 (0.8.0) has networks that read seasons, the base network among them."""
    return old


def to_schema_6(old: RawContent) -> RawContent:
    """Schema 6 (0.9.0) has times in several columns, and how their texts are written: what a run
    of schema 5 lacks has a default.
    """
    return old


def to_schema_7(old: RawContent) -> RawContent:
    """Schema 7 (0.10.0) has errors beyond the trained horizon, of which older runs know nothing."""
    arrays = dict(old.arrays)
    # What is wrong with the residuals themselves is found where all arrays are checked.
    residuals = arrays.get("residuals", np.empty(0))
    outputs = residuals.shape[2] if residuals.ndim == 3 else 0
    arrays["further"] = np.empty((0, 0, outputs))
    return replace(old, arrays=arrays)


_FILES_SINCE_1 = (
    "config.json",
    "forecast.csv",
    "history.csv",
    "metrics.json",
    "model.safetensors",
    "predictions.csv",
    "series.json",
    "series.safetensors",
)

RUN_SCHEMAS: dict[int, RunSchema] = {
    1: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_2),
    2: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_3),
    3: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_4),
    4: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_5),
    5: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_6),
    6: RunSchema(required=_FILES_SINCE_1, upgrade=to_schema_7),
    7: RunSchema(required=_FILES_SINCE_1),
}


def newest_run_schema() -> int:
    """The schema that this release writes."""
    return max(RUN_SCHEMAS)


def upgrade(content: RawContent, schema: int) -> RawContent:
    """The content of a run of a schema, as it would be in the newest one."""
    for number in range(schema, newest_run_schema()):
        step = RUN_SCHEMAS[number].upgrade
        if step is None:
            raise LookupError(f"no upgrade of schema {number}")
        content = step(content)
        content.config["schema"] = number + 1
    return content


def check_not_newer(path: Path, content: Any, subject: str, newest: int) -> None:
    """Raise RunMismatchError, naming both releases, where parsed JSON is of a newer schema.

    subject: what has the schema, for example "the run"; newest: the newest schema that is known.
    """
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, int) or schema <= newest:
        return

    raise RunMismatchError(
        f"{path}: {subject} has schema {schema}{_release_of(content)}, "
        f"this is forecast {forecast_cli.__version__} with schema {newest}",
        "use the newer release that wrote it, or train again in another --store",
    )


def _release_of(manifest: dict[str, Any]) -> str:
    """` of forecast 9.9.9`, where a manifest says which release wrote it."""
    versions = manifest.get("versions")
    release = versions.get("forecast") if isinstance(versions, dict) else None
    is_sensible = isinstance(release, str) and len(release) < 40
    return f" of forecast {release}" if is_sensible else ""
