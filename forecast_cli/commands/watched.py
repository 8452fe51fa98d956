"""A scheduled job that others watch: pings at its start and its end, and metrics."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forecast_cli import console
from forecast_cli.errors import StoppedError, failure_of
from forecast_cli.settings import MonitorSettings

if TYPE_CHECKING:
    from forecast_cli.monitoring import JobFacts, Ping

AFTER_A_SIGNAL = 1.0  # seconds that a ping may take when the job was told to stop


@dataclass
class Watch:
    """What a job has to tell. It fills in the fields as it learns them.

    - facts: for the metrics; none where nothing was learned
    - exit_code: of a job that ends without an exception
    - was_skipped: the work was left to another command, which does the telling
    """

    facts: JobFacts | None = None
    exit_code: int = 0
    was_skipped: bool = False
    ping: Ping | None = field(default=None, repr=False)


@contextlib.contextmanager
def watched(monitor: MonitorSettings, *, clock: Callable[[], float] = time.time) -> Iterator[Watch]:
    """Watch a job: `with watched(settings.monitor) as watch`.

    The first ping is sent without waiting for it. The metrics and the second ping follow when the
    block ends, however it ends, so that they hold up nothing that is done inside. What goes wrong
    with them is a warning. Exceptions of the job pass through.
    """
    started, began = clock(), time.monotonic()
    watch = Watch(ping=_started(monitor))
    try:
        yield watch
    except (Exception, StoppedError) as error:
        failure = failure_of(error)
        watch.exit_code = failure.exit_code
        _tell(watch, monitor, started, began, hurry=isinstance(failure, StoppedError))
        raise
    _tell(watch, monitor, started, began, hurry=False)


def _started(monitor: MonitorSettings) -> Ping | None:
    """Send the first ping, if pings are wanted."""
    if monitor.ping_file is None:
        return None
    from forecast_cli.monitoring import start_ping

    ping, warning = start_ping(monitor.ping_file)
    if warning:
        console.warning(warning)
    return ping


def _tell(
    watch: Watch, monitor: MonitorSettings, started: float, began: float, *, hurry: bool
) -> None:
    """Write the metrics and send the last ping. hurry: the job was told to stop."""
    if watch.was_skipped:
        return

    if monitor.metrics is not None:
        from forecast_cli.monitoring import JobFacts, Outcome, write_metrics

        duration = time.monotonic() - began
        outcome = Outcome(finished=started + duration, duration=duration, exit_code=watch.exit_code)
        warning = write_metrics(monitor.metrics, outcome, watch.facts or JobFacts())
        if warning:
            console.warning(warning)

    if watch.ping is not None:
        warning = watch.ping.finish(watch.exit_code, AFTER_A_SIGNAL if hurry else None)
        if warning:
            console.warning(warning)
