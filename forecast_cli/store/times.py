"""Times as the names of runs have them: `20261122T031004Z`, in UTC, to the second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from forecast_cli.errors import RunRejectedError

FORMAT = "%Y%m%dT%H%M%SZ"

Clock = Callable[[], datetime]


def now_in_utc() -> datetime:
    """The time, unless the caller hands in another clock."""
    return datetime.now(UTC)


def time_text(time: datetime) -> str:
    """A time in UTC as the name of a run begins with it."""
    return time.strftime(FORMAT)


def time_of(name: str) -> datetime:
    """The time in UTC with which the name of a run begins.

    Raises RunRejectedError for one that does not exist, such as that of a 13th month.
    """
    text = name.split("-")[0]
    try:
        return datetime.strptime(text, FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise RunRejectedError(
            f"{name} does not begin with a time: {text} does not exist",
            "see `forecast runs list`",
        ) from None
