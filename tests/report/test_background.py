from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from forecast_cli import planning, store
from forecast_cli.checks import Finding
from forecast_cli.report import Subject, background
from forecast_cli.report.elements import Listing
from tests.report.helpers import subject_of, tables_of


def test_every_setting_of_the_plan_has_a_line_with_its_reason(hostile: Subject) -> None:
    (training,) = tables_of(background.settings_section(hostile))
    plan = hostile.run.config.plan
    names = [name.replace("_", " ") for name in planning.values_by_name(plan)]
    assert [row[0] for row in training.rows] == [*names, "digits"]
    assert all(why for _, _, why in training.rows)
    assert ("epochs", "1", "as given") in training.rows


def test_how_the_data_were_read_is_listed(airline_store: Path) -> None:
    _, reading = tables_of(background.settings_section(subject_of(store.load(airline_store))))
    assert ("target", "Passengers") in reading.rows


def test_versions_and_the_hash_of_every_file_are_listed(hostile: Subject) -> None:
    versions, files = tables_of(background.versions_section(hostile))
    manifest = hostile.run.manifest
    assert {row[0]: row[1] for row in versions.rows} == manifest.versions
    assert {row[0]: row[2] for row in files.rows[1:]} == {
        name: seal.sha256 for name, seal in manifest.files.items()
    }


def test_findings_and_why_they_are_on_stored_rows_alone_are_said(hostile: Subject) -> None:
    found = (Finding("gaps", "none"), Finding("new", "odd", "warning"))
    subject = replace(hostile, findings=found, data_note="The file is gone.")
    note, listing = background.data_section(subject).blocks
    assert note.level == "warning"  # type: ignore[union-attr]
    assert isinstance(listing, Listing)
    assert [(item.text, item.level) for item in listing.items] == [
        ("Gaps: none", "info"),
        ("new: odd", "warning"),
    ]


@pytest.mark.parametrize(
    ("created", "shown"),
    [("20261122T033808Z", "2026-11-22 03:38 UTC"), ("", ""), ("yesterday", "yesterday")],
)
def test_the_time_of_a_training_is_written_as_people_do(created: str, shown: str) -> None:
    assert background._moment(created) == shown
