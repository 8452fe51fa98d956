"""One run for all tests of the page: series with names that attack it, and some plain ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forecast_cli import report
from forecast_cli.panel import Columns, Panel
from forecast_cli.report import Subject
from tests.plots.helpers import many
from tests.report.helpers import Reader, subject_of, trained

HOSTILE = (
    '<script>document.title = "executed"</script>',
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</title></desc><b>",
    "{{ 7 * 7 }}{% for %}",
    "$x_y$ &lt; #000000 ]]> -->",
    "שלום עולם",
    "abc\u202edef\u2066",
    "x" * 10_000,
    "tab\there",
)
TARGET = '<b onclick="alert(1)">\u202e$y$</b>'


@pytest.fixture(scope="session")
def hostile_panel() -> Panel:
    plain = many(25)
    ids = (*HOSTILE, *plain.ids[len(HOSTILE) :])
    return replace(plain, ids=ids, columns=Columns("day", TARGET, "<i>shop</i>"))


@pytest.fixture(scope="session")
def hostile(hostile_panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("hostile")
    run = trained(hostile_panel, folder, horizon=7, test=14)
    return subject_of(run, hostile_panel)


@pytest.fixture(scope="session")
def hostile_page(hostile: Subject) -> bytes:
    return report.make(hostile).html


@pytest.fixture(scope="session")
def hostile_reader(hostile_page: bytes) -> Reader:
    return Reader(hostile_page)
