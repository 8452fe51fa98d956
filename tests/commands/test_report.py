"""forecast report, and forecast train --report"""

from __future__ import annotations

import json
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import Forecast, several
from tests.conftest import AIRLINE, Result

QUICK = ("--epochs", "1", "--units", "4", "--members", "1", "--from", "none")


def test_the_page_stands_beside_the_plots_or_where_it_is_asked_for(
    forecast: Forecast, store_copy: Path
) -> None:
    place = ("--store", store_copy)
    inside = store_copy / "runs" / store.latest(store_copy) / "plots" / "report.html"
    assert forecast("report", *place) == Result(0, "", f"wrote {inside}\n")
    assert forecast("report", *place, "-o", "page.html") == Result(0, "", "wrote page.html\n")
    assert inside.read_bytes() == Path("page.html").read_bytes()
    assert forecast("runs", "verify", *place).code == 0


def test_the_page_of_another_run_and_as_json(forecast: Forecast, store_copy: Path) -> None:
    first, *_ = several(store_copy, 2)
    words = ("report", "--store", store_copy, "--run", "1", "-o", "page.html", "--json")
    written = forecast(*words)
    assert (written.code, written.err) == (0, "")
    assert json.loads(written.out) == {
        "schema": "forecast/report/v1",
        "exit_code": 0,
        "run": first,
        "file": "page.html",
    }
    assert first in Path("page.html").read_text()


def test_a_training_writes_the_page_and_names_it(forecast: Forecast) -> None:
    trained = forecast("train", AIRLINE, *QUICK, "--report")
    run = store.load(Path("forecast_runs"))
    page = run.folder / "plots" / "report.html"
    assert trained.code == 0
    assert trained.said.splitlines()[-1] == f"  {page}"
    assert run.metrics.verdict.replace("'", "&#39;") in page.read_text()


def test_what_cannot_be_done_has_an_error_and_a_hint(
    forecast: Forecast, airline_store: Path
) -> None:
    assert forecast("report", "--store", "nowhere") == Result(
        10, "", "error: no run in nowhere\nhint: train one first: forecast train DATA\n"
    )
    Path("folder").mkdir()
    refused = forecast("report", "--store", airline_store, "-o", "folder")
    assert refused.code == 30
    assert refused.err.startswith("error: cannot write folder (")
    missing = forecast("report", "--store", airline_store, "--run", "99")
    assert missing.code == 10
