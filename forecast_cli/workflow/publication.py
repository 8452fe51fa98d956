"""What a training leaves behind: its forecast, and the run with all that is in it, in the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from forecast_cli import covariates, evaluation, forecasting, store, tables
from forecast_cli.errors import DataError, LowSkillError, NoRunError, StorageError
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Forecast, Model
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase
from forecast_cli.settings import Settings
from forecast_cli.store import Clock, Contents, Lock, Run
from forecast_cli.workflow.configuration import run_config
from forecast_cli.workflow.fitting import Fit
from forecast_cli.workflow.training_plans import TrainingJob


def forecast_of(panel: Panel, model: Model, job: TrainingJob) -> tuple[Forecast, tuple[Note, ...]]:
    """The forecast past the last row.

    An empty one where known-future covariates are still to be given.
    """
    job.report(Phase("forecasting", "forecasting past the last row"))
    digits = _digits(job.settings.output.digits, panel)
    try:
        covariates.check_known(panel, model.plan.horizon)
    except DataError as error:
        text = f"no forecast yet: {error.message}; predict takes --future-values FILE"
        none = forecasting.no_forecast(panel, model.plan.levels)
        return replace(none, digits=digits), (Note("forecast_missing", "warning", text),)
    forecast = forecasting.forecast(panel, model, model.plan.levels)
    return replace(forecast, digits=digits), ()


def _digits(setting: Digits | None, panel: Panel) -> Digits:
    """The decimals that were asked for, or those that suit the data."""
    return tables.decimals(panel) if setting is None else setting


# -- whether it is promoted ------------------------------------------------------------------------


def refusal_of(scores: dict[str, Any], settings: Settings) -> LowSkillError | None:
    """Why the run is not to be promoted; None where nothing speaks against it."""
    test = scores["test"]
    where = f"on the {test['rows']:,} held-out rows" if test else "on the held-out rows"
    methods = None
    if test:
        methods = {name: test[name] for name in ("network", "naive", "seasonal_naive")}
    return evaluation.low_skill(settings.accuracy.min_skill, methods, where)


def naming_run(refusal: LowSkillError | None, run: Run) -> LowSkillError | None:
    """The refusal, with the name of the run and what can be done with it."""
    if refusal is None:
        return None
    return LowSkillError(
        f"run {run.name} was not promoted: {refusal.message}",
        f"look at it with `forecast runs show --run {run.manifest.sequence}`; "
        f"`forecast runs rollback --run {run.manifest.sequence}` makes it the latest all the same",
        option=refusal.option,
    )


# -- the run ---------------------------------------------------------------------------------------


def contents_of(panel: Panel, fit: Fit, forecast: Forecast, about: tuple[Note, ...]) -> Contents:
    """What the run is to hold. about: what the training had to say."""
    digits = forecast.digits
    predictions = tables.predictions_csv(panel, fit.rows, digits) if fit.rows else b""
    return Contents(
        config=run_config(panel, fit.model.plan, digits),
        model=fit.model,
        panel=panel,
        metrics=store.metrics_from({**fit.scores, "notes": _kept_notes(about)}),
        tables={
            "history.csv": tables.history_csv(fit.learned.fitted),
            "predictions.csv": predictions,
            "forecast.csv": tables.forecast_csv(forecast),
        },
    )


def _kept_notes(about: tuple[Note, ...]) -> list[dict[str, str]]:
    """The notes as they stand in metrics.json.

    A training that was asked to go on and began anew, or whose worker was lost, has the bytes of
    any other: that is not noted.
    """
    return [
        {"kind": note.kind, "level": note.level, "text": note.text}
        for note in about
        if note.kind not in ("not_resumed", "repeated")
    ]


def publish(contents: Contents, lock: Lock, refusal: LowSkillError | None, clock: Clock) -> Run:
    """Publish the run, and make it the latest, unless it is refused."""
    run = store.publish(lock, contents, refusal=refusal.message if refusal else "", now=clock)
    if refusal is None:
        store.promote(lock, run)
    store.remove_checkpoint(lock)
    return run


def prune_runs(lock: Lock, keep: int) -> tuple[Note, ...]:
    """Prune after publishing: the new run is the latest already, so a failure only degrades."""
    try:
        removed = store.prune(lock, keep)
    except (StorageError, NoRunError) as error:
        text = f"the run is published, but older ones could not be pruned: {error.message}"
        return (Note("prune_failed", "degraded", text),)
    if not removed:
        return ()
    text = f"pruned {len(removed):,} old runs; --keep {keep}"
    return (Note("pruned", "info", text, {"runs": removed}),)
