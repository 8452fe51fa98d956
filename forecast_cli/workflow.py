"""train() and predict(): what the commands and the Python API do, in the order in which it happens."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import config, covariates, forecasting, intervals, metrics, parquet, plan, scaling, store, windows
from forecast_cli.config import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.errors import DataError, RunMismatchError, SettingsError, StorageError, TooLittleDataError
from forecast_cli.forecasting import Forecast, HeldOut, Model
from forecast_cli.panel import Floats, Note, Panel, values_of
from forecast_cli.plan import Plan
from forecast_cli.reader import read_future_values
from forecast_cli.store import Contents, Run, RunConfig
from forecast_cli.windows import Windows

if TYPE_CHECKING:  # predict must not import torch
    from forecast_cli.training import Epoch, Fitted, Fold, Material

FOLDS = 4  # rolling validation origins where windows are few


@dataclass(frozen=True, eq=False)
class Trained:
    """A published run, its forecast, and what to tell the user."""

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]

    @property
    def metrics(self) -> dict[str, Any]:
        return self.run.metrics


@dataclass(frozen=True, eq=False)
class Predicted:
    """A forecast, the run and the data it came from, and what to tell the user."""

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]


def train(
    data: str | os.PathLike[str] | Panel,
    settings: Settings | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Callable[[Epoch], None] | None = None,
    **named: Any,
) -> Trained:
    """Train on a file or a Panel, score on its held-out end, publish the run, forecast past the last row.

    Settings come as one object or by name (`horizon=12, units="50,100"`). Raises ForecastError and its children.
    """
    settings = settings or config.settings_from(**named)
    if isinstance(data, Panel) and replace(settings.data, season=None) != DataSettings():
        raise SettingsError("settings of the reader do not go with a Panel", "give them to read_csv")
    root, wait = Path(store_folder), config.duration(settings.lock.lock_wait, "--lock-wait")
    with contextlib.ExitStack() as held:
        is_there = store.exists(root)
        if is_there:  # wait first and read then, so that what is read is new
            held.enter_context(store.writing(root, wait))
        panel, decided = _planned(data, settings)
        if not is_there:  # data that cannot be read make no store
            held.enter_context(store.writing(root, wait))
        model, fitted = _learn(panel, decided, report or (lambda epoch: None))
        rows = forecasting.held_out(panel, model, decided.levels) if decided.test else None
        scores = _scores(panel, decided, fitted, rows, len(model.residuals))
        if decided.refit and fitted.steps:
            model = _refit(panel, model, fitted.steps, report or (lambda epoch: None))
        result, unknown = _forecast(panel, model)
        run = store.publish(
            root,
            Contents(
                config=_config(panel, decided),
                model=model,
                panel=panel,
                metrics=scores,
                history=_history_csv(fitted.history),
                predictions=forecasting.held_out_csv(panel, rows) if rows else b"",
                forecast=forecasting.to_csv(result),
            ),
        )
        pruned = _prune(root, settings.prune.keep)
    notes = (*panel.notes, *unknown, *_fallback_notes(result), *_constant_notes(panel), *pruned)
    return Trained(run, panel, result, notes)


def _planned(data: str | os.PathLike[str] | Panel, settings: Settings) -> tuple[Panel, Plan]:
    """The data, and what is to be done with them."""
    panel = data if isinstance(data, Panel) else parquet.read(data, settings.data)
    decided = plan.make(panel, settings)
    short = panel.lengths < decided.lookback
    if short.any() and decided.short == "refuse":
        name = panel.ids[int(np.argmax(short))]
        raise TooLittleDataError(
            f"series {name!r} is shorter than the lookback of {decided.lookback:,} ({int(short.sum()):,} such series)",
            "give more rows, a smaller --lookback, or --short fallback or drop",
        )
    return panel, decided


def _prune(root: Path, keep: int) -> tuple[Note, ...]:
    """Prune after publishing; the new run is the latest already, so a failure here only degrades."""
    try:
        removed = store.prune(root, keep)
    except StorageError as error:
        return (Note("degraded", f"the run is published, but older ones could not be pruned: {error.message}"),)
    return (Note("info", f"pruned {len(removed):,} old runs; --keep {keep}"),) if removed else ()


def predict(
    data: str | os.PathLike[str] | Panel | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    run: Run | str | None = None,
    levels: tuple[float, ...] | None = None,
    future_values: str | os.PathLike[str] | None = None,
) -> Predicted:
    """Forecast past the last row of the data (default: the file the run was trained on) with a saved run.

    future_values: a CSV of the known-future covariates past the last row. Never trains, never imports torch, never writes. Raises NoRunError, RunRejectedError, RunMismatchError, DataError.
    """
    if levels is not None:
        levels = config.levels(",".join(map(repr, levels)))
    if not isinstance(run, Run):
        root = Path(store_folder)
        run = store.load(root, store.resolve(root, run))
    notes: tuple[Note, ...] = ()
    if isinstance(data, Panel):
        panel = data
    elif data is None and run.config.source in ("", "-"):
        panel = run.tail
        notes = (Note("warning", "trained from standard input: the forecast continues from the rows stored then"),)
    else:
        panel = _read_again(run, data)
    if future_values is not None:
        panel = read_future_values(future_values, panel, run.config.data)
    result = forecasting.forecast(panel, run.model, run.config.plan.levels if levels is None else levels)
    return Predicted(run, panel, result, (*panel.notes, *notes, *_fallback_notes(result), *_constant_notes(panel)))


def _config(panel: Panel, decided: Plan) -> RunConfig:
    return RunConfig(
        schema=store.SCHEMA,
        plan=decided,
        data=panel.reading,
        source=panel.source,
        columns=panel.columns,
        frequency=panel.frequency,
        time_format=panel.time_format,
        past=list(panel.past_names),
        future=list(panel.future_names),
        static=list(panel.static_names),
        levels={name: list(found) for name, found in panel.levels.items()},
    )


def _forecast(panel: Panel, model: Model) -> tuple[Forecast, tuple[Note, ...]]:
    """The forecast past the last row; an empty one where known-future covariates are still to be given."""
    try:
        covariates.check_known(panel, model.plan.horizon)
    except DataError as error:
        note = Note("warning", f"no forecast yet: {error.message}; predict takes --future-values FILE")
        return forecasting.nothing(panel, model.plan.levels), (note,)
    return forecasting.forecast(panel, model, model.plan.levels), ()


def _read_again(run: Run, data: str | os.PathLike[str] | None) -> Panel:
    path = os.fspath(data) if data is not None else run.config.source
    if data is None and not os.path.isfile(path):  # nor a device or a pipe, which might never end
        raise DataError(f"{path}: the file that the run was trained on is gone", "give the data: forecast predict DATA")
    try:
        levels = {name: tuple(found) for name, found in run.config.levels.items()}
        panel = parquet.read(path, run.config.data, levels)
    except DataError as error:
        if "--" in error.hint:  # an option of train, which settled how this run reads
            error.hint = "bring the file to the form of the one that was trained on, or train on this one"
        raise
    known, found = run.config, panel
    if (known.frequency, known.columns) != (found.frequency, found.columns):
        raise RunMismatchError(
            f"{path} does not fit the run {run.name}: it has {_shape(found.frequency, found.columns)}, "
            f"the run {_shape(known.frequency, known.columns)}",
            "give data of the same shape, or train on this data",
        )
    return panel


def _shape(frequency: Any, columns: Any) -> str:
    from forecast_cli.calendar import describe

    start = (
        f", on another day or hour ({frequency.phase}, {frequency.day})" if frequency.phase or frequency.day > 1 else ""
    )
    return f"{describe(frequency)} rows{start}, time {columns.time!r}, target {columns.target!r}"


def _learn(panel: Panel, decided: Plan, report: Callable[[Epoch], None]) -> tuple[Model, Fitted]:
    """Train on the training part alone, stopped by the validation part; the residuals are of rows after it."""
    from forecast_cli import training

    cut = windows.split(panel, decided.validation, decided.test)
    scale = scaling.fit(panel.values, panel.offsets, np.maximum(cut.training, 1))
    features = covariates.fit(panel, decided.calendar, cut.training)
    names = (panel.past_names, panel.future_names, panel.static_names)
    model = Model(decided, {}, panel.ids, scale, np.empty((0, decided.horizon)), features, names)
    material = _material(panel, model)
    fitted = training.fit(material, _folds(panel, decided, material.values), report)
    bare = replace(model, weights={name: w.astype(np.float64) for name, w in fitted.weights.items()})
    unseen = windows.between(panel, decided.lookback, decided.horizon, cut.training, panel.lengths)
    if not decided.validation + decided.test:  # nothing was held out: what was trained on is all there is
        unseen = windows.between(panel, decided.lookback, decided.horizon, cut.training * 0, panel.lengths)
    return replace(bare, residuals=forecasting.residuals(panel, bare, _thinned(unseen))), fitted


def _material(panel: Panel, model: Model) -> Material:
    from forecast_cli.training import Material

    decided = model.plan
    series = np.repeat(np.arange(len(panel)), panel.lengths)
    values = scaling.transform(panel.values, decided.normalization, model.scale, series)
    seen = covariates.prepare(panel, decided.calendar, decided.horizon, model.features)
    return Material(values, decided, seen)


def _thinned(chosen: Windows) -> Windows:
    keep = np.unique(np.linspace(0, len(chosen) - 1, intervals.KEPT).astype(np.int64)) if len(chosen) else slice(None)
    return replace(chosen, series=chosen.series[keep], origins=chosen.origins[keep])


def _folds(panel: Panel, decided: Plan, values: Floats) -> list[Fold]:
    from forecast_cli.training import Fold

    cut = windows.split(panel, decided.validation, decided.test)
    none, steps = np.zeros(len(panel), np.int64), decided.architecture.outputs
    everything = windows.between(panel, decided.lookback, steps, none, cut.training)
    if decided.preset == "classic":
        held = max(len(everything) // 20, 1 if len(everything) > 1 else 0)
        first = _part(everything, slice(0, len(everything) - held))
        return [Fold(first, _part(everything, slice(len(everything) - held, None)) if held else None)]
    if not decided.validation:
        return [Fold(_changing(values, everything))]
    folds: list[Fold] = []
    for number in range(FOLDS if len(everything) < plan.SMALL else 1):
        end = cut.training - number * decided.horizon
        training = _changing(values, windows.between(panel, decided.lookback, steps, none, end))
        validation = windows.between(panel, decided.lookback, steps, end, end + decided.validation)
        if number and (3 * len(training) < len(folds[0].training) or not len(validation)):
            break
        folds.append(Fold(training, validation if len(validation) else None))
    return folds


def _part(chosen: Windows, part: slice) -> Windows:
    return replace(chosen, series=chosen.series[part], origins=chosen.origins[part])


def _changing(values: Floats, chosen: Windows) -> Windows:
    """The windows whose past is not constant: a constant has no spread to measure a difference in."""
    changes = np.concatenate([[0], np.cumsum(values[1:] != values[:-1])])
    moving = changes[chosen.origins - 1] > changes[chosen.origins - chosen.lookback]
    return replace(chosen, series=chosen.series[moving], origins=chosen.origins[moving]) if moving.any() else chosen


def _refit(panel: Panel, model: Model, steps: int, report: Callable[[Epoch], None]) -> Model:
    """Train again from the start on all rows, for the steps that early stopping found."""
    from forecast_cli import training

    decided = model.plan
    material = _material(panel, model)
    none = np.zeros(len(panel), np.int64)
    everything = _changing(
        material.values, windows.between(panel, decided.lookback, decided.horizon, none, panel.lengths)
    )
    again = training.fit(material, [training.Fold(everything)], report, steps=steps, stage="refit")
    return replace(model, weights={name: w.astype(np.float64) for name, w in again.weights.items()})


def _history_csv(history: tuple[Epoch, ...]) -> bytes:
    lines = ["epoch,training_loss,validation_loss,learning_rate"]
    for line in history:
        validation = "" if np.isnan(line.validation_loss) else repr(line.validation_loss)
        lines.append(f"{line.epoch},{line.training_loss!r},{validation},{line.learning_rate!r}")
    return ("\n".join(lines) + "\n").encode()


# -- scores ----------------------------------------------------------------------------------------------------------


def _scores(panel: Panel, decided: Plan, fitted: Fitted, rows: HeldOut | None, windows_kept: int) -> dict[str, Any]:
    """metrics.json: each score per series first, then the mean over series; NaN becomes null."""
    scores: dict[str, Any] = {
        "training": {"epochs": len(fitted.history), "best_epoch": fitted.best_epoch, "steps": fitted.steps},
        "intervals": {"windows": windows_kept, "unseen": decided.validation + decided.test > 0},
        "test": None,
    }
    if rows is not None and not np.isnan(rows.actual).all():
        cut = windows.split(panel, decided.validation, decided.test).validation
        methods = {"network": rows.forecast, "seasonal_naive": rows.seasonal_naive, "naive": rows.naive}
        table: dict[str, dict[str, list[float]]] = {
            name: {"mae": [], "rmse": [], "smape": [], "mase": []} for name in methods
        }
        bounds = np.searchsorted(rows.series, np.arange(len(panel) + 1))
        for i in np.unique(rows.series):
            part = slice(bounds[i], bounds[i + 1])
            actual = rows.actual[part]
            if np.isnan(actual).all():
                continue
            unit = metrics.mase_scale(values_of(panel, int(i))[: cut[i]], decided.season)
            for name, guess in methods.items():
                table[name]["mae"].append(metrics.mae(actual, guess[part]))
                table[name]["rmse"].append(metrics.rmse(actual, guess[part]))
                table[name]["smape"].append(metrics.smape(actual, guess[part]))
                table[name]["mase"].append(metrics.mase(actual, guess[part], unit))
        means = {name: {score: _mean(found) for score, found in scored.items()} for name, scored in table.items()}
        key = "mase" if means["network"]["mase"] is not None else "mae"
        skills = {
            name: _number(metrics.skill(means["network"][key] or 0.0, means[name][key] or 0.0))
            for name in ("seasonal_naive", "naive")
        }
        scores["test"] = {
            "rows": int(decided.test), "series": len(np.unique(rows.series)), "season": decided.season, **means, "skill": skills,
        }  # fmt: skip
    scores["verdict"] = _verdict(scores["test"])
    return scores


def _mean(values: list[float]) -> float | None:
    usable = [v for v in values if np.isfinite(v)]
    return float(np.mean(usable)) if usable else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _verdict(test: dict[str, Any] | None) -> str:
    """One sentence on whether the network is worth it."""
    if test is None:
        return "Nothing was held out, so nothing says whether the network is worth it."
    rivals = {"naive": "naive", "seasonal_naive": "seasonal naive"} if test["season"] > 1 else {"naive": "naive"}
    score = "mase" if test["network"]["mase"] is not None else "mae"
    best = min(rivals, key=lambda name: test[name][score])
    value, rival = test["skill"][best], f"the {rivals[best]} forecast"
    rows = f"On the {test['rows']:,} held-out rows{' of each series' if test['series'] > 1 else ''}"
    if value is None:
        return f"{rows} {rival} is perfect: a network is not worth it."
    if value > 0.005:
        return f"{rows} the network's error is {value:.0%} below that of {rival}: it is worth it."
    if value > -0.005:
        return f"{rows} the network is no better than {rival}: it is not worth it."
    return f"{rows} the network's error is {-value:.0%} above that of {rival}: it is not worth it."


def _fallback_notes(result: Forecast) -> tuple[Note, ...]:
    if result.dropped:
        more = f" and {len(result.dropped) - 3:,} more" if len(result.dropped) > 3 else ""
        shown = ", ".join(map(repr, result.dropped[:3])) + more
        return (Note("degraded", f"too short for the network, so they were left out: {shown}"),)
    if not result.fallback:
        return ()
    if result.fallback == ("",):
        return (Note("degraded", "the series is too short for the network, so its last season is repeated"),)
    shown = ", ".join(repr(name) for name in result.fallback[:3])
    more = f" and {len(result.fallback) - 3:,} more" if len(result.fallback) > 3 else ""
    return (Note("degraded", f"too short for the network, so their last season is repeated: {shown}{more}"),)


def _constant_notes(panel: Panel) -> tuple[Note, ...]:
    found = [
        name for i, name in enumerate(panel.ids) if np.nanmin(values_of(panel, i)) == np.nanmax(values_of(panel, i))
    ]
    if not found:
        return ()
    if len(panel) == 1:
        return (Note("warning", "the series is constant; so is the forecast"),)
    shown = ", ".join(map(repr, found[:3])) + (" and more" if len(found) > 3 else "")
    return (Note("warning", f"constant series, so constant forecasts: {shown} ({len(found):,} of {len(panel):,})"),)
