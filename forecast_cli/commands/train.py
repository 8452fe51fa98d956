"""forecast train"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console, progress
from forecast_cli.commands import options
from forecast_cli.config import Given, Settings
from forecast_cli.errors import DEGRADED, ForecastError, LockedError, StoppedError, failure_of
from forecast_cli.progress import Phase

if TYPE_CHECKING:
    from forecast_cli.store import Scores
    from forecast_cli.workflow import Trained

SCHEMA = "forecast/train/v1"
NAMED = 3  # targets named in the summary


@options.with_settings(
    "data", "window", "network", "training", "ensemble", "interval", "output", "lock", "prune"
)
def train(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV or Parquet file; - reads standard input.")
    ],
    settings: Settings,
    given: Given,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Print what would be used, and why; train nothing."),
    ] = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ID",
            help="Run of the same network, whose weights to begin with.",
            show_default="random",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a training that was stopped, if it is this one."),
    ] = False,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Train on a CSV, score, keep the run, forecast.

    The end of each series is held out for scoring beside naive forecasts; then the network is fitted again on all rows.

    Example: forecast train sample_data/airline.csv --horizon 12
    """
    if print_config:
        return _print_config(data, settings, given, store, json)
    with console.progress(quiet=quiet or json) as report:
        report(progress.reading(data))  # before the imports below, which take their time
        from forecast_cli import workflow

        try:
            trained = workflow.train(
                data,
                settings,
                store_folder=store,
                report=report,
                warm_start=from_,
                resume=resume,
                by_cores=True,
            )
        except LockedError as error:
            if settings.lock.if_locked == "skip":
                return _skip(error, json)
            raise
        except BaseException as error:
            with contextlib.suppress(
                ForecastError
            ):  # the failure itself is what the user must hear of
                _keep_report(Path(store), console.failure(SCHEMA, failure_of(error)))
            raise
        report(Phase("drawing", "drawing the plots"))
        reasons = [note.text for note in trained.notes if note.level == "degraded"]
        reasons += _draw(trained)
    try:
        _keep_report(Path(store), _document(trained, reasons, DEGRADED if reasons else 0))
    except ForecastError as error:
        console.warning(f"the run is published, but its report is not: {error.message}")
        reasons.append(f"last_run.json: {error.message}")
    if not quiet and not json:
        console.say(console.escape(_target_line(trained)))
    for note in trained.notes:
        if note.level == "info" and not quiet and not json:
            console.say(console.escape(note.text))
        elif note.level != "info":
            console.warning(note.text)
    code = DEGRADED if reasons else 0
    if json:
        console.emit_json(_document(trained, reasons, code))
    elif not quiet:
        _summary(trained)
    return code


def _keep_report(root: Path, report: dict[str, Any]) -> None:
    """Keep the report of this training, unless there is no store yet or another command is writing in it."""
    from forecast_cli import store

    if not store.exists(root):
        return
    with contextlib.suppress(LockedError), store.lock(root) as lock:
        store.write_report(lock, report)


def _skip(error: LockedError, json: bool) -> int:
    """Another command is at it, and that is fine."""
    text = f"skipped: {error.message}"
    if json:
        console.emit_json({"schema": SCHEMA, "exit_code": 0, "published": False, "reasons": [text]})
    console.say(console.escape(text))
    return 0


def _print_config(data: str, settings: Settings, given: Given, store: str, json: bool) -> int:
    from forecast_cli import planning
    from forecast_cli.commands import decisions
    from forecast_cli.reading import read

    panel = read(data, settings.data)
    warnings = [note.text for note in panel.notes if note.level != "info"]
    for text in warnings:
        console.warning(text)
    found = decisions.decisions(panel, planning.make(panel, settings), given, store)
    if json:
        console.emit_json(decisions.document(found, panel.source, warnings))
    else:
        decisions.show(found)
    return 0


def _draw(trained: Trained) -> list[str]:
    """Draw the run's pictures; the run is published already, so a failure here only degrades."""
    from forecast_cli.commands.plot import draw_into

    try:
        draw_into(trained.run, trained.run.folder / "plots")
    except StoppedError as error:
        error.message = error.message.replace(
            "nothing was published", "the run is published, but its plots are not"
        )
        error.hint = "forecast plot draws them"
        raise
    except ForecastError as error:
        console.warning(f"the run is published, but its plots are not: {error.message}")
        return [f"plots: {error.message}"]
    return []


def _document(trained: Trained, reasons: list[str], code: int) -> dict[str, Any]:
    plan, metrics = dataclasses.asdict(trained.run.config.plan), trained.metrics.as_dict()
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "published": True,
        "run": trained.run.name,
        "folder": str(trained.run.folder),
        "target": _targets(trained) if len(_targets(trained)) > 1 else _targets(trained)[0],
        "series": len(trained.panel),
        "rows": int(trained.panel.offsets[-1]),
        "verdict": trained.metrics.verdict,
        "metrics": {key: metrics[key] for key in ("training", "test", "members")},
        "plan": plan,
        "warnings": [note.text for note in trained.notes if note.level == "warning"],
        "reasons": reasons,
    }


def _targets(trained: Trained) -> list[str]:
    return trained.panel.reading.target or [trained.panel.columns.target]


def _target_line(trained: Trained) -> str:
    """`Target: Close, in $`, or the first of several targets."""
    targets, written = _targets(trained), trained.panel.written
    shown = [f"{name}, {written[name]}" if name in written else name for name in targets[:NAMED]]
    more = f"; and {len(targets) - NAMED:,} more" if len(targets) > NAMED else ""
    return f"Target{'s' if len(targets) > 1 else ''}: {'; '.join(shown)}{more}"


def _scores_row(label: str, scores: Scores, skill: float | None) -> list[str]:
    errors = [
        console.number(error) for error in (scores.mae, scores.rmse, scores.smape, scores.mase)
    ]
    return [label, *errors, "" if skill is None else f"{skill:+.0%}"]


def _summary(trained: Trained) -> None:
    from forecast_cli import intervals

    run, test = trained.run, trained.metrics.test
    if test:
        rows = [_scores_row("this network", test.network, None)]
        if test.season > 1:
            rows.append(
                _scores_row(
                    f"seasonal naive ({test.season})",
                    test.seasonal_naive,
                    test.skill.seasonal_naive,
                )
            )
        rows.append(_scores_row("naive", test.naive, test.skill.naive))
        of = f" of {test.series:,} series (means over series)" if test.series > 1 else ""
        title = f"Held-out last {test.rows:,} rows{of}"
        console.table(
            title, ["", "MAE", "RMSE", "sMAPE", "MASE", "skill against"], rows, stderr=True
        )
    console.say(console.escape(trained.metrics.verdict))
    members = trained.metrics.members
    if test and members and members.spread is not None and members.mae:
        errors = [error for error in members.mae if error is not None]
        alone = f"{console.number(min(errors))} to {console.number(max(errors))}"
        console.say(
            f"{members.count} members: {console.number(members.spread)} apart on the held-out rows (standard deviation); "
            f"alone their MAE is {alone}, together {console.number(test.network.mae)}"
        )
    known = trained.metrics.intervals
    if run.config.plan.levels and not known.unseen:
        console.say("intervals: from rows that the network was trained on, so they are too narrow")
    elif run.config.plan.levels and 0 < known.windows < intervals.ENOUGH:
        windows = f"{known.windows} window{'s' if known.windows != 1 else ''}"
        console.say(f"intervals: an approximation, pooled over {windows} of rows not trained on")
    console.say(f"run {run.name}")
    for name in (
        "forecast.csv",
        "predictions.csv",
        "history.csv",
        "plots/loss.png",
        "plots/predictions.png",
    ):
        console.say(f"  {console.escape(str(run.folder / name))}")
