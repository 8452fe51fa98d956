"""forecast tune"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console, progress
from forecast_cli.commands import options
from forecast_cli.commands.locked import skip
from forecast_cli.commands.train import tell
from forecast_cli.commands.train_lines import train_command
from forecast_cli.errors import LockedError
from forecast_cli.fields import option_name
from forecast_cli.messages import plural
from forecast_cli.settings import Settings
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.store import TrialRecord
    from forecast_cli.workflow import Tuned

SCHEMA = "forecast/tune/v1"
FEW_TRIALS = 20  # up to which each is listed; of more, the best
MOST_USED = ("time", "target", "id", "horizon", "preset", "store")


@options.with_settings(
    *options.TRAINING,
    most_used=MOST_USED,
    without=("freeze",),
)
def tune(
    data: options.Data,
    settings: Settings,
    sources: SettingSources,
    trials: Annotated[
        int | None,
        options.value(
            "--trials",
            metavar="N",
            text="Number of trials, each with other settings.",
            default="30",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the newest study of the store."),
    ] = False,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Try settings on rolling origins, and publish a training with the best of them.

    Settings that are given are not varied. The first trial is the training without tuning. The
    held-out rows play no part in the choice. Ctrl-C publishes the best so far.

    Example: forecast tune sample_data/airline.csv --trials 15 --time-limit 3m
    """
    hidden = quiet or json
    with console.progress(quiet=hidden) as report:
        report(progress.reading(data))  # before the imports below, which take their time
        from forecast_cli import workflow

        try:
            tuned = workflow.tune(
                data,
                settings,
                trials=trials,
                resume=resume,
                fixed=list(sources.values),
                store_folder=store,
                report=report,
                by_cores=True,
            )
        except LockedError as error:
            if settings.lock.if_locked == "skip":
                return skip(error, SCHEMA, json=json, published=False)
            raise

    command = _command(data, sources, tuned)
    _tell(tuned, command, quiet=hidden)
    if json:
        console.emit_json({**workflow.tuning_document(tuned), "command": command})
    if tuned.trained.refusal is not None:
        console.error(tuned.trained.refusal)
    return tuned.exit_code


def _command(data: str, sources: SettingSources, tuned: Tuned) -> str:
    """The command that trains with the settings that were found."""
    from forecast_cli.tuning import text

    for name, value in tuned.changed.items():
        sources = sources.with_typed(name, text(value))
    return train_command(data, sources.without(("time_limit",)))


# -- the summary -------------------------------------------------------------------------------


def _tell(tuned: Tuned, command: str, *, quiet: bool) -> None:
    """Show the trials, what mattered, and the training; with quiet only what is wrong."""
    if not quiet:
        _show_trials(tuned)
        _show_importance(tuned)
    for note in tuned.notes:
        if note.level != "info":
            console.warning(note.text)
        elif not quiet:
            console.say(console.escape(note.text))

    if not quiet:
        console.say("")
    tell(tuned.trained, quiet=quiet)
    if not quiet:
        console.say(f"the same settings again: {console.escape(command)}")


def _show_trials(tuned: Tuned) -> None:
    """A table of the trials, the best ones first."""
    study = tuned.study
    if not study.trials:
        return
    order = sorted(range(len(study.trials)), key=lambda number: _rank(study.trials[number]))
    rows = [_row(number, tuned) for number in order[:FEW_TRIALS]]
    hidden = len(order) - len(rows)

    counts = f"{plural(len(order), 'trial')} of study {study.number:,}"
    if hidden:
        counts += f", of which {FEW_TRIALS} are shown"
    title = (
        f"{counts}, by their MASE from {plural(study.origins, 'origin')} before the held-out rows"
    )
    console.table(title, ["trial", "settings", "MASE"], rows, text_columns=2, stderr=True)


def _rank(trial: TrialRecord) -> tuple[bool, bool, float]:
    """Complete trials first, then those that were given up, then those that failed."""
    error = trial.errors[-1] if trial.errors else 0.0
    return trial.state == "failed", trial.state == "pruned", error


def _row(number: int, tuned: Tuned) -> list[str]:
    trial = tuned.study.trials[number]
    settings = _in_words(tuned.tried[number]) or "without tuning"
    if trial.state == "complete":
        shown = console.number(trial.error)
    else:
        shown = "given up" if trial.state == "pruned" else "failed"
    return [str(number), settings, shown]


def _in_words(changed: dict[str, Any]) -> str:
    from forecast_cli.tuning import text

    return " ".join(f"{option_name(name)} {text(value)}" for name, value in changed.items())


def _show_importance(tuned: Tuned) -> None:
    """Which settings make the difference between the best trials and the others."""
    shares = [
        f"{option_name(name)} {share:.0%}"
        for name, share in tuned.importance.items()
        if share >= 0.01
    ]
    if shares:
        console.say(
            f"what made the difference between the best trials and the others: {', '.join(shares)}"
        )
