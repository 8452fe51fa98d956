"""A line of a crontab.

crontab(5): five fields for the time, then a command for /bin/sh. A % in the command ends it unless
there is a backslash before it.
"""

from __future__ import annotations

import re

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling.job import Job

LONGEST_COMMAND = 998  # bytes; some versions of cron cut off what is beyond, and say nothing
_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")  # what no shell and no cron reads in a special way


def crontab_line(job: Job) -> str:
    """Comments and the line, each with a line break. Raises SettingsError."""
    if job.at.zone and job.at.zone != job.zone:
        raise SettingsError(
            f"--at: cron knows the time zone of the machine only, not {job.at.zone}",
            "leave the time zone out, or use `forecast print-schedule systemd`",
            option="at",
        )

    command = " ".join(_quoted(word) for word in job.words)
    size = len(command.encode())
    if size > LONGEST_COMMAND:
        raise SettingsError(
            f"the command has {size:,} bytes, and cron reads {LONGEST_COMMAND} of them",
            "use shorter paths, put settings into a file (--config), or use systemd",
        )
    return (
        f"# Every day at {job.at} ({job.place}); `crontab -e` adds a line.\n"
        "# What is printed is mailed: nothing on success. A second job does not start beside the\n"
        "# first. A day on which the machine is off is left out.\n"
        f"{job.at.minute} {job.at.hour} * * * {command}\n"
    )


def _quoted(word: str) -> str:
    """A word for /bin/sh that cron hands over unchanged.

    Each % stands outside of quotes, as `\\%`: a cron that takes the backslash away and one that
    leaves it to the shell mean the same. Some versions also make one backslash of two, so there
    are never two in a row.
    """
    if _PLAIN.fullmatch(word):
        return word
    return "".join(_part(part) for part in re.findall(r"[^%'\\]+|[%'\\]", word)) or "''"


def _part(part: str) -> str:
    special = {"%": r"\%", "'": '"\'"', "\\": r"'\'"}
    return special.get(part) or (part if _PLAIN.fullmatch(part) else f"'{part}'")
