"""forecast train"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecast_cli import console, progress
from forecast_cli.commands import options
from forecast_cli.commands.locked import skip
from forecast_cli.errors import LockedError
from forecast_cli.messages import plural
from forecast_cli.settings import Settings
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.planning import Plan
    from forecast_cli.store import HeldOutScores, Scores
    from forecast_cli.workflow import Trained

SCHEMA = "forecast/train/v1"
NAMED = 3  # targets named in the summary
MOST_USED = (
    "time",
    "target",
    "id",
    "horizon",
    "lookback",
    "freq",
    "season",
    "future",
    "preset",
    "store",
)
FILES = (
    "forecast.csv",
    "predictions.csv",
    "history.csv",
    "plots/loss.png",
    "plots/predictions.png",
)


@options.with_settings(
    *options.TRAINING,
    most_used=MOST_USED,
)
def train(
    data: options.Data,
    settings: Settings,
    sources: SettingSources,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config",
            help="Print the settings that would be used, and why. Nothing is trained.",
            rich_help_panel="General",
        ),
    ] = False,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ID",
            help="Run or base, whose weights to start from, or none.",
            show_default="random",
            rich_help_panel="Training",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue the training that was stopped, if it is the same one.",
            rich_help_panel="Training",
        ),
    ] = False,
    page: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Write an HTML page about the run, as `forecast report` does.",
            rich_help_panel="Output",
        ),
    ] = False,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Train on a CSV, score the network, keep the run, and forecast.

    The end of each series is held out, and scored beside naive forecasts. Then the network is
    trained again on all rows.

    Example: forecast train sample_data/airline.csv --horizon 12
    """
    if print_config:
        return _print_config(data, settings, sources, store, from_, json=json)

    hidden = quiet or json
    with console.progress(quiet=hidden) as report:
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
                page=page,
            )
        except LockedError as error:
            if settings.lock.if_locked == "skip":
                return skip(error, SCHEMA, json=json, published=False)
            raise

    tell(trained, quiet=hidden)
    if page and not hidden:
        _name_page(trained)
    if json:
        console.emit_json(workflow.training_document(trained))
    if trained.refusal is not None:
        console.error(trained.refusal)
    return trained.exit_code


def _print_config(
    data: str,
    settings: Settings,
    sources: SettingSources,
    store: str,
    start: str | None,
    *,
    json: bool,
) -> int:
    """Print what a training would use. start: the run that it would start from."""
    from forecast_cli import planning
    from forecast_cli.commands import decisions
    from forecast_cli.reading import read

    panel = read(data, settings.data)
    warnings = [note.text for note in panel.notes if note.level != "info"]
    for text in warnings:
        console.warning(text)

    if start is None:
        plan = planning.make(panel, settings)
    else:
        from forecast_cli import workflow

        plan, _ = workflow.plan_with_start(panel, settings, store, start)
        sources = sources.with_typed("from", start)

    listed = decisions.decisions(panel, plan, settings, sources, store)
    if json:
        console.emit_json(decisions.document(listed, panel.source, warnings))
    else:
        decisions.show(listed)
    return 0


# -- the summary -------------------------------------------------------------------------------


def tell(trained: Trained, *, quiet: bool) -> None:
    """Say what was trained and how good it is; with quiet only what is wrong with it."""
    if not quiet:
        console.say(console.escape(_target_line(trained)))
    for note in trained.notes:
        if note.level != "info":
            console.warning(note.text)
        elif not quiet:
            console.say(console.escape(note.text))
    if not quiet:
        _summary(trained)


def _targets(trained: Trained) -> list[str]:
    return trained.panel.reading.target or [trained.panel.columns.target]


def _target_line(trained: Trained) -> str:
    """`Target: Close, in $`, or the first of several targets."""
    targets, written = _targets(trained), trained.panel.written
    shown = []
    for name in targets[:NAMED]:
        shown.append(f"{name}, {written[name]}" if name in written else name)

    more = f"; and {len(targets) - NAMED:,} more" if len(targets) > NAMED else ""
    heading = "Target" if len(targets) == 1 else "Targets"
    return f"{heading}: {'; '.join(shown)}{more}"


def _base_line(plan: Plan) -> str:
    """What share of the forecast is that of the base network, and why."""
    if plan.base is None:
        return ""
    return f"{plan.base.weight:.0%} of the forecast is the base network's: {plan.reasons['base']}"


def _summary(trained: Trained) -> None:
    run, test = trained.run, trained.metrics.test
    if test:
        _show_scores(test)
    console.say(console.escape(trained.metrics.verdict))
    plan = run.config.plan
    for line in (
        _trials_line(plan),
        _portfolio_line(plan),
        _base_line(plan),
        plan.reasons.get("shrinkage", ""),
        _members_line(trained),
        _coverage_line(trained),
        _intervals_line(trained),
    ):
        if line:
            console.say(line)

    console.say(f"run {run.name}")
    for name in FILES:
        console.say(f"  {console.escape(str(run.folder / name))}")


def _name_page(trained: Trained) -> None:
    """Name the page behind the other files, if it could be written."""
    path = trained.run.folder / "plots" / "report.html"
    if path.exists():
        console.say(f"  {console.escape(str(path))}")


def _trials_line(plan: Plan) -> str:
    """What validation chose, and by how much; an empty text where there was nothing to choose."""
    best = [trial for trial in plan.trials if trial.chosen]
    others = [trial for trial in plan.trials if not trial.chosen]
    if len(best) != 1 or not others:
        return ""

    errors = [f"{trial.name} {console.number(trial.error)}" for trial in others]
    origins = plural(best[0].origins, "origin")
    return (
        f"validation from {origins} chose {best[0].name}: MASE {console.number(best[0].error)} "
        f"({', '.join(errors)}; naive {console.number(best[0].naive_error)})"
    )


def _portfolio_line(plan: Plan) -> str:
    """What a portfolio is made of, and why; an empty text for a single kind of network."""
    from forecast_cli.planning import portfolio_shares

    if not plan.parts:
        return ""
    return f"{plan.reasons['parts']}: {'; '.join(portfolio_shares(plan))}"


def _show_scores(test: HeldOutScores) -> None:
    """A table of the errors on the held-out rows, of the network and of naive forecasts."""
    from forecast_cli.evaluation import METRICS

    rows = [_scores_row("this network", test.network, None)]
    if test.season > 1:
        name = f"seasonal naive ({test.season})"
        rows.append(_scores_row(name, test.seasonal_naive, test.skill.seasonal_naive))
    rows.append(_scores_row("naive", test.naive, test.skill.naive))

    series = f" of {test.series:,} series (means over series)" if test.series > 1 else ""
    title = f"Held-out last {test.rows:,} rows{series}"
    titles = [metric.title for metric in METRICS.values()]
    header = ["", *titles, "skill against"]
    console.table(title, header, rows, stderr=True)


def _scores_row(label: str, scores: Scores, skill: float | None) -> list[str]:
    from forecast_cli.evaluation import METRICS

    numbers = [console.number(scores.value_of(metric)) for metric in METRICS]
    return [label, *numbers, "" if skill is None else console.share(skill)]


def _members_line(trained: Trained) -> str:
    """How far the members are apart, and how good each is alone; an empty text for a single one."""
    members, test = trained.metrics.members, trained.metrics.test
    if not test or not members or members.spread is None or not members.mae:
        return ""

    errors = [error for error in members.mae if error is not None]
    return (
        f"{members.count} members: {console.number(members.spread)} apart on the held-out rows "
        f"(standard deviation); alone, their MAE is {console.number(min(errors))} to "
        f"{console.number(max(errors))}, together {console.number(test.network.mae)}"
    )


def _intervals_line(trained: Trained) -> str:
    """Why the intervals cannot be relied on; an empty text where they can."""
    from forecast_cli import intervals

    measured = trained.metrics.intervals
    levels = trained.run.config.plan.levels
    if not levels:
        return ""
    if not measured.unseen:
        return "intervals: from rows that the network was trained on, so they are too narrow"
    pooled = [f"{level:.10g} %" for level in levels if measured.windows < intervals.enough(level)]
    if measured.windows and pooled:
        windows = plural(measured.windows, "window")
        which = "" if len(pooled) == len(levels) else f" of {' and '.join(pooled)}"
        return f"intervals{which}: approximate, pooled over {windows} of rows not trained on"
    return ""


def _coverage_line(trained: Trained) -> str:
    """What the intervals held of the held-out values; an empty text where it was not measured."""
    from forecast_cli.store import coverage_sentence

    return coverage_sentence(trained.metrics.intervals.coverage or ())
