"""forecast runs compare"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import ForecastError, SettingsError
from forecast_cli.messages import plural

if TYPE_CHECKING:
    from forecast_cli.store import Run

SCHEMA = "forecast/runs-compare/v1"


@options.with_settings()
def compare(
    pair: Annotated[
        list[str] | None,
        typer.Argument(metavar="[A B]", help="Two runs to put side by side.", show_default=False),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="ID",
            help="Run to compare. Can be repeated.",
            show_default="all runs tested as the latest was",
        ),
    ] = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.QuietNames = False,
    debug: options.Debug = False,
) -> int:
    """Compare networks and their errors on held-out rows, the best first.

    By default, it compares the runs that were tested on the same rows of the same data as the
    latest run. Of two runs A and B it shows the settings that differ, and how far their errors on
    the same rows are apart.

    Example: forecast runs compare 1 2
    """
    from forecast_cli import store as runs

    root = Path(store)
    if pair:
        return _compare_pair(root, pair, run, json=json, quiet=quiet)

    latest = runs.load(root)
    names = [runs.resolve(root, each) for each in run or []]
    if names:
        compared, left_out = [runs.load(root, name) for name in names], 0
    else:
        compared, left_out = _tested_alike(root, latest)

    tests = {_test(each) for each in compared}
    if len(tests) > 1:
        console.warning("these runs were tested on different rows, so their errors do not compare")

    rows = [_row(each, each.name == latest.name) for each in compared]
    rows.sort(key=_rank)
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "runs": rows, "left_out": left_out})
    elif quiet:
        console.lines([row["run"] for row in rows])
    else:
        _show(rows, left_out)
    return 0


def _compare_pair(
    root: Path, pair: list[str], others: list[str] | None, *, json: bool, quiet: bool
) -> int:
    """Show two runs side by side."""
    from forecast_cli import store as runs
    from forecast_cli.commands import runs_beside
    from forecast_cli.workflow import compare_runs

    if len(pair) != 2 or others:
        raise SettingsError(
            "two runs are compared side by side, not more and not fewer",
            "give two runs: forecast runs compare 1 2; for a table of several, use --run",
        )
    first, second = (runs.load(root, runs.resolve(root, name)) for name in pair)
    if first.name == second.name:
        raise SettingsError(
            f"{pair[0]!r} and {pair[1]!r} are the same run", "see `forecast runs list`"
        )

    both = compare_runs(first, second)
    latest = runs.latest(root)
    rows = [_row(each, each.name == latest) for each in (first, second)]
    if json:
        beside = runs_beside.document(both)
        emitted = {"schema": SCHEMA, "exit_code": 0, "runs": rows, "left_out": 0, **beside}
        console.emit_json(emitted)
    elif quiet:
        console.lines([row["run"] for row in sorted(rows, key=_rank)])
    else:
        runs_beside.show(both)
    return 0


def _tested_alike(root: Path, latest: Run) -> tuple[list[Run], int]:
    """The runs that were tested as the latest was, and how many were not."""
    from forecast_cli import store as runs

    alike, left_out = [], 0
    for name in runs.names(root):
        try:
            run = runs.load(root, name)
        except ForecastError as error:
            console.warning(error.message)
            continue
        if _test(run) == _test(latest):
            alike.append(run)
        else:
            left_out += 1
    return alike, left_out


def _test(run: Run) -> tuple[Any, ...]:
    """What a run was tested on: the bytes of the data, the columns, and the rows at the end."""
    return (
        run.manifest.input.sha256,
        run.manifest.input.rows,
        run.config.columns,
        run.config.plan.horizon,
        run.config.plan.test,
    )


def _row(run: Run, is_latest: bool) -> dict[str, Any]:
    from forecast_cli import network, planning

    plan, test = run.config.plan, run.metrics.test
    times = f" x {plan.members}" if plan.members > 1 else ""
    if plan.parts:
        times = f" and others, {plan.members} in all"
    return {
        "run": run.name,
        "latest": is_latest,
        "network": network.describe(plan.architecture) + times,
        "preset": plan.preset,
        "loss": plan.loss,
        "optimizer": plan.optimizer,
        "members": plan.members,
        "lookback": plan.lookback,
        "parameters": planning.count_parameters(plan),
        "operations": planning.count_operations(plan),
        "rmse": test.network.rmse if test else None,
        "mase": test.network.mase if test else None,
        "skill": test.main_skill if test else None,
    }


def _rank(row: dict[str, Any]) -> tuple[float, str]:
    """The order of the rows: the smallest error first, runs without one last."""
    error = row["rmse"] if row["mase"] is None else row["mase"]
    return (math.inf if error is None else error), row["run"]


def _show(rows: list[dict[str, Any]], left_out: int) -> None:
    header = ["  run", "network", "preset", "parameters", "operations", "RMSE", "MASE", "skill"]
    cells = [
        [
            ("* " if row["latest"] else "  ") + row["run"].split("-", 1)[1],
            row["network"],
            row["preset"],
            f"{row['parameters']:,}",
            f"{row['operations']:,}",
            console.number(row["rmse"]),
            console.number(row["mase"]),
            console.share(row["skill"]),
        ]
        for row in rows
    ]
    console.table("", header, cells, text_columns=3)
    if left_out:
        more = plural(left_out, "more run")
        console.say(f"{more} of other data or other rows not shown; use --run to name them")
