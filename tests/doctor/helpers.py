"""A situation in which nothing is wrong, and what is said about others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast_cli.doctor import Check, Situation


def situation(store: Path, **changes: Any) -> Situation:
    plain = {"store": store, "environment": {}, "now": datetime.now(UTC)}
    return Situation(**{**plain, **changes})


def seen(checks: list[Check]) -> list[tuple[str, str]]:
    """The level and the text of each check. Whatever is not right has a hint."""
    for check in checks:
        assert check.hint or check.level == "ok"
    return [(check.level, check.text) for check in checks]
