"""Times of the day, time zones, and what clock changes do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling import TimeOfDay, clock_change_warning, local_zone, parse_time

TODAY = date(2026, 11, 20)


def test_a_time_may_have_a_time_zone() -> None:
    assert parse_time("04:10") == TimeOfDay(4, 10)
    assert parse_time(" 0:05 UTC ") == TimeOfDay(0, 5, "UTC")
    assert parse_time("23:59 Europe/Berlin") == TimeOfDay(23, 59, "Europe/Berlin")
    assert str(TimeOfDay(4, 5, "UTC")) == "04:05"


@pytest.mark.parametrize(
    "text", ["", "4", "24:00", "04:60", "4:1", "-1:00", "4am", "04:10:00", "٤:١٠"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_time(text)
    assert caught.value.message == f"--at: {text!r} is not a time of the day"
    assert caught.value.hint == "write --at 04:10"


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "/etc/passwd", "Europe", "\x00"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_time(f"04:10 {zone}")
    assert caught.value.message == f"--at: {zone!r} is not a time zone"
    assert caught.value.hint == "write --at '04:10 Europe/Berlin', or --at '04:10 UTC'"


@pytest.mark.parametrize(
    ("at", "local", "is_warned"),
    [
        (TimeOfDay(0, 59), "Europe/Berlin", False),
        (TimeOfDay(1, 0), "Europe/Berlin", True),
        (TimeOfDay(3, 59), "America/New_York", True),
        (TimeOfDay(4, 0), "Europe/Berlin", False),
        (TimeOfDay(2, 10), "Etc/UTC", False),
        (TimeOfDay(2, 10), "Asia/Tokyo", False),
        (TimeOfDay(2, 10), "", True),
        (TimeOfDay(2, 10, "UTC"), "Europe/Berlin", False),
        (TimeOfDay(2, 10, "Europe/Berlin"), "UTC", True),
    ],
)
def test_a_warning_comes_where_clocks_change(at: TimeOfDay, local: str, is_warned: bool) -> None:
    assert bool(clock_change_warning(at, local, TODAY)) == is_warned


def test_the_warning_says_what_happens_and_what_to_do() -> None:
    assert clock_change_warning(TimeOfDay(3, 10), "Europe/Berlin", TODAY) == (
        "at 03:10, between 01:00 and 03:59 local time, the job may run twice or not at all on "
        "days when clocks change in Europe/Berlin; use another time, such as --at 04:10"
    )


def test_the_zone_of_the_machine_comes_from_its_files(tmp_path: Path) -> None:
    assert local_zone(tmp_path) == "UTC"
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert local_zone(tmp_path) == "Europe/Berlin"

    link.unlink()
    link.write_bytes(b"TZif")  # a copy, which has no name
    assert local_zone(tmp_path) == ""
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    assert local_zone(tmp_path) == "Asia/Tokyo"
    (tmp_path / "timezone").write_text("Mars/Base\n")
    assert local_zone(tmp_path) == ""
