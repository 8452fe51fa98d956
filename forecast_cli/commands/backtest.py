"""forecast backtest"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast_cli import console, progress
from forecast_cli.choices import BASE
from forecast_cli.commands import options
from forecast_cli.commands.options import STORE
from forecast_cli.errors import SettingsError, StorageError
from forecast_cli.messages import plural
from forecast_cli.progress import Phase
from forecast_cli.settings import Settings, reading_the_target
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.workflow import Backtested

SCHEMA = "forecast/backtest/v1"
FEW_SERIES = 12  # up to which each is listed on the terminal
FEW_ORIGINS = 12
MOST_USED = ("time", "target", "id", "horizon", "lookback", "freq", "season", "future", "preset")


@options.with_settings(
    *options.NETWORK,
    most_used=MOST_USED,
    without=("refit", "freeze"),
)
def backtest(
    data: options.Data,
    settings: Settings,
    sources: SettingSources,
    origins: Annotated[
        int | None,
        options.value(
            "--origins",
            metavar="N",
            text="Number of origins in each series. The last one is one horizon before its end.",
            default="5",
        ),
    ] = None,
    step: Annotated[
        int | None,
        options.value(
            "--step", metavar="N", text="Rows between two origins.", default="one horizon"
        ),
    ] = None,
    refit: Annotated[
        str | None,
        options.value(
            "--refit",
            metavar="never|every|N",
            text="Train before the first origin, before every one, or before every N-th.",
            default="never",
        ),
    ] = None,
    run: Annotated[
        str | None,
        options.value(
            "--run",
            metavar="ID",
            text="Test this run, or base, without training, on rows that it was not trained on.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the backtest that was stopped, if it is the same one."
        ),
    ] = False,
    output: Annotated[
        str | None, options.output("FILE", "Write the forecasts from every origin to a CSV file.")
    ] = None,
    plot: Annotated[
        str | None,
        options.value(
            "--plot",
            metavar="FILE",
            text="Draw the errors by step ahead and by origin into a PNG file.",
        ),
    ] = None,
    store: options.Store = STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Forecast from past rows as if later ones were not there, and score the forecasts.

    The scores stand beside those of simple methods. No run is added to the store.

    Example: forecast backtest sample_data/airline.csv --origins 3 --horizon 12
    """
    _check_files(data, output, plot)

    hidden = quiet or json
    with contextlib.ExitStack() as stack:
        report = stack.enter_context(console.progress(quiet=hidden))
        report(progress.reading(data))  # before the imports below, which take their time
        from forecast_cli import workflow

        asked: dict[str, Any] = {"settings": settings, "refit": refit or "never"}
        if run is not None:
            asked = {"run": run, "refit": refit, **_of_run(sources, run)}

        def write(backtested: Backtested) -> None:
            report(Phase("writing", "writing the results"))
            warnings = _write(backtested, output, plot)
            stack.close()  # the progress ends before the tables begin
            _tell(backtested, warnings, [output, plot], json=json, quiet=quiet)

        backtested = workflow.backtest(
            data,
            origins=origins,
            step=step,
            resume=resume,
            store_folder=store,
            report=report,
            by_cores=True,
            write=write,
            **asked,
        )
    if backtested.refusal is not None:
        console.error(backtested.refusal)
    return backtested.exit_code


def _tell(
    backtested: Backtested,
    warnings: list[str],
    written: list[str | None],
    *,
    json: bool,
    quiet: bool,
) -> None:
    """Say what there is to warn of, and show the scores or the JSON document."""
    from forecast_cli import workflow

    warnings = [note.text for note in backtested.notes if note.level != "info"] + warnings
    for text in warnings:
        console.warning(text)

    document = workflow.backtest_document(backtested)
    if json:
        console.emit_json({**document, "warnings": warnings})
    elif not quiet:
        _show(backtested, document)
        for path in written:
            if path:
                console.say(f"wrote {console.escape(path)}")


def _of_run(sources: SettingSources, run: str) -> dict[str, Any]:
    """The settings for a run: those of the command line, as it holds what a file or the
    environment may say; the base network takes those of the reader from anywhere, and how good
    a network must be is no matter of the run."""
    taken: tuple[str, ...] = ("min_skill",)
    if run == BASE:
        taken = (*taken, *reading_the_target(), "horizon", "levels", "digits")
    return {
        name: value
        for name, value in sources.values.items()
        if name in taken
        or (sources.origins.get(name) == "command line" and name not in ("store", "log_format"))
    }


# -- files -------------------------------------------------------------------------------------


def _check_files(data: str, output: str | None, plot: str | None) -> None:
    """Refuse files that cannot be written, before anything is trained.

    Raises SettingsError, StorageError.
    """
    if plot and Path(plot).suffix.lower() != ".png":
        raise SettingsError(
            f"--plot {plot}: the picture is a PNG file", "give it a name that ends in .png"
        )
    if output and plot and Path(output).resolve() == Path(plot).resolve():
        raise SettingsError(f"-o and --plot are both {plot}", "give them different names")

    for option, path in (("-o", output), ("--plot", plot)):
        if path is None:
            continue
        if Path(path).exists() and Path(data).exists() and Path(path).samefile(data):
            raise SettingsError(f"{option} {path} is the data itself", "write to another file")
        if Path(path).is_dir():
            raise StorageError(f"cannot write {path}: it is a folder", "name a file")
        if not Path(path).parent.is_dir():
            raise StorageError(
                f"cannot write {path}: there is no folder {Path(path).parent}", "make it first"
            )


def _write(backtested: Backtested, output: str | None, plot: str | None) -> list[str]:
    """Write the files that were asked for. Returns what there is to say about them."""
    from forecast_cli.store import replace_file
    from forecast_cli.workflow import draw_backtest

    texts = []
    if output:
        replace_file(Path(output), backtested.csv())
    if plot:
        texts = [note.text for note in draw_backtest(backtested, Path(plot))]
    return texts


# -- the summary -------------------------------------------------------------------------------


def _show(backtested: Backtested, document: dict[str, Any]) -> None:
    """The scores on stdout: of the methods, of origins and series if they are few, of intervals."""
    _show_scores(backtested)
    if 1 < backtested.result.origins <= FEW_ORIGINS:
        _show_by(backtested, document, "origin")
    if 1 < len(backtested.panel) <= FEW_SERIES:
        _show_by(backtested, document, "series")
    _show_intervals(backtested)
    console.lines(["", backtested.sentence])


def _show_scores(backtested: Backtested) -> None:
    from forecast_cli import evaluation
    from forecast_cli.evaluation import METRICS

    scores = evaluation.summary(backtested.result)
    rows = []
    for method, errors in scores.items():
        numbers = [console.number(errors[name]) for name in METRICS]
        rows.append([_name(backtested, method), *numbers])

    count = plural(len(backtested.windows), "forecast")
    series = len(set(backtested.windows.series.tolist()))
    over = f" of {series:,} series (means over series)" if series > 1 else ""
    steps = plural(backtested.origins.horizon, "step")
    title = f"{count}{over}, {steps} ahead"
    console.table(title, ["", *(metric.title for metric in METRICS.values())], rows)


def _name(backtested: Backtested, method: str) -> str:
    """`this network`, `seasonal naive (12)`."""
    from forecast_cli.forecasting import BASELINES

    if method not in BASELINES:
        return "this network"
    is_seasonal = method.startswith("seasonal")
    return f"{BASELINES[method]} ({backtested.season})" if is_seasonal else BASELINES[method]


def _show_by(backtested: Backtested, document: dict[str, Any], by: str) -> None:
    """The errors of each origin or series, of every method."""
    from forecast_cli import evaluation

    metric = backtested.comparison.metric if backtested.comparison else "mae"
    rows = []
    for entry in document[f"per_{by}"]:
        name = entry["id"] if by == "series" else entry["cutoff"] or str(entry["origin"])
        scores = entry["scores"].values()
        rows.append([name, *(console.number(errors[metric]) for errors in scores)])

    title = f"{evaluation.METRICS[metric].title} by {by}"
    first = "series" if by == "series" else "last row before it"
    methods = [_name(backtested, method) for method in backtested.result.forecasts]
    console.lines([""])
    console.table(title, [first, *methods], rows)


def _show_intervals(backtested: Backtested) -> None:
    from forecast_cli import evaluation

    rows = []
    for level, scores in evaluation.interval_summary(backtested.result).items():
        inside = "-" if scores["coverage"] != scores["coverage"] else f"{scores['coverage']:.1%}"
        numbers = [inside, console.number(scores["msis"]), console.number(scores["pinball"])]
        rows.append([f"{level:g} %", *numbers])
    if rows:
        console.lines([""])
        console.table("Intervals", ["level", "coverage", "MSIS", "pinball loss"], rows)
