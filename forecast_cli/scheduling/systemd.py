"""A oneshot service and its timer for systemd.

systemd.service(5), systemd.exec(5), systemd.timer(5), systemd.syntax(7). The service can write
where the job has to write, and nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling.job import Job

LONGEST_JOB = "20h"  # a job that hangs is stopped before the next one is due
LARGEST_DELAY = "5min"  # so that many machines do not start at the same second
FOLDERS_OF_TMP = ("/tmp", "/var/tmp")  # noqa: S108
_NOT_IN_PROGRAMS = frozenset("\"'\\")
_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")

_HARDENING = (
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
)


def systemd_units(job: Job, user: str = "") -> dict[str, str]:
    """The texts of the service and of the timer, by the names of their files.

    user: who runs the job; an empty text for whoever runs services by default. Raises
    SettingsError where systemd would not start the program.
    """
    if _NOT_IN_PROGRAMS & set(job.program[0]):
        raise SettingsError(
            f"systemd starts no program with a quote or a backslash in its path: {job.program[0]}",
            "install forecast in another folder, or use `forecast print-schedule cron`",
        )
    return {f"{job.name}.service": _service(job, user), f"{job.name}.timer": _timer(job)}


def _service(job: Job, user: str) -> str:
    program, *arguments = job.words
    command = [_quoted(program), *(_quoted(word.replace("$", "$$")) for word in arguments)]
    writable = [_quoted(folder) for folder in _writable_folders(job)]
    lines = [
        "[Unit]",
        f"Description=Forecast of {job.name.removeprefix('forecast-')}",
        *_network_of_unit(job),
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={' '.join(command)}",
        *([f"User={user}"] if user else []),
        f"TimeoutStartSec={LONGEST_JOB}",
        "Nice=10",
        "# A place for the list of fonts, which plots need.",
        "CacheDirectory=%N",
        "Environment=MPLCONFIGDIR=%C/%N",
        "",
        "# The job writes here, and nowhere else. The folders must exist.",
        f"ReadWritePaths={' '.join(writable)}",
        *_temporary_files(job),
        *_HARDENING,
        *_capabilities(user),
        *_network_of_service(job),
    ]
    return _text(lines)


def _timer(job: Job) -> str:
    zone = job.at.zone or job.zone
    when = f"*-*-* {job.at}:00 {zone}".rstrip()
    return _text(
        [
            "[Unit]",
            f"Description=Every day: forecast of {job.name.removeprefix('forecast-')}",
            "",
            "[Timer]",
            f"OnCalendar={when}",
            f"RandomizedDelaySec={LARGEST_DELAY}",
            "# A job that was missed while the machine was off runs when it is on again.",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ]
    )


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _writable_folders(job: Job) -> list[str]:
    """The store, and the folders of the files that are replaced."""
    files = [path for path in (job.output, job.metrics) if path]
    folders = [job.store, *(str(Path(path).parent) for path in files)]
    return list(dict.fromkeys(folders))


def _temporary_files(job: Job) -> list[str]:
    """A /tmp of its own, unless the job has files there."""
    paths = (*job.program, job.data, job.output, job.store, job.config, job.metrics, job.ping_file)
    if any(Path(path).is_relative_to(folder) for path in paths for folder in FOLDERS_OF_TMP):
        return [
            "# No PrivateTmp=yes, because some of the files of the job are in /tmp or /var/tmp."
        ]
    return ["PrivateTmp=yes"]


def _capabilities(user: str) -> list[str]:
    """None, except for root, who without them could not read the files of others."""
    return [] if user in ("", "root") else ["CapabilityBoundingSet="]


def _network_of_unit(job: Job) -> list[str]:
    if not job.ping_file:
        return []
    return ["Wants=network-online.target", "After=network-online.target"]


def _network_of_service(job: Job) -> list[str]:
    """Pings need the network, and nothing else does."""
    if job.ping_file:
        return ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"]
    return ["PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"]


def _quoted(word: str) -> str:
    """A word of a line of a unit: quoted where it must be, and % doubled, as it begins specifiers."""
    if _PLAIN.fullmatch(word):
        return word
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
