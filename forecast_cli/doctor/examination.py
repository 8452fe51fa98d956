"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable

from forecast_cli.doctor.check import Check, Situation
from forecast_cli.doctor.clock import check_clock
from forecast_cli.doctor.environment import (
    check_folders,
    check_fonts,
    check_monitoring,
    check_processes,
    check_texts,
    check_threads,
)
from forecast_cli.doctor.packages import check_packages
from forecast_cli.doctor.storage import check_lock, check_space, check_store


def examine(situation: Situation) -> list[Check]:
    """Look at everything that a scheduled job needs. What cannot be looked at is a finding."""
    checks, run = check_store(situation)
    others: dict[str, Callable[[], list[Check]]] = {
        "lock": lambda: check_lock(situation),
        "space": lambda: check_space(situation, run),
        "clock": lambda: check_clock(situation),
        "versions": check_packages,
        "threads": lambda: check_threads(situation),
        "processes": check_processes,
        "folders": lambda: check_folders(situation),
        "locale": check_texts,
        "fonts": lambda: check_fonts(situation, run),
        "monitoring": lambda: check_monitoring(situation),
    }
    for name, check in others.items():
        try:
            checks += check()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            text = f"cannot be looked at: {reason or error}"
            checks.append(Check(name, "finding", text, "check the permissions of this user"))
    return checks
