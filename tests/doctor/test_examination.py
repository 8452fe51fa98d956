"""All checks together: none stops the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast_cli.doctor import examination, examine
from tests.doctor.helpers import seen, situation


def test_everything_is_looked_at(airline_store: Path) -> None:
    names = {check.name for check in examine(situation(airline_store))}
    assert {"store", "lock", "space", "clock", "versions", "threads", "fonts", "locale"} <= names
    assert {"home", "temporary files", "list of fonts", "processes"} <= names


def test_what_cannot_be_looked_at_is_a_finding_and_the_rest_goes_on(
    airline_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*values: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(examination, "check_space", fail)
    checks = seen(examine(situation(airline_store)))
    assert ("finding", "cannot be looked at: Permission denied") in checks
    assert len(checks) > 8


def test_an_impossible_path_is_a_finding(tmp_path: Path) -> None:
    checks = examine(situation(Path("a\0b")))
    assert checks[0].level in ("finding", "remark")
    assert any(check.level == "finding" and check.name == "store" for check in checks)
