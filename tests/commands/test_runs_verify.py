"""forecast runs verify"""

from __future__ import annotations

import json
from pathlib import Path

from forecast_cli import store
from tests.commands.helpers import Forecast, several
from tests.conftest import Result


def test_runs_verify_names_what_is_damaged_and_is_exit_12(
    forecast: Forecast, store_copy: Path
) -> None:
    first, second = several(store_copy, 2)
    sound = forecast("runs", "verify", "--store", store_copy)
    assert (sound.code, sound.err) == (0, "")
    assert sound.out.split() == ["run", "verified", first, "ok", second, "ok"]
    (store_copy / "runs" / first / "model.safetensors").write_bytes(b"")
    (store_copy / "runs" / second / "notes\x1b.txt").write_text("mine")
    result = forecast("runs", "verify", "--store", store_copy)
    assert (result.code, result.err.count("\n")) == (12, 3)
    assert result.err.startswith(
        f"warning: {second} holds files that are not of the run; nothing reads them: notes\\x1b.txt\nerror: 1 of 2 runs"
    )
    assert f"{second}  ok" in result.out
    document = json.loads(forecast("runs", "verify", "--store", store_copy, "--json").out)
    assert [run["ok"] for run in document["runs"]] == [False, True]
    assert (document["schema"], document["exit_code"]) == ("forecast/runs-verify/v1", 12)
    assert "its bytes are not those that were published" in document["error"]
    assert forecast("runs", "verify", "--run", "2", "--store", store_copy).code == 0
    (store_copy / "latest.json").write_text("{}")
    document = json.loads(forecast("runs", "verify", "--store", store_copy, "--json").out)
    assert [run["run"] for run in document["runs"]] == ["latest.json", first, second]


def test_runs_verify_without_a_run_is_exit_10(forecast: Forecast) -> None:
    assert forecast("runs", "verify") == Result(
        10, "", "error: no run in forecast_runs\nhint: train one first: forecast train DATA\n"
    )
    for command in ("rollback", "prune", "pin", "unpin"):
        assert forecast("runs", command).code == 10
    assert not Path("forecast_runs").exists()


def test_a_damaged_run_is_refused_with_exit_12(forecast: Forecast, store_copy: Path) -> None:
    model = store_copy / "runs" / store.latest(store_copy) / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-3] ^= 4
    model.write_bytes(data)
    for words in (("predict",), ("plot",), ("runs", "show")):
        result = forecast(*words, "--store", store_copy)
        assert (result.code, result.out) == (12, "")
        assert "its bytes are not those that were published" in result.err
    listed = forecast("runs", "list", "--store", store_copy)
    assert listed.code == 0
    assert "rejected" in listed.out
