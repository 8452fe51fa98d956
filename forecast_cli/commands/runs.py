"""forecast runs list / show"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import ForecastError

if TYPE_CHECKING:
    from forecast_cli.store import Run


@options.with_settings()
def list_(
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """List the runs, oldest first; the latest is marked.

    Example: forecast runs list
    """
    from forecast_cli import store as runs

    root = Path(store)
    names, latest = runs.names(root), ""
    try:
        latest = runs.latest(root)
    except ForecastError as error:
        if not names:
            raise
        console.warning(error.message)
    rows = [_row(root, name, name == latest) for name in names]
    if json:
        console.emit_json({"schema": "forecast/runs-list/v1", "exit_code": 0, "latest": latest or None, "runs": rows})
        return 0
    lines = [
        [("* " if row["latest"] else "  ") + row["run"], row["preset"] or "rejected", row["target"],
         str(row["horizon"] or "-"), console.number(row["mase"]), "-" if row["skill"] is None else f"{row['skill']:+.0%}"]
        for row in rows
    ]  # fmt: skip
    console.table("", ["  run", "preset", "target", "horizon", "MASE", "skill"], lines, text_columns=3)
    return 0


def _row(root: Path, name: str, latest: bool) -> dict[str, Any]:
    from forecast_cli import store as runs

    row: dict[str, Any] = {
        "run": name, "latest": latest or None, "preset": "", "target": "", "horizon": None, "mase": None, "skill": None, "error": "",
    }  # fmt: skip
    try:
        run = runs.load(root, name)
    except ForecastError as error:
        return row | {"error": error.message}
    test = run.metrics["test"]
    return row | {
        "preset": run.config.plan.preset,
        "target": run.config.columns.target,
        "horizon": run.config.plan.horizon,
        "mase": test["network"]["mase"] if test else None,
        "skill": test["skill"]["seasonal_naive"] if test else None,
    }


@options.with_settings()
def show(
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Show a run: data, settings and why, scores.

    Example: forecast runs show --run 3
    """
    from forecast_cli import store as runs

    root = Path(store)
    chosen = runs.load(root, runs.resolve(root, run))
    if json:
        console.emit_json(_document(chosen))
    else:
        _show(chosen)
    return 0


def _document(run: Run) -> dict[str, Any]:
    from forecast_cli.cells import count_operations, count_parameters

    return {
        "schema": "forecast/runs-show/v1",
        "exit_code": 0,
        "run": run.name,
        "folder": str(run.folder),
        "created": run.manifest.created,
        "versions": run.manifest.versions,
        "input": dataclasses.asdict(run.manifest.input),
        "columns": dataclasses.asdict(run.config.columns),
        "plan": dataclasses.asdict(run.config.plan),
        "parameters": run.config.plan.members * count_parameters(run.config.plan.architecture),
        "operations": run.config.plan.members * count_operations(run.config.plan.architecture),
        "metrics": run.metrics,
    }


def _members(run: Run) -> str:
    plan, found = run.config.plan, run.metrics["members"]
    if plan.members == 1:
        return "" if not plan.warm_start else f"began with the weights of {plan.warm_start}"
    how = "each learned what the former left over" if plan.boosting else f"their {plan.combine}"
    if plan.bagging:
        how += " over windows drawn in blocks"
    return how if found["spread"] is None else f"{how}; {console.number(found['spread'])} apart on held-out rows"


def _clipped(run: Run) -> str:
    share = run.metrics["training"]["clipped"]
    return (
        "gradients were not clipped"
        if share is None
        else f"{share:.0%} of the steps clipped to norm {run.config.plan.clip_norm:g}"
    )


def _show(run: Run) -> None:
    from forecast_cli.calendar import describe
    from forecast_cli.cells import count_operations, count_parameters
    from forecast_cli.cells import describe as network

    plan, columns, shape = run.config.plan, run.config.columns, run.config.plan.architecture
    why = plan.reasons
    given = run.manifest.input
    rows = [
        ["run", run.name, ""],
        ["data", given.path or "a panel", f"{given.rows:,} rows, {given.series:,} series, {describe(run.config.frequency)}"],
        ["columns", f"{columns.target} over {columns.time}", f"series named by {columns.id}" if columns.id else ""],
        ["preset", plan.preset, ""],
        ["horizon", f"{plan.horizon:,}", why.get("horizon", "")],
        ["seasons", ", ".join(map(str, plan.seasons)) or "none", why.get("seasons", "")],
        ["lookback", f"{shape.lookback:,}", why.get("lookback", "")],
        ["segment", f"{shape.segment:,}", why.get("segment", "")],
        ["normalization", plan.normalization, why.get("normalization", "")],
        ["difference to", f"{plan.lag:,} steps earlier" if plan.lag else "nothing", why.get("lag", "")],
        ["network", f"{network(shape)}, dropout {shape.dropout:g}", why.get("units", "")],
        ["size", f"{count_parameters(shape):,} parameters", f"{count_operations(shape):,} operations a window: multiplications and additions"],
        ["members", f"{plan.members:,}", _members(run)],
        ["training", f"{plan.epochs:,} epochs at most of {plan.epoch_batches:,} batches of {plan.batch_size:,}", f"best epoch {run.metrics['training']['best_epoch']:,}"],
        ["steps", f"{plan.optimizer}, {plan.loss} loss, learning rate {plan.learning_rate:g}, {plan.schedule}", _clipped(run)],
        ["seed, threads", f"{plan.seed}, {plan.threads}", why.get("threads", "")],
    ]  # fmt: skip
    test = run.metrics["test"]
    if test:
        words = {"mae": "MAE", "rmse": "RMSE", "smape": "sMAPE", "mase": "MASE"}
        for name in ("network", "seasonal_naive", "naive"):
            scores = ", ".join(f"{word} {console.number(test[name][score])}" for score, word in words.items())
            rows.append([f"test: {name.replace('_', ' ')}", scores, ""])
    console.table("", ["", "", "why"], rows, text_columns=3)
    console.emit(f"{run.metrics['verdict']}\n".encode())
