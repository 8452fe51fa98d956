"""forecast runs list / show / verify / rollback / prune / pin / unpin"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import config, console
from forecast_cli.commands import options
from forecast_cli.config import Settings
from forecast_cli.errors import (
    ForecastError,
    LockedError,
    NoRunError,
    RunRejectedError,
    failure_document,
)

if TYPE_CHECKING:
    from forecast_cli.store import Lock, Run


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
    pinned, unpromoted = runs.pinned(root), runs.unpromoted(root)
    rows = [
        _row(root, name, name == latest)
        | {"pinned": name in pinned, "promoted": name not in unpromoted}
        for name in names
    ]
    if json:
        console.emit_json(
            {
                "schema": "forecast/runs-list/v1",
                "exit_code": 0,
                "latest": latest or None,
                "runs": rows,
            }
        )
        return 0
    lines = [
        [_label(row), row["preset"] or "rejected", row["target"],
         str(row["horizon"] or "-"), console.number(row["mase"]), "-" if row["skill"] is None else f"{row['skill']:+.0%}"]
        for row in rows
    ]  # fmt: skip
    console.table(
        "", ["  run", "preset", "target", "horizon", "MASE", "skill"], lines, text_columns=3
    )
    return 0


def _label(row: dict[str, Any]) -> str:
    """The name of a run, with what is special about it."""
    mark = "* " if row["latest"] else "  "
    pinned = " pinned" if row["pinned"] else ""
    promoted = "" if row["promoted"] else " not promoted"
    return f"{mark}{row['run']}{pinned}{promoted}"


def _row(root: Path, name: str, latest: bool) -> dict[str, Any]:
    from forecast_cli import store as runs

    row: dict[str, Any] = {
        "run": name, "latest": latest or None, "preset": "", "target": "", "horizon": None, "mase": None, "skill": None, "error": "",
    }  # fmt: skip
    try:
        run = runs.load(root, name)
    except ForecastError as error:
        return row | {"error": error.message}
    test = run.metrics.test
    return row | {
        "preset": run.config.plan.preset,
        "target": run.config.columns.target,
        "horizon": run.config.plan.horizon,
        "mase": test.network.mase if test else None,
        "skill": test.skill.seasonal_naive if test else None,
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
    from forecast_cli.network import count_operations, count_parameters

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
        "digits": run.digits,
        "parameters": run.config.plan.members * count_parameters(run.config.plan.architecture),
        "operations": run.config.plan.members * count_operations(run.config.plan.architecture),
        "metrics": run.metrics.as_dict(),
    }


def _members(run: Run) -> str:
    plan, members = run.config.plan, run.metrics.members
    if plan.members == 1:
        return "" if not plan.warm_start else f"began with the weights of {plan.warm_start}"
    how = "each learned what the former left over" if plan.boosting else f"their {plan.combine}"
    if plan.bagging:
        how += " over windows drawn in blocks"
    if members is None or members.spread is None:
        return how
    return f"{how}; {console.number(members.spread)} apart on held-out rows"


def _clipped(run: Run) -> str:
    share = run.metrics.training.clipped
    return (
        "gradients were not clipped"
        if share is None
        else f"{share:.0%} of the steps clipped to norm {run.config.plan.clip_norm:g}"
    )


def _show(run: Run) -> None:
    from forecast_cli.calendar import describe
    from forecast_cli.network import count_operations, count_parameters
    from forecast_cli.network import describe as network

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
        ["training", f"{plan.epochs:,} epochs at most of {plan.epoch_batches:,} batches of {plan.batch_size:,}", f"best epoch {run.metrics.training.best_epoch:,}"],
        ["steps", f"{plan.optimizer}, {plan.loss} loss, learning rate {plan.learning_rate:g}, {plan.schedule}", _clipped(run)],
        ["digits", "all" if run.digits == "full" else f"{run.digits} decimals", ""],
        ["seed, threads", f"{plan.seed}, {plan.threads}", why.get("threads", "")],
    ]  # fmt: skip
    test = run.metrics.test
    if test:
        for name, scores in test.by_method.items():
            words = (
                f"MAE {console.number(scores.mae)}, RMSE {console.number(scores.rmse)}, "
                f"sMAPE {console.number(scores.smape)}, MASE {console.number(scores.mase)}"
            )
            rows.append([f"test: {name.replace('_', ' ')}", words, ""])
    console.table("", ["", "", "why"], rows, text_columns=3)
    console.emit(f"{run.metrics.verdict}\n".encode())


@options.with_settings()
def verify(
    run: options.RunOrAll = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Check runs: the hash of every file, what is in them, and that they forecast. Exit 12 if one is damaged.

    Example: forecast runs verify
    """
    from forecast_cli import store as runs

    root = Path(store)
    chosen = runs.resolve(root, run)
    names = runs.names(root) if chosen is None else [chosen]
    failures: list[ForecastError] = []
    rows = []
    if chosen is None:
        try:
            latest = runs.latest(root)
            if latest not in names:
                raise RunRejectedError(
                    f"{root / 'latest.json'}: the run {latest} that it names is gone"
                )
        except NoRunError:
            if not names:
                raise
            console.warning(
                f"no latest.json in {root}; `forecast runs rollback --run ID` makes a run the latest"
            )
        except ForecastError as error:
            failures.append(error)
            rows.append({"run": "latest.json", "ok": False, "error": error.message})
    for name in names:
        try:
            strangers = runs.verify(root, name)
        except ForecastError as error:
            failures.append(error)
            rows.append({"run": name, "ok": False, "error": error.message})
            continue
        rows.append({"run": name, "ok": True, "error": ""})
        if strangers:
            console.warning(
                f"{name} holds files that are not of the run; nothing reads them: {', '.join(strangers)}"
            )
    failure = _worst(failures, len(rows))
    if json:
        document = (
            failure_document(VERIFY, failure) if failure else {"schema": VERIFY, "exit_code": 0}
        )
        console.emit_json(document | {"runs": rows})
    else:
        console.table(
            "",
            ["run", "verified"],
            [[str(row["run"]), str(row["error"] or "ok")] for row in rows],
            text_columns=2,
        )
    if failure:
        console.error(failure)
    return failure.exit_code if failure else 0


VERIFY = "forecast/runs-verify/v1"


def _worst(failures: list[ForecastError], count: int) -> ForecastError | None:
    """One failure for all: damage before anything else."""
    if not failures:
        return None
    found = sorted(failures, key=lambda failure: not isinstance(failure, RunRejectedError))[0]
    found.message = (
        f"{len(failures):,} of {count:,} runs cannot be used: {found.message}"
        if count > 1
        else found.message
    )
    return found


@contextlib.contextmanager
def _locked(root: Path, settings: Settings, quiet: bool) -> Iterator[Lock]:
    """Hold the lock of a store that has runs. Raises NoRunError, LockedError."""
    from forecast_cli import store as runs

    if not runs.names(root):
        raise NoRunError(f"no run in {root}", "train one first: forecast train DATA")
    wait = config.duration(settings.lock.lock_wait, "--lock-wait")
    with runs.lock(root, wait=wait, on_wait=None if quiet else console.waiting) as lock:
        yield lock


def _done(json: bool, quiet: bool, command: str, text: str, **document: Any) -> int:
    if json:
        console.emit_json({"schema": f"forecast/runs-{command}/v1", "exit_code": 0, **document})
    elif not quiet:
        console.say(text)
    return 0


def _skipped(error: LockedError, settings: Settings, json: bool, command: str) -> int:
    if settings.lock.if_locked == "fail":
        raise error
    text = f"skipped: {error.message}"
    console.say(console.escape(text))
    return _done(json, True, command, "", reasons=[text])


@options.with_settings("lock")
def rollback(
    settings: Settings,
    run: options.RunBefore = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Make an older run the latest again, after verifying it. No run is removed.

    Example: forecast runs rollback
    """
    from forecast_cli import store as runs

    root = Path(store)
    try:
        with _locked(root, settings, quiet) as lock:
            now = runs.roll_back(lock, runs.resolve(root, run)).name
    except LockedError as error:
        return _skipped(error, settings, json, "rollback")
    return _done(json, quiet, "rollback", f"the latest run is now {now}", run=now)


@options.with_settings("lock", "prune")
def prune(
    settings: Settings,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Remove old runs. The latest, the one before it and pinned ones stay.

    Example: forecast runs prune --keep 3
    """
    from forecast_cli import store as runs

    root = Path(store)
    try:
        with _locked(root, settings, quiet) as lock:
            removed = runs.prune(lock, settings.prune.keep)
            left = len(runs.names(root))
    except LockedError as error:
        return _skipped(error, settings, json, "prune")
    text = f"removed {len(removed):,} run{'' if len(removed) == 1 else 's'}, {left:,} left"
    return _done(json, quiet, "prune", text, removed=removed, left=left)


@options.with_settings("lock")
def pin(
    settings: Settings,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Keep a run from being pruned.

    Example: forecast runs pin --run 3
    """
    return _pin(settings, run, store, json, quiet, on=True)


@options.with_settings("lock")
def unpin(
    settings: Settings,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Let a pinned run be pruned again.

    Example: forecast runs unpin --run 3
    """
    return _pin(settings, run, store, json, quiet, on=False)


def _pin(
    settings: Settings, run: str | None, store: str, json: bool, quiet: bool, *, on: bool
) -> int:
    from forecast_cli import store as runs

    root, command = Path(store), "pin" if on else "unpin"
    try:
        with _locked(root, settings, quiet) as lock:
            name = runs.resolve(root, run) or runs.latest(root)
            runs.pin(lock, name, on=on)
    except LockedError as error:
        return _skipped(error, settings, json, command)
    return _done(json, quiet, command, f"{name} is {'pinned' if on else 'not pinned'}", run=name)
