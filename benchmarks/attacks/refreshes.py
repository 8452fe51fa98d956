"""Refreshes that are killed: at every call, and at any time."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.attacks.calls import at_call, count_only, is_killed_at
from benchmarks.attacks.stores import (
    AIRLINE,
    HANG,
    SMALL,
    Figure,
    environment,
    readers,
    tool,
    wrongs,
)
from forecast_cli import store, tables, workflow
from forecast_cli.errors import ForecastError
from forecast_cli.forecasting import Forecast
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from

REFRESH = (*SMALL, "--retrain-after", "0")
OLD = b"the forecast of yesterday\n"


def kill_refresh_at_calls(folder: Path, step: int = 1) -> Figure:
    """SIGKILL at call N of a refresh that trains, in the middle of it if it is a write."""
    template = refreshed_folder(folder)
    total = _count_calls(template, folder)
    broken: list[str] = []
    killed = new_outputs = 0
    for number in range(1, total + 1, step):
        place = Path(shutil.copytree(template, folder / "place"))
        before, latest = set(store.names(place / "store")), store.latest(place / "store")
        killed += is_killed_at(number, place, functools.partial(refresh_in, place))
        new_outputs += (place / "out.csv").read_bytes() != OLD
        broken += [f"call {number}: {wrong}" for wrong in wrongs_of_refresh(place, before, latest)]
        shutil.rmtree(place)
    return {"calls": total, "killed": killed, "new_outputs": new_outputs, "broken": broken}


def _count_calls(template: Path, folder: Path) -> int:
    place = Path(shutil.copytree(template, folder / "place"))
    with at_call(place, count_only) as calls:
        refresh_in(place)
    shutil.rmtree(place)
    return calls.total()


def kill_refreshes(folder: Path, kills: int, seed: int = 1) -> Figure:
    """kill -9 of `forecast refresh` at random, in one store, with readers all the while."""
    place, chance = refreshed_folder(folder), random.Random(seed)  # noqa: S311  not for secrets
    root, output = place / "store", place / "out.csv"
    line = tool("refresh", AIRLINE, *REFRESH, "--store", root, "-o", output, "--quiet")
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    started = time.monotonic()
    subprocess.run(line, env=environment(), check=True, timeout=HANG)
    usual = time.monotonic() - started
    with readers(root, broken) as read:
        for number in range(kills):
            output.write_bytes(OLD)
            before, latest = set(store.names(root)), store.latest(root)
            process = subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=chance.uniform(0.3, 1.1) * usual)
            process.kill()
            process.communicate()
            outcome["killed" if process.returncode < 0 else "ended before"] += 1
            outcome["new run"] += set(store.names(root)) != before
            outcome["new output"] += output.read_bytes() != OLD
            broken += [
                f"kill {number}: {wrong}" for wrong in wrongs_of_refresh(place, before, latest)
            ]
    return {"kills": kills, **outcome, **read, "broken": broken}


# -- a refresh -------------------------------------------------------------------------------------


def settings_of_refresh() -> Settings:
    """Those of `REFRESH`, so that every refresh trains."""
    small: dict[str, Any] = {"epochs": 1, "units": "3", "horizon": 3, "members": 1}
    return settings_from(**small, retrain_after="0", threads=1)


def refreshed_folder(folder: Path) -> Path:
    """A folder with a store that was refreshed once, and an older forecast."""
    place = folder / "template"
    place.mkdir()
    refresh_in(place)
    (place / "out.csv").write_bytes(OLD)
    return place


def refresh_in(place: Path) -> None:
    """A refresh in this process, that trains and publishes."""

    def deliver(forecast: Forecast) -> None:
        store.replace_file(place / "out.csv", tables.forecast_csv(forecast))

    workflow.refresh(AIRLINE, settings_of_refresh(), deliver, store_folder=place / "store")


def wrongs_of_refresh(place: Path, before: set[str], latest: str) -> list[str]:
    """What is wrong with a folder after a refresh was stopped. before: the runs before it."""
    root = place / "store"
    new = set(store.names(root)) - before
    found = wrongs(root, {latest, *new})
    written = (place / "out.csv").read_bytes()
    if written != OLD and (not written.startswith(b"Month,") or written.count(b"\n") != 4):
        found.append(f"-o is neither old nor whole: {written[:60]!r}")
    for number in store.forecast_numbers(root):
        try:
            store.read_forecast(root, number)
        except ForecastError as error:
            found.append(error.message)
    if any(name.startswith(".tmp-") for name in os.listdir(root / "forecasts")):
        found.append("the track was not swept")
    return found
