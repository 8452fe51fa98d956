"""Where tasks run: in this process, in processes of this machine, or on a Ray cluster.

    with engine.opened(Place("processes", workers=2)) as running:
        results = running.run(Batch(work, tasks, workers=2))

Tasks are pure functions of settings and data, so their results are the same everywhere.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator

from forecast_cli.engine.contract import Batch, Divisible, Engine, Place, State, deadlines, unheard
from forecast_cli.engine.here import HERE
from forecast_cli.engine.processes import check_processes, cores, opened_processes
from forecast_cli.errors import SettingsError

__all__ = [
    "HERE",
    "Batch",
    "Divisible",
    "Engine",
    "Place",
    "State",
    "check_processes",
    "cores",
    "deadlines",
    "opened",
    "require_ray",
    "unheard",
]


def require_ray() -> None:
    """Raise SettingsError where Ray is not installed. It is not loaded."""
    if importlib.util.find_spec("ray") is None:
        raise SettingsError(
            "--engine ray needs Ray, which is not installed",
            "install it: pip install 'forecast-cli[ray]'",
            option="engine",
        )


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Engine]:
    """The engine, for as long as the block lasts; nothing of it is left behind.

    Raises SettingsError where Ray is asked for and not installed, or no cluster is at the address,
    and WorkerLostError where Ray does not start.
    """
    if place.kind == "local":
        yield HERE
    elif place.kind == "processes":
        with opened_processes() as processes:
            yield processes
    elif place.together:
        require_ray()
        from forecast_cli.engine.data_parallel import opened_together

        with opened_together(place) as together:
            yield together
    else:
        require_ray()
        from forecast_cli.engine.cluster import opened_cluster  # loads Ray

        with opened_cluster(place) as cluster:
            yield cluster
