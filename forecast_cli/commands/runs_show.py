"""forecast runs show"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.messages import plural

if TYPE_CHECKING:
    from forecast_cli.planning import Plan
    from forecast_cli.store import Run, Scores

SCHEMA = "forecast/runs-show/v1"


@options.with_settings()
def show(
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.QuietNames = False,
    debug: options.Debug = False,
) -> int:
    """Show a run: its data, its scores, and its settings with the reason for each.

    Example: forecast runs show --run 3
    """
    from forecast_cli import store as runs

    root = Path(store)
    shown = runs.load(root, runs.resolve(root, run))
    if json:
        console.emit_json(_document(shown) | {"refusal": runs.refusal(root, shown.name)})
    elif quiet:
        console.lines([shown.name])
    else:
        _show(shown, runs.refusal(root, shown.name))
    return 0


def _document(run: Run) -> dict[str, Any]:
    from forecast_cli.planning import count_operations, count_parameters

    plan = run.config.plan
    return {
        "schema": SCHEMA,
        "exit_code": 0,
        "run": run.name,
        "folder": str(run.folder),
        "created": run.manifest.created,
        "versions": run.manifest.versions,
        "input": dataclasses.asdict(run.manifest.input),
        "columns": dataclasses.asdict(run.config.columns),
        "plan": dataclasses.asdict(plan),
        "digits": run.digits,
        "parameters": count_parameters(plan),
        "operations": count_operations(plan),
        "metrics": run.metrics.as_dict(),
    }


def _show(run: Run, refusal: str) -> None:
    """refusal: why the run was not promoted, if it was not."""
    rows = [*_data_rows(run), *_window_rows(run), *_network_rows(run), *_training_rows(run)]
    if refusal:
        rows.insert(1, ["not promoted", "", refusal])
    test = run.metrics.test
    if test:
        for method, scores in test.by_method.items():
            rows.append([f"test: {method.replace('_', ' ')}", _scores(scores), ""])

    console.table("", ["", "", "why"], rows, text_columns=3)
    console.lines([run.metrics.verdict])


def _data_rows(run: Run) -> list[list[str]]:
    from forecast_cli.calendar import describe

    data, columns = run.manifest.input, run.config.columns
    size = f"{data.rows:,} rows, {data.series:,} series, {describe(run.config.frequency)}"
    series = f"series named by {columns.id}" if columns.id else ""
    return [
        ["run", run.name, ""],
        ["data", data.path or "a panel", size],
        ["columns", f"{columns.target} over {columns.time}", series],
    ]


def _window_rows(run: Run) -> list[list[str]]:
    plan, shape = run.config.plan, run.config.plan.architecture
    reference = f"{plural(plan.lag, 'step')} earlier" if plan.lag else "nothing"
    values = {
        "preset": plan.preset,
        "horizon": f"{plan.horizon:,}",
        "seasons": ", ".join(map(str, plan.seasons)) or "none",
        "lookback": f"{shape.lookback:,}",
        "segment": f"{shape.segment:,}",
        "normalization": plan.normalization,
    }
    rows = [[name, value, plan.reasons.get(name, "")] for name, value in values.items()]
    rows.append(["difference to", reference, plan.reasons.get("lag", "")])
    for trial in plan.trials:
        errors = f"MASE {console.number(trial.error)}, naive {console.number(trial.naive_error)}"
        chosen = "chosen in validation" if trial.chosen else ""
        rows.append([f"candidate: {trial.name}", errors, chosen])
    rows += _portfolio_rows(plan)
    if plan.base is not None:
        share = f"{plan.base.weight:.0%} of the forecast"
        rows.append(["base network", share, plan.reasons.get("base", "")])
    if plan.shrinkage:
        share = f"{plan.shrinkage:.0%} of the naive forecast"
        rows.append(["shrinkage", share, plan.reasons.get("shrinkage", "")])
    return rows


def _portfolio_rows(plan: Plan) -> list[list[str]]:
    """Each kind of network of a portfolio and each of its other forecasts, with its weight."""
    from forecast_cli.network import describe
    from forecast_cli.planning import statistic_name

    if not plan.parts:
        return []
    count = f"{plural(len(plan.parts), 'kind')} of networks"
    rows = [["portfolio", count, plan.reasons.get("parts", "")]]
    for part in plan.parts:
        networks = f"{part.members} x {describe(part.architecture)}"
        rows.append([f"part: {part.name}", f"{part.weight:.0%}", networks])
    for one in plan.statistics:
        rows.append([f"part: {statistic_name(one)}", f"{one.weight:.0%}", ""])
    return rows


def _network_rows(run: Run) -> list[list[str]]:
    from forecast_cli.network import count_operations, count_parameters, describe

    plan, shape = run.config.plan, run.config.plan.architecture
    network = f"{describe(shape)}, dropout {shape.dropout:g}"
    operations = f"{count_operations(shape):,} multiplications and additions a window"
    return [
        ["network", network, plan.reasons.get("units", "")],
        ["size", f"{count_parameters(shape):,} parameters", operations],
        ["members", f"{plan.members:,}", _members(run)],
    ]


def _training_rows(run: Run) -> list[list[str]]:
    plan, training = run.config.plan, run.metrics.training
    epochs = (
        f"at most {plan.epochs:,} epochs of {plan.epoch_batches:,} batches of {plan.batch_size:,}"
    )
    steps = (
        f"{plan.optimizer}, {plan.loss} loss, learning rate {plan.learning_rate:g}, {plan.schedule}"
    )
    digits = "all" if run.digits == "full" else plural(run.digits, "decimal")
    threads = plan.reasons.get("threads", "")
    return [
        ["training", epochs, f"best epoch {training.best_epoch:,}"],
        ["steps", steps, _clipping(run)],
        ["digits", digits, ""],
        ["seed, threads", f"{plan.seed}, {plan.threads}", threads],
        *_device_rows(training.device),
    ]


def _device_rows(device: str | None) -> list[list[str]]:
    """Where the network was trained, which older runs do not say."""
    if device is None:
        return []
    why = "" if device == "cpu" else "forecasts are computed on the processor"
    return [["trained on", device, why]]


def _members(run: Run) -> str:
    """How the members were trained and are combined, and how far apart they are."""
    plan, members = run.config.plan, run.metrics.members
    if plan.members == 1:
        return f"started from the weights of {plan.warm_start}" if plan.warm_start else ""

    text = f"their {plan.combine}"
    if plan.boosting:
        text = "each was trained on the errors of those before it"
    if plan.bagging:
        text += " over windows drawn in blocks"
    if members is not None and members.spread is not None:
        text += f"; {console.number(members.spread)} apart on held-out rows"
    return text


def _clipping(run: Run) -> str:
    share = run.metrics.training.clipped
    if share is None:
        return "gradients were not clipped"
    return f"{share:.0%} of the steps clipped to norm {run.config.plan.clip_norm:g}"


def _scores(scores: Scores) -> str:
    """The scores that the run has, each with the title of its metric."""
    from forecast_cli.evaluation import METRICS

    recorded = scores.as_dict()
    errors = []
    for name, metric in METRICS.items():
        if name in recorded:
            errors.append(f"{metric.title} {console.number(recorded[name])}")
    return ", ".join(errors)
