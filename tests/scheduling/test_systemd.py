"""A service and a timer: systemd takes them, and reads the command and the folders as they were."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling import Job, TimeOfDay, systemd_units
from tests.conftest import HANG
from tests.scheduling.helpers import MANY_SPECIAL, ODD, PATHS, job


def values(text: str, key: str) -> list[str]:
    """The values of a key of a unit."""
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{key}=")]


def units_of(scheduled: Job, user: str = "me") -> tuple[str, str]:
    service, timer = systemd_units(scheduled, user).values()
    return service, timer


def words(text: str) -> list[str]:
    """The words of a value: systemd.syntax(7) on quotes, systemd.unit(5) on `%%`."""
    found = []
    for quoted, plain in re.findall(r'"((?:[^"\\]|\\.)*)"(?= |$)|([^\s"\\]+)(?= |$)', text):
        word = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        assert "%" not in word.replace("%%", "")
        found.append(word.replace("%%", "%"))
    return found


def command(service: str) -> tuple[str, ...]:
    """The command as systemd runs it: systemd.service(5) on `$$`, in all words but the first."""
    program, *arguments = words(values(service, "ExecStart")[0])
    for word in arguments:
        assert "$" not in word.replace("$$", "")
    return (program, *(word.replace("$$", "$") for word in arguments))


@pytest.mark.parametrize("path", ODD)
def test_odd_paths_are_read_as_they_are(path: str) -> None:
    scheduled = job(data=path, output=path, store=path, metrics=path, config=path)
    service, _ = units_of(scheduled)
    assert command(service) == scheduled.words
    folders = dict.fromkeys([path, str(Path(path).parent)])
    assert words(values(service, "ReadWritePaths")[0]) == list(folders)


@given(PATHS, MANY_SPECIAL)
def test_any_path_is_read_as_it_is(data: str, output: str) -> None:
    scheduled = job(data=data, output=output)
    assert command(units_of(scheduled)[0]) == scheduled.words


def test_the_service_is_a_oneshot_that_writes_where_it_must_and_nowhere_else() -> None:
    service, _ = units_of(job(metrics="/var/lib/metrics/sales.prom"))
    assert values(service, "Type") == ["oneshot"]
    assert values(service, "User") == ["me"]
    assert values(service, "ReadWritePaths") == ["/srv/runs /srv/out /var/lib/metrics"]
    for line in ("ProtectSystem=strict", "PrivateTmp=yes", "NoNewPrivileges=yes"):
        assert f"\n{line}\n" in service
    assert values(service, "CapabilityBoundingSet") == [""]


def test_the_network_is_for_pings_only() -> None:
    alone, _ = units_of(job())
    assert values(alone, "PrivateNetwork") == ["yes"]
    assert values(alone, "RestrictAddressFamilies") == ["AF_UNIX"]
    pinging, _ = units_of(job(ping_file="/srv/ping"))
    assert values(pinging, "PrivateNetwork") == []
    assert values(pinging, "After") == ["network-online.target"]


def test_a_job_with_files_in_tmp_sees_them() -> None:
    for path in ("/tmp/a/sales.csv", "/var/tmp/sales.csv"):  # noqa: S108
        assert "PrivateTmp=yes" not in units_of(job(data=path))[0].splitlines()
    assert "PrivateTmp=yes" in units_of(job(data="/tmpx/a.csv"))[0].splitlines()  # noqa: S108


@pytest.mark.parametrize("letter", ["'", '"', "\\"])
def test_a_program_that_systemd_would_not_start_is_refused(letter: str) -> None:
    path = f"/opt/a{letter}b/forecast"
    with pytest.raises(SettingsError) as caught:
        systemd_units(job(program=(path,)))
    assert caught.value.message == (
        f"systemd starts no program with a quote or a backslash in its path: {path}"
    )


def test_root_keeps_what_lets_it_read_the_files_of_others() -> None:
    for user in ("root", ""):
        service, _ = units_of(job(), user)
        assert values(service, "CapabilityBoundingSet") == []
    assert values(service, "User") == []


@pytest.mark.parametrize(
    ("at", "zone", "calendar"),
    [
        (TimeOfDay(4, 10), "Europe/Berlin", "*-*-* 04:10:00 Europe/Berlin"),
        (TimeOfDay(2, 5, "UTC"), "Europe/Berlin", "*-*-* 02:05:00 UTC"),
        (TimeOfDay(4, 10), "", "*-*-* 04:10:00"),
    ],
)
def test_the_timer_names_its_time_zone_and_catches_up(
    at: TimeOfDay, zone: str, calendar: str
) -> None:
    _, timer = units_of(job(at=at, zone=zone))
    assert values(timer, "OnCalendar") == [calendar]
    assert values(timer, "Persistent") == ["true"]
    assert values(timer, "RandomizedDelaySec") == ["5min"]
    assert values(timer, "WantedBy") == ["timers.target"]


analyze = shutil.which("systemd-analyze")


@pytest.mark.skipif(analyze is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("ping_file", ["", "/srv/ping"])
@pytest.mark.parametrize("folder", ["plain", "two words", "100% $HOME\\n", 'it\'s "数据" ;'])
def test_systemd_takes_the_units(tmp_path: Path, folder: str, ping_file: str) -> None:
    """The program must be there and executable, so its name is read as it is, too."""
    place, programs = tmp_path / folder, tmp_path / "10% $HOME ; 数据"
    place.mkdir()
    programs.mkdir()
    program = programs / "forecast"
    program.symlink_to(sys.executable)
    scheduled = job(
        program=(str(program),),
        data=str(place / "sales.csv"),
        output=str(place / "out.csv"),
        store=str(place / "runs"),
        metrics=str(place / "job.prom"),
        ping_file=ping_file,
    )
    units = tmp_path / "units"
    units.mkdir()
    for name, text in systemd_units(scheduled, "root").items():
        (units / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(map(str, units.iterdir()))],
        capture_output=True,
        text=True,
        timeout=HANG,
    )
    about_ours = [line for line in done.stderr.splitlines() if "forecast-" in line]
    assert (done.returncode, about_ours) == (0, [])


@pytest.mark.skipif(analyze is None, reason="systemd-analyze is not installed")
def test_systemd_refuses_what_is_wrong(tmp_path: Path) -> None:
    """So that the test above is known to see something."""
    text = units_of(job(program=(str(tmp_path / "missing"),)), "root")[0]
    unit = tmp_path / "forecast-sales.service"
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, timeout=HANG
    )
    assert done.returncode != 0
