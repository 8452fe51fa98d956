"""train(): read, plan, fit, assess, publish, draw and report."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import (
    calendar,
    covariates,
    evaluation,
    forecasting,
    planning,
    store,
    tables,
    windows,
)
from forecast_cli.choices import TrainedOn
from forecast_cli.engine import Engine, cores
from forecast_cli.errors import (
    DataError,
    LowSkillError,
    NoRunError,
    SettingsError,
    StoppedError,
    StorageError,
)
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Forecast, HeldOut, Model
from forecast_cli.messages import Note
from forecast_cli.panel import Panel, head
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Event, Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Checkpoint, Clock, Contents, Lock, Run, now_in_utc
from forecast_cli.workflow import notes, running
from forecast_cli.workflow.configuration import run_config
from forecast_cli.workflow.drawing import draw_after_training
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.reports import keep_failure, keep_report
from forecast_cli.workflow.results import Trained

if TYPE_CHECKING:  # torch is imported when there is something to train on
    from forecast_cli.learning import Learned
    from forecast_cli.members import Execution

Data = str | os.PathLike[str] | Panel

# Windows that a member learns from, one after the other: fewer take less time than it takes to
# start another process and to load PyTorch there.
WORTH_A_PROCESS = 100_000


def train(  # noqa: PLR0913 -- keywords of the public API
    data: Data,
    settings: Settings | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    warm_start: str | None = None,
    resume: bool = False,
    by_cores: bool = False,
    draw: bool = True,
    page: bool = False,
    **named: Any,
) -> Trained:
    """Train on a file or a Panel, score the held-out rows, publish the run, and forecast.

    - settings: as one object, or by name: `horizon=12, units="50,100"`
    - report: is called with what is being done, as it begins, and with every epoch: an Event of
      `forecast_cli.progress`
    - warm_start: a run whose weights to begin with; `base` begins with those of the base network,
      and `none` does without it. Else, validation says what it is good for
    - resume: go on with a training that was stopped, if it is this one
    - by_cores: members train side by side, as many as there are cores, where `workers` says
      nothing; for a main module that spawned processes can import
    - draw: draw the losses and predictions into `plots/` of the run
    - page: write a page about the run there, too, `report.html`

    The report of the training is kept in `last_run.json` of the store, also where it fails.
    Raises ForecastError and its children.
    """
    settings, report = settings or settings_from(**named), report or silent
    root = Path(store_folder)
    try:
        job = _Job(
            settings=settings,
            root=root,
            report=report,
            warm_start=warm_start,
            resume=resume,
            by_cores=by_cores,
            draw=draw,
            page=page,
            deadline=_deadline(settings),
        )
        return _train(data, job)
    except BaseException as error:
        keep_failure(root, error)
        raise


@dataclass(frozen=True)
class _Job:
    """What was asked for, beside the data.

    deadline: when to stop, in time.monotonic(); reasons: of settings that a tuning has chosen.
    """

    settings: Settings
    root: Path
    report: Report
    deadline: float | None
    warm_start: str | None = None
    resume: bool = False
    by_cores: bool = True
    draw: bool = False
    page: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


Judge = Callable[[Panel, "Fit"], LowSkillError | None]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is to be trained, before it is: the rows, the plan, and the run to begin with."""

    panel: Panel
    plan: Plan
    start: Run | None
    job: _Job


def prepare(
    panel: Panel,
    data: Data,
    settings: Settings,
    root: Path,
    *,
    report: Report = silent,
    warm_start: str | None = None,
) -> Prepared:
    """Decide everything of a training whose rows are read already. Nothing is written.

    Raises what `train` raises for data and settings.
    """
    check_machine(settings)
    job = _Job(settings, root, report, _deadline(settings), warm_start)
    plan, start = _plan(panel, data, job)
    return Prepared(panel, plan, start, job)


def fit_and_publish(
    prepared: Prepared, lock: Lock, judge: Judge | None = None, clock: Clock = now_in_utc
) -> Trained:
    """Train, score the held-out rows, and publish the run. Nothing is pruned or drawn.

    judge: says why the run is not to be promoted, beside --min-skill; clock: for its name.
    """
    panel, job = prepared.panel, prepared.job
    with running.opened(job.settings, job.report) as engine:
        fitted = _fit(prepared, lock, engine)
        about_engine = running.about_engine(engine)
    forecast, forecast_notes = _forecast(panel, fitted.model, job)
    refusal = refusal_of(fitted.scores, job.settings)
    if refusal is None and judge is not None:
        refusal = judge(panel, fitted)
    job.report(Phase("saving", "saving the run"))
    about = (
        *panel.notes,
        *fitted.notes,
        *about_engine,
        *forecast_notes,
        *notes.about_forecast(forecast, panel, fitted.model),
    )
    contents = _contents(panel, fitted, forecast, about)
    run = _publish(contents, lock, refusal, clock)
    return Trained(
        run=run,
        panel=panel,
        forecast=forecast,
        notes=about,
        refusal=_named(refusal, run),
    )


def _train(data: Data, job: _Job) -> Trained:
    """The use case, step by step, under the lock of the store."""
    check_machine(job.settings)
    with contextlib.ExitStack() as stack:
        # Wait first and read then, so that what is read is new. But data that cannot be read make
        # no store.
        lock = stack.enter_context(_lock(job)) if store.exists(job.root) else None
        panel = _read(data, job)
        plan, start = _plan(panel, data, job)
        lock = lock or stack.enter_context(_lock(job))

        trained = fit_and_publish(Prepared(panel, plan, start, job), lock)
        after = (*prune_runs(lock, job.settings.prune.keep), *_draw(trained.run, panel, job))
        trained = replace(trained, notes=(*trained.notes, *after))
        return replace(trained, notes=(*trained.notes, *keep_report(lock, trained)))


# -- trainings of a tuning ---------------------------------------------------------------------


def plan_training(panel: Panel, settings: Settings, root: Path, report: Report) -> Plan:
    """What a training on a panel that was read with these settings would be.

    Raises what `train` raises for data and settings that cannot be trained with.
    """
    return _plan(panel, panel, _job_of_panel(settings, root, report))[0]


def train_as_tuned(
    panel: Panel,
    settings: Settings,
    root: Path,
    report: Report,
    reasons: Mapping[str, str],
    *,
    draw: bool,
) -> Trained:
    """Train on a panel that was read with these settings, as `train` does it.

    reasons: for settings and other values of the plan, instead of those of the rules.
    """
    job = _job_of_panel(settings, root, report)
    return _train(panel, replace(job, reasons=reasons, draw=draw))


def _job_of_panel(settings: Settings, root: Path, report: Report) -> _Job:
    # How the panel was read, it knows itself.
    settings = replace(settings, data=DataSettings(season=settings.data.season))
    return _Job(settings, root, report, _deadline(settings), draw=True)


# -- what was asked for ------------------------------------------------------------------------


def _deadline(settings: Settings) -> float | None:
    limit = settings.training.time_limit
    return None if limit is None else time.monotonic() + limit


def _lock(job: _Job) -> contextlib.AbstractContextManager[Lock]:
    def on_wait(holder: str) -> None:
        job.report(Phase("waiting", f"waiting for another command: {holder}"))

    return store.lock(job.root, wait=job.settings.lock.lock_wait, on_wait=on_wait)


def _read(data: Data, job: _Job) -> Panel:
    settings = job.settings.data
    if not isinstance(data, Panel):
        job.report(reading(os.fspath(data)))
        return read(data, settings)

    if replace(settings, season=None) != DataSettings():
        raise SettingsError(
            "settings of the reader do not go with a Panel", "give them to read_csv"
        )
    return data


# -- plan --------------------------------------------------------------------------------------


def _plan(panel: Panel, data: Data, job: _Job) -> tuple[Plan, Run | None]:
    """Everything that is decided, and the run that training begins with.

    What cannot be trained on is refused now, not after the training: times that a run cannot
    hold, windows that are never complete, and a newest one that cannot be read.
    """
    job.report(Phase("planning", "looking at the data"))
    plan, start = _make_plan(panel, job)
    _check_min_skill(panel, plan, start, job)
    _check_span(panel, plan)
    with naming_file(data):
        ends = windows.split(panel, plan.validation, plan.test).training
        if plan.architecture.by_season is None:
            windows.require_complete(panel, plan.lookback, plan.architecture.outputs, ends)
        forecasting.require_full_window(panel, plan)
        readable = forecasting.has_full_window(panel, plan)
        if plan.short == "refuse" and not readable.all():
            raise forecasting.unreadable(panel, plan, readable)
    return plan, start


def _make_plan(panel: Panel, job: _Job) -> tuple[Plan, Run | None]:
    if job.warm_start is None:
        return planning.make(panel, job.settings), None
    from forecast_cli.workflow.warm_start import plan_with_start

    return plan_with_start(panel, job.settings, job.root, job.warm_start)


def _check_min_skill(panel: Panel, plan: Plan, start: Run | None, job: _Job) -> None:
    """Raise SettingsError where nothing will say how good the network is."""
    if job.settings.accuracy.min_skill is None:
        return
    if not plan.test:
        raise SettingsError(
            "--min-skill is judged on held-out rows, and --test 0 holds out none",
            "leave out one of them",
            option="min_skill",
        )

    from forecast_cli.workflow.warm_start import saw_held_out_rows

    if saw_held_out_rows(start, panel, plan):
        raise SettingsError(
            "--min-skill is judged on held-out rows, and the run that --from names was trained on "
            "them",
            "leave out one of them",
            option="min_skill",
        )


def _check_span(panel: Panel, plan: Plan) -> None:
    """Raise DataError for times that a run cannot hold: near the ends of the years 1 to 9999."""
    frequency = panel.frequency
    steps = {
        "step": 0,
        "business": calendar.WEEK // 5,
        "months": 31 * calendar.DAY * frequency.size,
    }
    step = steps.get(frequency.kind, frequency.size)
    first = int(panel.first.min())
    end = int((panel.first + panel.lengths).max()) + plan.horizon + 1
    if not store.EARLIEST_TIME < first * step <= end * step < store.LATEST_TIME:
        raise DataError(
            f"{panel.source}: the times are too near to the ends of the years 1 to 9999",
            "correct the times",
            path=panel.source,
        )


# -- fit and assess ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained model, forecasts of the held-out rows, and scores."""

    learned: Learned
    model: Model
    rows: HeldOut | None
    scores: dict[str, Any]
    notes: tuple[Note, ...]


def _fit(prepared: Prepared, lock: Lock, engine: Engine) -> Fit:
    """Train on the training part, score the held-out rows, and train again on all rows."""
    panel, plan, start, job = prepared.panel, prepared.plan, prepared.start, prepared.job
    job.report(Phase("loading", "loading PyTorch"))
    from forecast_cli import candidates, members  # here, so that what went before need not wait
    from forecast_cli.training import choose_device
    from forecast_cli.workflow.warm_start import saw_held_out_rows, start_weights

    device = choose_device(job.settings.training.device, plan, cores())
    by_cores = number_of_workers(plan, job.settings, device, by_cores=job.by_cores)
    execution = members.Execution(
        report=job.report,
        engine=engine,
        workers=engine.capacity or by_cores,
        start=start_weights(start),
        deadline=job.deadline,
        device=device,
    )
    plan = candidates.choose(panel, job.settings, plan, execution)
    plan = replace(plan, reasons={**plan.reasons, **job.reasons})
    execution = candidates.with_start(execution, plan)
    # Of the plan that was chosen, which another time limit may have made another one.
    checkpoint, why_none = _checkpoint(panel, plan, device, job, lock)
    execution = replace(execution, checkpoint=checkpoint)
    with _keeping(checkpoint, lock):
        learned = learn(panel, job.settings, plan, execution)
        # Nothing of the held-out rows is in their bounds.
        before_test = replace(learned, model=learned.before_test)
        scored = _to_score(panel, before_test, job, execution)
        rows = _forecast_held_out(panel, scored, job)
        scores = evaluation.score_training(
            panel,
            scored.plan,
            learned.fitted,
            rows,
            len(learned.model.residuals),
            saw_held_out_rows=saw_held_out_rows(start, panel, plan),
        )
        model = refit(panel, job.settings, learned, execution)

    about = notes.about_training(panel, learned, model, rows)
    if job.resume and why_none:
        note = Note("not_resumed", "warning", f"trained from the start: {why_none}")
        about = (note, *about)
    return Fit(learned, model, rows, scores, about)


def learn(panel: Panel, settings: Settings, plan: Plan, execution: Execution) -> Learned:
    """Train what the plan is of: members that are alike, or a portfolio."""
    from forecast_cli import learning, portfolio

    if plan.parts:
        return portfolio.learn(panel, settings, plan, execution)
    return learning.learn(panel, plan, execution)


def refit(panel: Panel, settings: Settings, learned: Learned, execution: Execution) -> Model:
    """Train it again on all rows."""
    from forecast_cli import learning, portfolio

    if learned.model.plan.parts:
        return portfolio.refit(panel, settings, learned, execution)
    return learning.refit(panel, learned, execution)


def _to_score(panel: Panel, learned: Learned, job: _Job, execution: Execution) -> Model:
    """The model whose forecasts of the held-out rows are scored.

    Of few series, the validation part is a large share: the scores are then those of a model that
    has learned from it, too, as the final one has. Nothing of the held-out rows is looked at.
    """
    plan = learned.model.plan
    is_large = len(panel) < planning.FEW_SERIES and plan.validation > plan.horizon
    if not (is_large and plan.test and plan.refit):
        return learned.model

    from forecast_cli.members import REFIT

    def report(event: Event) -> None:
        if isinstance(event, Phase):
            text = "training on all rows before the held-out ones"
            event = replace(event, name="before_test", text=text)
        elif isinstance(event, Epoch):
            event = replace(event, stage=event.stage.replace(REFIT, "before test"))
        job.report(event)

    deadline = execution.deadline
    if deadline is not None:
        deadline = (time.monotonic() + deadline) / 2
    ends = windows.split(panel, plan.validation, plan.test).validation
    # It is not kept when training is stopped, since its stages bear the names of the refit.
    execution = replace(execution, report=report, checkpoint=None, deadline=deadline)
    return refit(head(panel, ends), job.settings, learned, execution)


def check_machine(settings: Settings) -> None:
    """Raise SettingsError where a GPU or an engine is asked for that is not there, before data are
    read."""
    running.check_engine(settings)
    if settings.training.device == "cuda":
        from forecast_cli import training  # PyTorch takes its time: only where it is needed

        training.check_device(settings.training.device)


def number_of_workers(plan: Plan, settings: Settings, device: TrainedOn, *, by_cores: bool) -> int:
    """Members that train at the same time: the setting, or as many as there are cores.

    On a GPU, one at a time: each process would take memory there for itself alone.
    """
    asked = settings.engine.workers
    if asked:
        return asked
    if device != "cpu":
        return 1
    kinds = max(len(plan.parts), 1)
    if kinds * plan.epochs * plan.epoch_batches * plan.batch_size < WORTH_A_PROCESS:
        return 1
    return max(cores() // plan.threads, 1) if by_cores else 1


def _checkpoint(
    panel: Panel, plan: Plan, device: TrainedOn, job: _Job, lock: Lock
) -> tuple[Checkpoint, str]:
    """The checkpoint to go on from, or an empty one and why there is none."""
    identity = _identity(panel, plan, device, together=job.settings.engine.data_parallel)
    if not job.resume:
        return Checkpoint(lock, identity), ""
    return store.load_checkpoint(lock, identity)


def _identity(panel: Panel, plan: Plan, device: TrainedOn, *, together: bool = False) -> str:
    """What must be equal for a training to be resumed: the data as read, the plan, versions, and
    where it runs, because the last digits are others on a GPU, and by workers together."""
    values = hashlib.sha256(panel.values.tobytes()).hexdigest()
    return store.training_identity(
        panel.fingerprint,
        values,
        dataclasses.asdict(panel.reading),
        dataclasses.asdict(plan),
        store.versions(),
        device,
        together,
    )


@contextlib.contextmanager
def _keeping(checkpoint: Checkpoint, lock: Lock) -> Iterator[None]:
    """Keep what is done when a signal stops the training."""
    try:
        yield
    except StoppedError as error:
        with contextlib.suppress(StorageError):
            if store.save_checkpoint(lock, checkpoint):
                error.hint = "go on where it stopped: the same command with --resume"
        raise


def _forecast_held_out(panel: Panel, model: Model, job: _Job) -> HeldOut | None:
    if not model.plan.test:
        return None
    job.report(Phase("scoring", "scoring the held-out rows"))
    return forecasting.forecast_held_out(panel, model, model.plan.levels)


# -- forecast and publish ----------------------------------------------------------------------


def _forecast(panel: Panel, model: Model, job: _Job) -> tuple[Forecast, tuple[Note, ...]]:
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


def refusal_of(scores: dict[str, Any], settings: Settings) -> LowSkillError | None:
    """Why the run is not to be promoted; None where nothing speaks against it."""
    test = scores["test"]
    where = f"on the {test['rows']:,} held-out rows" if test else "on the held-out rows"
    methods = None
    if test:
        methods = {name: test[name] for name in ("network", "naive", "seasonal_naive")}
    return evaluation.low_skill(settings.accuracy.min_skill, methods, where)


def _named(refusal: LowSkillError | None, run: Run) -> LowSkillError | None:
    """The refusal, with the name of the run and what can be done with it."""
    if refusal is None:
        return None
    return LowSkillError(
        f"run {run.name} was not promoted: {refusal.message}",
        f"look at it with `forecast runs show --run {run.manifest.sequence}`; "
        f"`forecast runs rollback --run {run.manifest.sequence}` makes it the latest all the same",
        option=refusal.option,
    )


def _contents(panel: Panel, fit: Fit, forecast: Forecast, about: tuple[Note, ...]) -> Contents:
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


def _publish(contents: Contents, lock: Lock, refusal: LowSkillError | None, clock: Clock) -> Run:
    """Publish the run, and make it the latest, unless it is refused."""
    run = store.publish(lock, contents, refusal=refusal.message if refusal else "", now=clock)
    if refusal is None:
        store.promote(lock, run)
    store.remove_checkpoint(lock)
    return run


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


def _draw(run: Run, panel: Panel, job: _Job) -> tuple[Note, ...]:
    """Draw the plots, and write the page, if that was asked for."""
    said: tuple[Note, ...] = ()
    if job.draw:
        job.report(Phase("drawing", "drawing the plots"))
        said = draw_after_training(run)
    if job.page:
        from forecast_cli.workflow.page import write_page_after_training  # loads Jinja2

        job.report(Phase("drawing", "writing the page"))
        # A letter that cannot be drawn is missing in the plots and in the page, and is said once.
        about_page = write_page_after_training(run, panel)
        said = (*said, *(note for note in about_page if note not in said))
    return said


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
