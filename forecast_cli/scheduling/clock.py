"""When a job runs: a time of the day in a time zone, and what clock changes do to it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forecast_cli.errors import SettingsError

FIRST_HOUR, LAST_HOUR = 1, 3  # hours in which clocks are put forward or back, nearly everywhere
EXAMPLE = "04:10"
_FORM = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})(?:\s+(\S+))?\s*")


@dataclass(frozen=True)
class TimeOfDay:
    """An hour and a minute. zone: the IANA name of a time zone; an empty text for local time."""

    hour: int
    minute: int
    zone: str = ""

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02}"


def parse_time(text: str) -> TimeOfDay:
    """`04:10`, or `02:10 UTC` -> a time of the day. Raises SettingsError."""
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise SettingsError(
            f"--at: {text!r} is not a time of the day", f"write --at {EXAMPLE}", option="at"
        )
    zone = match[3] or ""
    if zone and _zone(zone) is None:
        raise SettingsError(
            f"--at: {zone!r} is not a time zone",
            f"write --at '{EXAMPLE} Europe/Berlin', or --at '{EXAMPLE} UTC'",
            option="at",
        )
    return TimeOfDay(int(match[1]), int(match[2]), zone)


def local_zone(root: Path = Path("/etc")) -> str:
    """The IANA name of the time zone of the machine; an empty text where it cannot be told.

    TZ is not asked: services that start jobs do not see what a user has set. Without a file for
    local time it is UTC, as localtime(5) says.
    """
    path = root / "localtime"
    if not os.path.lexists(path):
        return "UTC"
    _, mark, name = os.path.realpath(path).rpartition("/zoneinfo/")
    if mark and _zone(name) is not None:
        return name

    try:
        name = (root / "timezone").read_text("ascii", "replace").strip()
    except OSError:
        return ""
    return name if name and _zone(name) is not None else ""


def clock_change_warning(at: TimeOfDay, local: str, today: date | None = None) -> str:
    """What clock changes do to a job at this time; an empty text where they do nothing.

    local: the name of the time zone of the machine, or an empty text if it is not known.
    """
    if not FIRST_HOUR <= at.hour <= LAST_HOUR:
        return ""
    name = at.zone or local
    zone = _zone(name) if name else None
    if zone is not None and not _changes(zone, today or datetime.now(UTC).date()):
        return ""

    place = f" in {name}" if name else ""
    return (
        f"at {at}, between {FIRST_HOUR:02}:00 and {LAST_HOUR:02}:59 local time, the job may run "
        f"twice or not at all on days when clocks change{place}; use another time, such as "
        f"--at {EXAMPLE}"
    )


def _zone(name: str) -> ZoneInfo | None:
    """The time zone of a name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _changes(zone: ZoneInfo, today: date) -> bool:
    """Whether the clocks of a zone change within a year."""
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=zone)
    return len({(noon + timedelta(days=day)).utcoffset() for day in range(367)}) > 1
