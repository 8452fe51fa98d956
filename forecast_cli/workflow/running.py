"""Where the work of a command runs, as its settings say, and what is said about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from forecast_cli import engine
from forecast_cli.engine import Engine, Place
from forecast_cli.errors import SettingsError
from forecast_cli.messages import Note, plural
from forecast_cli.progress import Phase, Report
from forecast_cli.settings import Settings


def check_engine(settings: Settings) -> None:
    """Raise SettingsError, before data are read, where an engine cannot be what is asked for."""
    asked = settings.engine
    if asked.address is not None and asked.engine != "ray":
        raise SettingsError(
            f"--address names a Ray cluster, and the engine is {asked.engine}",
            "add --engine ray, or leave out --address",
            option="address",
        )
    if asked.engine == "local" and (asked.workers or 1) > 1:
        raise SettingsError(
            f"--workers {asked.workers:,} does not go with --engine local, which is one process",
            "use --engine processes, or leave out --workers",
            option="workers",
        )
    if asked.data_parallel and asked.engine != "ray":
        raise SettingsError(
            f"--data-parallel is for the workers of a Ray cluster, and the engine is {asked.engine}",
            "add --engine ray, or leave out --data-parallel",
            option="data_parallel",
        )
    if asked.engine == "ray":
        engine.require_ray()


@contextlib.contextmanager
def opened(settings: Settings, report: Report) -> Iterator[Engine]:
    """The engine that was asked for, for as long as the block lasts.

    Raises SettingsError where there is no cluster at the address, or where it has too few
    processors for workers that train together.
    """
    asked = settings.engine
    place = Place(asked.engine, asked.workers, asked.address, asked.data_parallel)
    if asked.engine == "ray":
        where = f"connecting to Ray at {asked.address}" if asked.address else "starting Ray"
        report(Phase("starting", where))
    with engine.opened(place) as running:
        yield running


def about_engine(running: Engine) -> tuple[Note, ...]:
    """What to say of workers that trained together, and of those that were lost."""
    if running.together:
        return _about_together(running)
    if not running.repeated:
        return ()
    what = f"{plural(running.repeated, 'task')} lost {'its' if running.repeated == 1 else 'their'}"
    text = f"{what} worker and ran again; the result is the same"
    return (Note("repeated", "warning", text, {"tasks": running.repeated}),)


def _about_together(running: Engine) -> tuple[Note, ...]:
    workers = plural(running.together, "worker")
    trained = f"trained by {workers} together (--data-parallel)"
    together = Note("together", "info", trained, {"workers": running.together})
    if not running.repeated:
        return (together,)
    times = plural(running.repeated, "time")
    text = f"a worker was lost {times}, and the training went on from what was kept"
    return together, Note("repeated", "warning", text, {"times": running.repeated})
