"""forecast runs compare"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import ForecastError

if TYPE_CHECKING:
    from forecast_cli.store import Run

SCHEMA = "forecast/runs-compare/v1"


@options.with_settings()
def compare(
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run", metavar="ID", help="Run to compare; repeat it for several.",
            show_default="all that were tested as the latest was",
        ),
    ] = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:  # fmt: skip
    """Compare networks and their errors on held-out rows, the best first.

    By default those runs that were tested on the same rows of the same data as the latest.

    Example: forecast runs compare
    """
    from forecast_cli import store as runs

    root = Path(store)
    latest = runs.load(root)
    wanted = [name for name in (runs.resolve(root, each) for each in run or []) if name]
    loaded, left_out = [], 0
    for name in wanted or runs.names(root):
        try:
            found = runs.load(root, name)
        except ForecastError as error:
            if wanted:
                raise
            console.warning(error.message)
            continue
        if wanted or _test(found) == _test(latest):
            loaded.append(found)
        else:
            left_out += 1
    if len({_test(found) for found in loaded}) > 1:
        console.warning("these runs were tested on different rows, so their errors do not compare")
    rows = sorted((_row(found, found.name == latest.name) for found in loaded), key=_rank)
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "runs": rows, "left_out": left_out})
        return 0
    columns = ["  run", "network", "preset", "parameters", "operations", "RMSE", "MASE", "skill"]
    lines = [
        [("* " if row["latest"] else "  ") + row["run"].split("-", 1)[1], row["network"], row["preset"],
         f"{row['parameters']:,}", f"{row['operations']:,}", console.number(row["rmse"]), console.number(row["mase"]),
         "-" if row["skill"] is None else f"{row['skill']:+.0%}"]
        for row in rows
    ]  # fmt: skip
    console.table("", columns, lines, text_columns=3)
    if left_out and not quiet:
        console.say(
            f"{left_out:,} more run{'s' if left_out > 1 else ''}, of other data or other rows, not shown; --run names them"
        )
    return 0


def _test(run: Run) -> tuple[Any, ...]:
    """What was tested on: the bytes of the data, the columns, and the rows at the end."""
    return (
        run.manifest.input.sha256,
        run.manifest.input.rows,
        run.config.columns,
        run.config.plan.horizon,
        run.config.plan.test,
    )


def _row(run: Run, latest: bool) -> dict[str, Any]:
    from forecast_cli import network

    plan, test = run.config.plan, run.metrics.test
    return {
        "run": run.name,
        "latest": latest,
        "network": network.describe(plan.architecture)
        + (f" x {plan.members}" if plan.members > 1 else ""),
        "preset": plan.preset,
        "loss": plan.loss,
        "optimizer": plan.optimizer,
        "members": plan.members,
        "lookback": plan.lookback,
        "parameters": plan.members * network.count_parameters(plan.architecture),
        "operations": plan.members * network.count_operations(plan.architecture),
        "rmse": test.network.rmse if test else None,
        "mase": test.network.mase if test else None,
        "skill": test.main_skill if test else None,
    }


def _rank(row: dict[str, Any]) -> tuple[float, str]:
    error = row["mase"] if row["mase"] is not None else row["rmse"]
    return (float("inf") if error is None else error), row["run"]
