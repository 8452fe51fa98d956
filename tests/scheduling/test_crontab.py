"""A line of a crontab: read as crontab(5) says and given to a shell, it is the command again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling import Job, TimeOfDay, crontab_line
from tests.conftest import HANG
from tests.scheduling.helpers import MANY_SPECIAL, ODD, PATHS, job

PRINT = ("printf", "%s\\0")  # a program that prints its arguments, with odd letters in one of them


def command_of(line: str) -> str:
    """The command of a line: what is behind five fields."""
    assert line.endswith("\n")
    *fields, command = line.removesuffix("\n").split(" ", 5)
    assert fields == ["10", "4", "*", "*", "*"]
    return command


def as_in_the_manual(command: str) -> str:
    """crontab(5): `%` ends the command, unless a backslash escapes it, which is taken away."""
    read, position = "", 0
    while position < len(command):
        if command.startswith("\\%", position):
            read, position = read + "%", position + 2
            continue
        assert command[position] != "%", "the rest of the command would be its input"
        read, position = read + command[position], position + 1
    return read


def with_backslashes_joined(command: str) -> str:
    """As many versions of cron do it: a backslash also escapes a backslash."""
    read, is_escaped = "", False
    for letter in command:
        if is_escaped and letter in "%\\":
            read = read[:-1]
        else:
            assert letter != "%", "the rest of the command would be its input"
        read += letter
        is_escaped = letter == "\\" and not is_escaped
    return read


def untouched(command: str) -> str:
    """As small versions of cron do it, which know nothing of `%`."""
    return command


VERSIONS = (as_in_the_manual, with_backslashes_joined, untouched)


def arguments(command: str) -> tuple[str, ...]:
    """What a program gets that is started by a shell."""
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, timeout=HANG)
    return tuple(done.stdout.decode().split("\0")[:-1])


def check(scheduled: Job, read: Callable[[str], str]) -> None:
    line = crontab_line(scheduled).splitlines(keepends=True)[-1]
    assert arguments(read(command_of(line))) == scheduled.words[2:]


def test_the_line_of_a_plain_job() -> None:
    assert crontab_line(job()) == (
        "# Every day at 04:10 (Europe/Berlin); `crontab -e` adds a line.\n"
        "# What is printed is mailed: nothing on success. A second job does not start beside the\n"
        "# first. A day on which the machine is off is left out.\n"
        "10 4 * * * /opt/venv/bin/forecast refresh /srv/sales.csv -o /srv/out/forecast.csv "
        "--store /srv/runs --quiet\n"
    )


@pytest.mark.parametrize("read", VERSIONS)
@pytest.mark.parametrize("path", ODD)
def test_odd_paths_come_through_every_version_of_cron(
    path: str, read: Callable[[str], str]
) -> None:
    check(job(program=PRINT, data=path, output=path, store=path, ping_file=path), read)


@settings(max_examples=60)
@given(PATHS, MANY_SPECIAL)
def test_any_path_comes_through_every_version_of_cron(data: str, output: str) -> None:
    for read in VERSIONS:
        check(job(program=PRINT, data=data, output=output), read)


def test_the_parsers_of_this_test_see_what_they_are_for() -> None:
    assert as_in_the_manual(r"date +\%d") == "date +%d"
    assert with_backslashes_joined(r"'a\\b' \%") == r"'a\b' %"
    for read in VERSIONS[:2]:
        with pytest.raises(AssertionError, match="would be its input"):
            read("date +%d")


def test_a_command_that_cron_would_cut_off_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        crontab_line(job(data="/" + "数" * 320))
    assert caught.value.message == "the command has 1,045 bytes, and cron reads 998 of them"
    assert caught.value.hint == (
        "use shorter paths, put settings into a file (--config), or use systemd"
    )


def test_another_time_zone_than_that_of_the_machine_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        crontab_line(job(at=TimeOfDay(4, 10, "Asia/Tokyo")))
    assert caught.value.message == (
        "--at: cron knows the time zone of the machine only, not Asia/Tokyo"
    )
    same = crontab_line(job(at=TimeOfDay(4, 10, "Europe/Berlin")))
    assert same == crontab_line(job())
