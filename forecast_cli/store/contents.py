"""What a run holds <-> the bytes of its files.

`encode` turns what a training leaves into files, and `decode` turns verified files into a run. What
is decoded must fit together in every way: records, names and shapes of tensors, times, covariates.
Everything else is a RunRejectedError that names the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from forecast_cli import calendar, covariates, network, tables
from forecast_cli.calendar import Ints
from forecast_cli.covariates import FeatureScale
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Model
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import Plan, part_plans
from forecast_cli.scaling import SeriesScale
from forecast_cli.store import strict_json
from forecast_cli.store.records import Manifest, Metrics, RunConfig, SeriesNames
from forecast_cli.store.rejection import rejected, rejecting
from forecast_cli.store.upgrades import RawContent, newest_run_schema, upgrade

# Microseconds since 1970 of the years 1 to 9999, less two days for time zones.
EARLIEST_TIME = -62_135_424_000_000_000
LATEST_TIME = 253_402_127_999_000_000

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Contents:
    """What a training leaves, before it is files.

    panel: the data; tables: the other files of the run, by name, as bytes, such as history.csv.
    """

    config: RunConfig
    model: Model
    panel: Panel
    metrics: Metrics
    tables: Mapping[str, bytes]


@dataclass(frozen=True, eq=False)
class Run:
    """A run, read and verified.

    tail: the last rows of every series, as they were when the run was trained; texts: the bytes of
    every file, by name.
    """

    name: str
    folder: Path
    manifest: Manifest
    config: RunConfig
    model: Model
    tail: Panel
    metrics: Metrics
    texts: dict[str, bytes]

    @property
    def digits(self) -> Digits:
        """How its forecasts are written; runs of 0.4.0 and before do not say, but their last rows do."""
        return tables.decimals(self.tail) if self.config.digits is None else self.config.digits


# -- to bytes --------------------------------------------------------------------------------------


def encode(contents: Contents) -> dict[str, bytes]:
    """The files of a run but its manifest, sorted by name.

    Raises ValueError where a table has the name of one of the other files.
    """
    panel, model = contents.panel, contents.model
    kept = _kept_lengths(panel, contents.config.plan)

    files = {
        "config.json": strict_json.write(contents.config.as_dict()),
        "metrics.json": strict_json.write(contents.metrics),
        "model.safetensors": format_tensors(_weights(model)),
        "series.json": strict_json.write(_series_names(panel, kept)),
        "series.safetensors": format_tensors(_series_arrays(panel, model, kept)),
    }
    taken = files.keys() & contents.tables.keys()
    if taken:
        raise ValueError(f"{min(taken)} is not the name of a table")
    return dict(sorted({**files, **contents.tables}.items()))


def _kept_lengths(panel: Panel, plan: Plan) -> Ints:
    """How many of the last rows of each series are kept, (S,).

    Enough for the network, and for a plot of the test part with what came before it.
    """
    of_base = plan.base.architecture.lookback if plan.base else 0
    before_test = max(plan.lookback, of_base, 2 * plan.season) + 3 * plan.horizon
    return np.minimum(panel.lengths, before_test + plan.test)


def _weights(model: Model) -> dict[str, Floats]:
    weights: dict[str, Any] = {}
    for number, member in enumerate(model.members):
        for name, values in member.items():
            weights[f"members.{number}.{name}"] = np.ascontiguousarray(values, np.float32)
    for name, values in (model.base or {}).items():
        # Half precision is what they come in: nothing is lost.
        weights[f"base.{name}"] = np.ascontiguousarray(values, np.float16)
    return weights


def _series_names(panel: Panel, kept: Ints) -> SeriesNames:
    first = panel.first + panel.lengths - kept
    offsets = np.concatenate([[0], np.cumsum(kept)])
    return SeriesNames(list(panel.ids), first.tolist(), offsets.tolist())


def _series_arrays(panel: Panel, model: Model, kept: Ints) -> dict[str, Floats]:
    ends = panel.offsets[1:]
    spans = [np.arange(end - count, end) for end, count in zip(ends, kept, strict=True)]
    rows = np.concatenate(spans)

    has_past, has_future = bool(panel.past_names), bool(panel.future_names)
    has_static = bool(panel.static_names)
    arrays = {
        "zero": model.scale.zero,
        "one": model.scale.one,
        "residuals": model.residuals,
        "further": model.further,
        "feature_mean": model.features.mean,
        "feature_spread": model.features.spread,
        "static_mean": model.features.static_mean,
        "static_spread": model.features.static_spread,
        "tail": panel.values[rows],
        "tail_past": panel.past[rows] if has_past else np.empty((0, 0)),
        "tail_future": panel.future[rows] if has_future else np.empty((0, 0)),
        "tail_ahead": panel.ahead if has_future else np.empty((0, 0, 0)),
        "static": panel.static if has_static else np.empty((0, 0)),
    }
    return {name: np.ascontiguousarray(values, np.float64) for name, values in arrays.items()}


# -- from bytes ------------------------------------------------------------------------------------


def decode(folder: Path, name: str, manifest: Manifest, files: dict[str, bytes]) -> Run:
    """The run in a folder from its verified files. Raises RunRejectedError naming the file."""
    content = _parse(folder, manifest.schema, files)
    config, series, metrics = _read_records(folder, manifest.schema, content)
    _check_series(folder, config, series)

    _check_weights(folder / "model.safetensors", content.weights, config.plan)
    _check_arrays(folder / "series.safetensors", content.arrays, config, series)

    tail = _tail(config, series, content.arrays)
    _check_covariates(folder, tail, config.plan)

    return Run(
        name=name,
        folder=folder,
        manifest=manifest,
        config=config,
        model=_model(config.plan, tail, content),
        tail=tail,
        metrics=metrics,
        texts=content.files,
    )


def _parse(folder: Path, schema: int, files: dict[str, bytes]) -> RawContent:
    """The content of the files as it would be in the newest schema."""
    objects: dict[str, dict[str, Any]] = {}
    for name in ("config.json", "series.json", "metrics.json"):
        with rejecting(folder / name, "a JSON object"):
            objects[name] = _object(files[name])

    tensors: dict[str, dict[str, Floats]] = {}
    for name in ("model.safetensors", "series.safetensors"):
        with rejecting(folder / name, "tensors"):
            tensors[name] = parse_tensors(files[name])

    content = RawContent(
        config=objects["config.json"],
        series=objects["series.json"],
        metrics=objects["metrics.json"],
        weights=tensors["model.safetensors"],
        arrays=tensors["series.safetensors"],
        files=files,
    )
    if content.config.get("schema") != schema:
        raise rejected(folder / "config.json", "its schema is not that in the manifest")

    with rejecting(folder, f"what a run of schema {schema} holds"):
        return upgrade(content, schema)


def _object(data: bytes) -> dict[str, Any]:
    content = strict_json.parse(data)
    if not isinstance(content, dict):
        raise ValueError(f"it is a {type(content).__name__}")
    return content


def _read_records(
    folder: Path,
    schema: int,
    content: RawContent,
) -> tuple[RunConfig, SeriesNames, Metrics]:
    """The records of the JSON files, each checked by itself."""
    if schema == newest_run_schema():
        data = content.files
    else:
        data = {
            "config.json": strict_json.write(content.config),
            "series.json": strict_json.write(content.series),
            "metrics.json": strict_json.write(content.metrics),
        }

    with rejecting(folder / "config.json", "the settings of a run"):
        config = strict_json.validate(RunConfig, data["config.json"])
    with rejecting(folder / "series.json", "the series of a run"):
        series = strict_json.validate(SeriesNames, data["series.json"])
    with rejecting(folder / "metrics.json", "the metrics of a run"):
        metrics = strict_json.validate(Metrics, data["metrics.json"])
    return config, series, metrics


def _tail(config: RunConfig, series: SeriesNames, arrays: dict[str, Floats]) -> Panel:
    return Panel(
        ids=tuple(series.ids),
        offsets=np.array(series.offsets, np.int64),
        first=np.array(series.first, np.int64),
        values=arrays["tail"],
        past_names=tuple(config.past),
        future_names=tuple(config.future),
        static_names=tuple(config.static),
        past=arrays["tail_past"],
        future=arrays["tail_future"],
        ahead=arrays["tail_ahead"],
        static=arrays["static"],
        levels={name: tuple(levels) for name, levels in config.levels.items()},
        frequency=config.frequency,
        columns=config.columns,
        time_format=config.time_format,
        source=config.source,
    )


def _model(plan: Plan, tail: Panel, content: RawContent) -> Model:
    arrays = content.arrays
    members = []
    for number, names in enumerate(_shapes_by_member(plan)):
        prefix = f"members.{number}."
        members.append({name: content.weights[prefix + name].astype(np.float64) for name in names})

    return Model(
        plan=plan,
        members=tuple(members),
        ids=tail.ids,
        scale=SeriesScale(arrays["zero"], arrays["one"]),
        residuals=arrays["residuals"],
        further=arrays["further"],
        features=FeatureScale(
            mean=arrays["feature_mean"],
            spread=arrays["feature_spread"],
            static_mean=arrays["static_mean"],
            static_spread=arrays["static_spread"],
        ),
        covariates=(tail.past_names, tail.future_names, tail.static_names),
        base=_base_weights(plan, content),
    )


def _base_weights(plan: Plan, content: RawContent) -> network.Weights | None:
    if plan.base is None:
        return None
    names = network.tensor_shapes(plan.base.architecture)
    return {name: content.weights[f"base.{name}"].astype(np.float64) for name in names}


# -- what must fit together ------------------------------------------------------------------------


def _check_series(folder: Path, config: RunConfig, series: SeriesNames) -> None:
    """Raise RunRejectedError unless the series fit the columns, and their times can be written."""
    frequency = config.frequency
    if len(series.ids) > 1 and not config.columns.id:
        raise rejected(folder / "series.json", "several series need a column that names them")
    if config.time_format.pattern and frequency.kind == "step":
        raise rejected(folder / "config.json", "rows without a time cannot have a format of times")

    # Microseconds of the longest step, so that no time is beyond what is computed here.
    longest_step = {
        "step": 0.0,
        "fixed": frequency.size,
        "business": calendar.WEEK / 5,
        "months": 31.0 * calendar.DAY * frequency.size,
    }[frequency.kind]
    lengths = np.diff(series.offsets)
    ends = np.array(series.first) + lengths + config.plan.horizon + 1
    first_time = min(series.first) * longest_step
    last_time = int(ends.max()) * longest_step
    if not EARLIEST_TIME < first_time <= last_time < LATEST_TIME:
        raise rejected(folder / "series.json", "a time is out of bounds")


def _check_covariates(folder: Path, tail: Panel, plan: Plan) -> None:
    shape = plan.architecture
    in_network = (shape.inputs - 1, shape.known, shape.static)
    if covariates.count(tail, plan.calendar) != in_network:
        raise rejected(folder / "config.json", "the covariates are not those of the network")


def _check_arrays(
    path: Path,
    arrays: dict[str, Floats],
    config: RunConfig,
    series: SeriesNames,
) -> None:
    """Raise RunRejectedError unless these are the arrays of these series."""
    shapes = _array_shapes(arrays, config, series)
    _check_tensors(path, arrays, shapes, np.float64, may_have_gaps=("tail", "tail_ahead"))

    for name in ("feature_spread", "static_spread"):
        if not (arrays[name] > 0).all():
            raise rejected(path, f"a number in {name!r} is not positive")


def _check_weights(path: Path, weights: dict[str, Floats], plan: Plan) -> None:
    """Raise RunRejectedError unless these are the weights of the networks of a plan."""
    of_base = {name: values for name, values in weights.items() if name.startswith("base.")}
    of_members = {name: values for name, values in weights.items() if name not in of_base}
    _check_tensors(path, of_members, _weight_shapes(plan), np.float32)
    _check_tensors(path, of_base, _base_shapes(plan), np.float16)


def _base_shapes(plan: Plan) -> dict[str, Shape]:
    if plan.base is None:
        return {}
    shapes = network.tensor_shapes(plan.base.architecture)
    return {f"base.{name}": shape for name, shape in shapes.items()}


def _weight_shapes(plan: Plan) -> dict[str, Shape]:
    shapes = {}
    for number, of_a_member in enumerate(_shapes_by_member(plan)):
        for name, shape in of_a_member.items():
            shapes[f"members.{number}.{name}"] = shape
    return shapes


def _shapes_by_member(plan: Plan) -> Iterator[dict[str, Shape]]:
    """The shapes of the tensors of each member; those of a portfolio are numbered part by part."""
    for alone in part_plans(plan):
        of_a_member = network.tensor_shapes(alone.architecture)
        for _ in range(alone.members):
            yield of_a_member


def _array_shapes(
    arrays: dict[str, Floats],
    config: RunConfig,
    series: SeriesNames,
) -> dict[str, Shape]:
    """The shapes that the arrays of a run must have.

    How many residuals are kept, and how far they and the future covariates reach is free, so these
    numbers are taken from the arrays themselves.
    """
    plan, shape = config.plan, config.plan.architecture
    count, rows = len(series.ids), series.offsets[-1]
    past, future, static = len(config.past), len(config.future), len(config.static)

    residuals = len(arrays["residuals"]) if _rank(arrays, "residuals") else 0
    further = arrays["further"].shape[:2] if _rank(arrays, "further") == 3 else (0, 0)
    steps_ahead = arrays["tail_ahead"].shape[1] if _rank(arrays, "tail_ahead") == 3 else 0
    has_ahead = future > 0 and _rank(arrays, "tail_ahead") > 0 and len(arrays["tail_ahead"]) > 0

    return {
        "zero": (count,),
        "one": (count,),
        "residuals": (residuals, plan.horizon, shape.outputs_per_step),
        "further": (*further, shape.outputs_per_step),
        "feature_mean": (shape.inputs - 1,),
        "feature_spread": (shape.inputs - 1,),
        "static_mean": (static,),
        "static_spread": (static,),
        "tail": (rows,),
        "tail_past": (rows, past) if past else (0, 0),
        "tail_future": (rows, future) if future else (0, 0),
        "tail_ahead": (count, steps_ahead, future) if has_ahead else (0, 0, 0),
        "static": (count, static) if static else (0, 0),
    }


def _rank(arrays: dict[str, Floats], name: str) -> int:
    """The number of dimensions of an array; 0 where there is no such array."""
    return arrays[name].ndim if name in arrays else 0


def _check_tensors(
    path: Path,
    tensors: dict[str, Floats],
    shapes: dict[str, Shape],
    number_type: type[np.floating[Any]],
    may_have_gaps: tuple[str, ...] = (),
) -> None:
    """Raise RunRejectedError unless names, shapes and types are these, and all numbers finite.

    may_have_gaps: names of tensors that may hold NaN, which stands for a missing value.
    """
    if {name: values.shape for name, values in tensors.items()} != shapes:
        raise rejected(path, "the tensors are not those of the settings")

    for name, values in tensors.items():
        is_allowed = np.isfinite(values)
        if name in may_have_gaps:
            is_allowed |= np.isnan(values)
        if values.dtype != number_type or not is_allowed.all():
            raise rejected(path, f"tensor {name!r} is not made of finite numbers")
