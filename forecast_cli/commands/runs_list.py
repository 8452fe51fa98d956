"""forecast runs list"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import ForecastError

SCHEMA = "forecast/runs-list/v1"
WIDE = 100  # characters of a terminal that has room for the whole names of runs


@options.with_settings()
def list_runs(
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.QuietNames = False,
    debug: options.Debug = False,
) -> int:
    """List the runs, oldest first. An asterisk marks the latest.

    Example: forecast runs list
    """
    from forecast_cli import store as runs

    root = Path(store)
    names = runs.names(root)
    latest = _latest(root, names)
    if quiet and not json:
        console.lines(names)
        return 0

    rows = _rows(root, names, latest)
    if json:
        console.emit_json(
            {"schema": SCHEMA, "exit_code": 0, "latest": latest or None, "runs": rows}
        )
    else:
        _show(rows)
    return 0


def _latest(root: Path, names: list[str]) -> str:
    """The name of the latest run; an empty text, and a warning, where that is not known."""
    from forecast_cli import store as runs

    try:
        return runs.latest(root)
    except ForecastError as error:
        if not names:
            raise
        console.warning(error.message)
        return ""


def _rows(root: Path, names: list[str], latest: str) -> list[dict[str, Any]]:
    from forecast_cli import store as runs

    pinned, unpromoted = runs.pinned(root), runs.unpromoted(root)
    rows = []
    for name in names:
        row = _row(root, name, name == latest)
        row["pinned"] = name in pinned
        row["promoted"] = name not in unpromoted
        row["refusal"] = runs.refusal(root, name) if name in unpromoted else ""
        rows.append(row)
    return rows


def _row(root: Path, name: str, is_latest: bool) -> dict[str, Any]:
    """What is shown of a run; of one that is rejected, why it is."""
    from forecast_cli import store as runs

    row: dict[str, Any] = {
        "run": name,
        "latest": is_latest or None,
        "preset": "",
        "target": "",
        "horizon": None,
        "mase": None,
        "skill": None,
        "error": "",
    }
    try:
        run = runs.load(root, name)
    except ForecastError as error:
        return row | {"error": error.message}

    row["preset"] = run.config.plan.preset
    row["target"] = run.config.columns.target
    row["horizon"] = run.config.plan.horizon
    test = run.metrics.test
    if test:
        row["mase"] = test.network.mase
        row["skill"] = test.skill.seasonal_naive
    return row


def _show(rows: list[dict[str, Any]]) -> None:
    header = ["  run", "preset", "target", "horizon", "MASE", "skill"]
    cells = [
        [
            _label(row),
            row["preset"] or "rejected",
            row["target"],
            str(row["horizon"] or "-"),
            console.number(row["mase"]),
            console.share(row["skill"]),
        ]
        for row in rows
    ]
    console.table("", header, cells, text_columns=3)


def _label(row: dict[str, Any]) -> str:
    """The name of a run, with what is special about it.

    A narrow terminal has no room for whole names. It gets their ends, which --run takes, too.
    """
    name = row["run"]
    if console.stdout_is_terminal() and shutil.get_terminal_size().columns < WIDE:
        name = name.split("-", 1)[1]
    mark = "* " if row["latest"] else "  "
    pinned = " pinned" if row["pinned"] else ""
    promoted = "" if row["promoted"] else " not promoted"
    return f"{mark}{name}{pinned}{promoted}"
