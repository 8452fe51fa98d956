"""forecast doctor"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import BARE, Forecast, shell
from tests.conftest import run_python


def test_it_works_as_cron_sees_it_and_leaves_nothing_behind(
    store_copy: Path, tmp_path: Path
) -> None:
    """Without HOME, and with one; no file is left in it, in the store, or among temporary files."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    before = sorted(store_copy.rglob("*"))
    for more in ({"TMPDIR": str(temporary)}, {"TMPDIR": str(temporary), "HOME": str(home)}):
        done = shell("doctor", "--store", store_copy, "--json", cwd=tmp_path, env=BARE | more)
        document = json.loads(done.stdout)
        findings = [check for check in document["checks"] if check["level"] == "finding"]
        assert done.stderr == b""
        assert document["schema"] == "forecast/doctor/v1"
        assert done.returncode == document["exit_code"] == (3 if findings else 0)
        assert document["reasons"] == [check["text"] for check in findings]
        assert [check for check in findings if check["name"] in ("store", "lock", "clock")] == []
    assert sorted(store_copy.rglob("*")) == before
    assert list(home.iterdir()) == list(temporary.iterdir()) == []


def test_a_finding_is_exit_3_with_what_to_do(forecast: Forecast, store_copy: Path) -> None:
    model = store_copy / "runs" / store.latest(store_copy) / "model.safetensors"
    model.write_bytes(b"")
    result = forecast("doctor", "--store", store_copy)
    assert (result.code, result.err) == (3, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("store            finding: ")
    assert lines[1].split() == [
        "hint:",
        "use",
        "an",
        "older",
        "run",
        "(--run),",
        "or",
        "train",
        "again",
    ]
    assert lines[-1].endswith("finding") or lines[-1].endswith("findings")


def test_settings_of_jobs_are_looked_at_wherever_they_come_from(
    forecast: Forecast, airline_store: Path
) -> None:
    Path("forecast.toml").write_text(f'store = "{airline_store}"\nping_file = "missing"\n')
    result = forecast("doctor", "--config", "forecast.toml", "--quiet")
    assert result.code == 3
    assert "finding: cannot read missing: No such file or directory" in result.out
    assert "there is no store" not in result.out


def test_it_loads_no_torch(airline_store: Path) -> None:
    code = """
import contextlib, sys
from forecast_cli.app import app
with contextlib.suppress(SystemExit):
    app(["doctor", "--store", sys.argv[1]])
assert "forecast_cli.doctor" in sys.modules
assert "torch" not in sys.modules
"""
    run_python(code, airline_store)


def test_the_variables_of_this_process_stay_as_they_are(
    forecast: Forecast, airline_store: Path
) -> None:
    import os

    before = dict(os.environ)
    forecast("doctor", "--store", airline_store)
    assert dict(os.environ) == before
    assert "matplotlib" in sys.modules
