"""forecast doctor"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.errors import DEGRADED
from forecast_cli.messages import plural
from forecast_cli.settings import Settings

if TYPE_CHECKING:
    from forecast_cli.doctor import Check

SCHEMA = "forecast/doctor/v1"
MATPLOTLIB_FOLDER = "MPLCONFIGDIR"  # the variable that says where matplotlib keeps its files


@options.with_settings("monitor")
def doctor(
    settings: Settings,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Look for what would keep a scheduled job from working, such as a damaged store or a full disk.

    Each finding says what to do. If there are any, the exit code is 3. With --quiet, only findings
    are listed. Nothing is changed, and no lock is taken.

    Example: forecast doctor --store /srv/sales/runs
    """
    from forecast_cli import doctor as surgery

    environment = dict(os.environ)
    with _folder_for_matplotlib(surgery.cache_folder(environment)) as can_draw:
        checks = surgery.examine(
            surgery.Situation(
                store=Path(store),
                environment=environment,
                now=datetime.now().astimezone(),
                threads=settings.training.threads,
                metrics=settings.monitor.metrics or "",
                ping_file=settings.monitor.ping_file or "",
                can_draw=can_draw,
            )
        )

    findings = [check for check in checks if check.level == "finding"]
    code = DEGRADED if findings else 0
    if json:
        console.emit_json(_document(checks, code))
    else:
        _show(findings if quiet else checks)
        if not quiet:
            console.lines([_summary(findings)])
    return code


@contextlib.contextmanager
def _folder_for_matplotlib(cache: Path | None) -> Iterator[bool]:
    """A temporary folder for what matplotlib writes when it is loaded, with its list of fonts.

    Yields whether it can be loaded without leaving anything behind.
    """
    if "matplotlib" in sys.modules:
        yield True
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="forecast-", ignore_cleanup_errors=True)
    except OSError:
        yield False
        return

    before = os.environ.get(MATPLOTLIB_FOLDER)
    with folder as path:
        with contextlib.suppress(OSError):
            for known in cache.glob("fontlist-*.json") if cache else ():
                shutil.copy(known, path)
        os.environ[MATPLOTLIB_FOLDER] = path
        try:
            yield True
        finally:
            del os.environ[MATPLOTLIB_FOLDER]
            if before is not None:
                os.environ[MATPLOTLIB_FOLDER] = before


def _document(checks: list[Check], code: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "exit_code": code,
        "checks": [dataclasses.asdict(check) for check in checks],
        "reasons": [check.text for check in checks if check.level == "finding"],
    }


def _show(checks: list[Check]) -> None:
    """A line for each check, and below it what to do, where there is something to do."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        word = "" if check.level == "ok" else f"{check.level}: "
        lines.append(f"{check.name:{width}}  {word}{check.text}")
        if check.hint:
            lines.append(f"{'':{width}}  hint: {check.hint}")
    console.lines(lines)


def _summary(findings: list[Check]) -> str:
    if not findings:
        return "nothing was found that would keep a job from working"
    return plural(len(findings), "finding")
