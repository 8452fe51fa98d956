"""predict_parts(): forecast many files, each by whichever worker is free, without gathering them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import forecast_cli
from forecast_cli import engine, store
from forecast_cli.calendar import Ints
from forecast_cli.engine import Batch, Engine, unheard
from forecast_cli.errors import DataError, RunMismatchError, SettingsError, TooLittleDataError
from forecast_cli.formats import Format
from forecast_cli.messages import Note, and_more, duration, plural
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.reading import require_parquet
from forecast_cli.settings import DEFAULT_STORE, OF_THE_ENGINE, Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import FailedPart, Part, PartsManifest
from forecast_cli.workflow import running
from forecast_cli.workflow.base_run import is_base
from forecast_cli.workflow.part_outputs import Output, opened_folder
from forecast_cli.workflow.part_work import (
    NamesTask,
    PartDone,
    PartFailed,
    PartTask,
    forecast_file,
    names_in_file,
)
from forecast_cli.workflow.partitions import Partitions, one_file, partitions_of
from forecast_cli.workflow.predicting import checked_run

FAILURES_SHOWN = 10  # files that are named with what is wrong with them
AHEAD = 4  # files for each worker whose forecasts may be in memory at the same time
EVERY = 5.0  # seconds between two lines of progress
MOST_NAMES = 1000  # hashes that are compared by name at once
ERRORS: dict[int, type[DataError] | type[RunMismatchError]] = {
    RunMismatchError.exit_code: RunMismatchError,
    TooLittleDataError.exit_code: TooLittleDataError,
}

AnyOutput = TypeVar("AnyOutput", bound=Output)


@dataclass(frozen=True, eq=False)
class PredictedParts:
    """The forecasts of many files, and what to tell the user.

    manifest: which parts there are, and which files have none. Where no folder was written, the
    parts have neither a name nor a hash.
    """

    manifest: PartsManifest
    notes: tuple[Note, ...]


def predict_parts(
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    kind: str = "parquet",
    report: Report = silent,
    **options: Any,
) -> PredictedParts:
    """Forecast each file of a folder, or of a pattern such as `sales/*.csv`, into a folder of parts.

    - folder: gets one part for each file and manifest.json, which is replaced last, in one step
    - kind: of the parts: parquet, csv or json
    - options: those of `predict`, and `engine`, `workers` and `address`

    A file that cannot be forecast is left out, and the notes and the manifest say why. Raises
    DataError where that is so for all of them, and where two have the same series; what was in the
    folder stays then. Raises NoRunError, RunRejectedError, SettingsError, LockedError and
    StorageError.
    """
    partitions = partitions_of(data)
    if partitions is None:
        partitions = one_file(data)
    return predict_into(partitions, folder_of_parts(partitions, folder, kind), report, **options)


def folder_of_parts(
    partitions: Partitions, folder: str | os.PathLike[str], kind: str
) -> AbstractContextManager[Output]:
    """The folder as an output. Raises SettingsError where it cannot be one of these partitions."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise SettingsError(
            f"-o {path} is a file, and the forecasts of several files go into a folder",
            "give a folder, or leave out -o and redirect the output",
        )
    _refuse_folder_of_data(partitions, path)
    if kind == Format.parquet:
        require_parquet()
    return opened_folder(path.absolute(), Format(kind))


def _refuse_folder_of_data(partitions: Partitions, path: Path) -> None:
    """Raise SettingsError where forecasts would be among the data, or in a folder beside them, for
    which the folder of the data would be refused the next time.
    """
    folders = {Path(os.path.realpath(os.path.dirname(part))) for part in partitions.paths}
    target = Path(os.path.realpath(path))
    beside = target.parents if os.path.isdir(partitions.source) else ()
    if folders & {target, *beside}:
        raise SettingsError(
            f"-o {path} is in the folder of the data, where forecasts would look like data",
            "write the forecasts to a folder outside of it",
        )


def predict_into(
    partitions: Partitions,
    output: AbstractContextManager[AnyOutput],
    report: Report = silent,
    finish: Callable[[AnyOutput, PredictedParts], None] = unheard,
    **options: Any,
) -> PredictedParts:
    """Forecast partitions into an output, which is opened when all else is known to be right, the
    engine included.

    options: see `predict_parts`, which also says what is raised. finish: called at the end, while
    the output is open.
    """
    settings = _engine_settings(options)
    running.check_engine(settings)
    options = _absolute({k: v for k, v in options.items() if k not in OF_THE_ENGINE})
    options["run"] = checked_run(**options)

    with contextlib.ExitStack() as outputs:
        # Closed first: no worker writes into an output that is closed or published.
        with running.opened(settings, report) as workers:
            opened = outputs.enter_context(output)
            tasks = _tasks(partitions, opened, options)
            crew = _Crew(workers, _at_once(workers, settings, len(tasks)))
            results = _forecast_files(crew, tasks, opened, report)
            notes = running.about_engine(workers)

        manifest = _manifest(partitions, tasks, results, options["run"])
        opened.finish(manifest)
        notes = (*partitions.notes, *notes, *_notes(tasks, results))
        predicted = PredictedParts(manifest, notes)
        finish(opened, predicted)
    return predicted


def _engine_settings(options: Mapping[str, Any]) -> Settings:
    return settings_from(**{k: options[k] for k in OF_THE_ENGINE if options.get(k) is not None})


def _absolute(options: dict[str, Any]) -> dict[str, Any]:
    """The options with paths that mean the same in every process."""
    changed = {"store_folder": os.path.abspath(options.get("store_folder", DEFAULT_STORE))}
    if options.get("future_values") is not None:
        changed["future_values"] = os.path.abspath(options["future_values"])
    return options | changed


# -- the work ----------------------------------------------------------------------------------

Results = list[PartDone | PartFailed]


@dataclass(frozen=True)
class _Crew:
    """An engine, and how many tasks run on it at the same time."""

    engine: Engine
    workers: int


class _Progress:
    """How many files are done, and how long the others will take."""

    def __init__(self, files: int, report: Report) -> None:
        self.files, self.report = files, report
        self.done = self.series = 0
        self.begun = self.said = time.monotonic()
        report(Phase("forecasting", f"forecasting {plural(files, 'file')}"))

    def add(self, result: PartDone | PartFailed) -> None:
        """Count a file; say so if it is time to."""
        self.done += 1
        self.series += len(result.series) if isinstance(result, PartDone) else 0
        now = time.monotonic()
        if now - self.said < EVERY or self.done == self.files:
            return

        self.said = now
        left = (now - self.begun) / self.done * (self.files - self.done)
        text = f"forecasting: {self.done:,} of {self.files:,} parts, {self.series:,} series"
        self.report(Phase("forecasting", f"{text}, {duration(left)} left"))


def _forecast_files(
    crew: _Crew, tasks: Sequence[PartTask], output: Output, report: Report
) -> Results:
    """Forecast the files, and check that their forecasts go together."""
    results = _run(crew, tasks, output, _Progress(len(tasks), report))
    _refuse_failure(results)
    _refuse_other_columns(tasks, results)
    _refuse_same_series(crew, tasks, results, report)
    return results


def _tasks(partitions: Partitions, output: Output, options: Mapping[str, Any]) -> list[PartTask]:
    tasks = []
    for number, name in enumerate(partitions.paths):
        path = os.path.abspath(name)
        task = PartTask(
            number=number,
            path=path,
            name=name,
            options=options,
            shape=output.shape,
            kind=output.kind,
            staging=output.staging,
            is_listed=name != partitions.source,
        )
        tasks.append(task)
    return tasks


def _at_once(workers: Engine, settings: Settings, tasks: int) -> int:
    most = settings.engine.workers or workers.capacity or engine.cores()
    return max(min(most, tasks), 1)


def _run(crew: _Crew, tasks: Sequence[PartTask], output: Output, progress: _Progress) -> Results:
    """The results of all tasks, without the forecasts, which the output has taken."""
    results: Results = []
    size = len(tasks)
    if output.shape in ("stream", "document"):
        size = AHEAD * crew.workers  # or all forecasts would be in memory at the end

    for first in range(0, len(tasks), size):
        some = tasks[first : first + size]

        def finished(number: int, result: PartDone | PartFailed, first: int = first) -> None:
            if isinstance(result, PartDone):
                output.take(first + number, result)
            progress.add(result)

        batch = Batch(forecast_file, some, crew.workers, finished, progress.report)
        done = crew.engine.run(batch)
        results += [_without_forecast(result) for result in done]
    return results


def _without_forecast(result: PartDone | PartFailed) -> PartDone | PartFailed:
    return replace(result, pieces=None) if isinstance(result, PartDone) else result


# -- what is refused ---------------------------------------------------------------------------


def _refuse_failure(results: Results) -> None:
    """Raise an error where no file could be forecast."""
    failed = [result for result in results if isinstance(result, PartFailed)]
    if len(failed) < len(results):
        return

    first = failed[0]
    codes = {failure.exit_code for failure in failed}
    kind = ERRORS.get(first.exit_code, DataError) if len(codes) == 1 else DataError
    others = plural(len(failed) - 1, "other file")
    more = f" (and {others} could not be forecast, either)" if len(failed) > 1 else ""
    raise kind(f"{first.message}{more}", first.hint)


def _refuse_other_columns(tasks: Sequence[PartTask], results: Results) -> None:
    """Raise DataError where two forecasts have other columns, which one run does not give."""
    done = _done(tasks, results)
    first, of_first = done[0]
    for task, result in done:
        if result.header != of_first.header:
            names = result.header.decode().strip(), of_first.header.decode().strip()
            raise DataError(
                f"{task.name}: the forecast has the columns {names[0]}, and that of {first.name} "
                f"has {names[1]}",
                "name the columns alike in all files, or forecast them one by one",
                path=task.name,
            )


def _done(tasks: Sequence[PartTask], results: Results) -> list[tuple[PartTask, PartDone]]:
    pairs = zip(tasks, results, strict=True)
    return [(task, result) for task, result in pairs if isinstance(result, PartDone)]


def _refuse_same_series(
    crew: _Crew, tasks: Sequence[PartTask], results: Results, report: Report
) -> None:
    """Raise DataError where two files have the same series."""
    done = _done(tasks, results)
    hashes = [result.series for _, result in done]
    for files, wanted in _same_hashes(hashes):
        asked = [NamesTask(done[at][0], wanted) for at in files]
        names = crew.engine.run(Batch(names_in_file, asked, crew.workers, on_message=report))
        file_of: dict[str, int] = {}
        for second, in_file in zip(files, names, strict=True):
            same = [name for name in in_file if name in file_of]
            if same:
                first = file_of[same[0]]
                count = len(np.intersect1d(hashes[first], hashes[second]))
                raise _same_series(done[first][0], done[second][0], same[0], count)
            file_of |= dict.fromkeys(in_file, second)


def _same_hashes(hashes: Sequence[Ints]) -> Iterator[tuple[list[int], Ints]]:
    """Hashes that are there more than once, some at a time, and the files that have them, from 0."""
    values, counts = np.unique(np.concatenate(hashes), return_counts=True)
    repeated = values[counts > 1]
    for first in range(0, len(repeated), MOST_NAMES):
        wanted = repeated[first : first + MOST_NAMES]
        yield [at for at, each in enumerate(hashes) if np.isin(wanted, each).any()], wanted


def _same_series(first: PartTask, second: PartTask, name: str, count: int) -> DataError:
    what, hint = f"series {name!r}{and_more(count)} is", "keep each series in one file"
    if not name:
        what, hint = "one series without a name is", _help_for_names(second)
    return DataError(f"{second.name}: {what} in {first.name}, too", hint, path=second.name)


def _help_for_names(task: PartTask) -> str:
    """How series get names: a run that was trained without them cannot read them any more."""
    how = "add a column that names the series, train with --id"
    if is_base(task.options["run"]):
        how = "use --id COLUMN with the column that names the series, or add such a column"
    return f"{how}, and keep each in one file"


# -- what is told ------------------------------------------------------------------------------


def _manifest(
    partitions: Partitions, tasks: Sequence[PartTask], results: Results, run: str
) -> PartsManifest:
    parts, failed = [], []
    for task, result in zip(tasks, results, strict=True):
        if isinstance(result, PartFailed):
            code = result.exit_code
            failed.append(
                FailedPart(input=task.path, error=result.message, hint=result.hint, exit_code=code)
            )
            continue
        size = {"rows": result.rows, "series": len(result.series)}
        parts.append(Part(file=result.file, sha256=result.sha256, input=task.path, **size))

    return PartsManifest(
        schema=store.PARTS_SCHEMA,
        version=forecast_cli.__version__,
        created=store.time_text(store.now_in_utc()),
        run=run,
        source=os.path.abspath(partitions.source),
        parts=parts,
        failed=failed,
    )


def _notes(tasks: Sequence[PartTask], results: Results) -> Iterator[Note]:
    """What to say of the files: of each kind of note the first, and of how many more."""
    yield from _about_failures(results)

    by_kind: dict[tuple[str, str], list[tuple[PartTask, Note]]] = {}
    for task, result in _done(tasks, results):
        for note in result.notes:
            by_kind.setdefault((note.kind, note.level), []).append((task, note))

    for noted in by_kind.values():
        task, note = noted[0]
        files = {task.number for task, _ in noted}
        in_all = len(files) == len(_done(tasks, results))
        if in_all and len({other.text for _, other in noted}) == 1:
            yield note
            continue
        more = f" (and {plural(len(files) - 1, 'more file')})" if len(files) > 1 else ""
        text = note.text.removeprefix(f"{task.name}: ")
        yield replace(note, text=f"{task.name}: {text}{more}")


def _about_failures(results: Results) -> Iterator[Note]:
    """The first files that could not be forecast, with what is wrong, and how many more."""
    failed = [result for result in results if isinstance(result, PartFailed)]
    for failure in failed[:FAILURES_SHOWN]:
        hint = f"; {failure.hint}" if failure.hint else ""
        yield Note("part_failed", "degraded", f"not forecast: {failure.message}{hint}")
    if len(failed) > FAILURES_SHOWN:
        more = plural(len(failed) - FAILURES_SHOWN, "more file")
        yield Note("part_failed", "degraded", f"not forecast: {more}, which manifest.json names")
