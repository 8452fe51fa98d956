"""Draws three made-up series that the base network forecasts badly: `python docs/make_base_pictures.py`.

Writes docs/pictures/base/*.png. Each is the picture of `forecast plot DATA --run base`: the held-out
rows beside what was predicted for them, and the forecast past the last row.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from forecast_cli.workflow import draw_base

Floats = NDArray[np.float64]

FOLDER = Path(__file__).with_name("pictures") / "base"
SEED = 1


@dataclass(frozen=True)
class Failure:
    """A series of so many rows, and the horizon of its picture.

    unit: of its steps; shown: of its times as they are written, both as numpy names them.
    """

    name: str
    make: Callable[[Generator, int], Floats]
    unit: str
    shown: Literal["M", "D", "m"]
    rows: int
    horizon: int


def moving_days(random: Generator, count: int) -> Floats:
    """Days with a weekly season, and a peak every 29 or 30 days, as of a calendar of the moon."""
    day = np.arange(count)
    week = 100 + 15 * np.sin(2 * np.pi * day / 7)
    peak = np.isin(day, np.round(np.arange(8, count, 29.53)).astype(int))
    return week + 80 * peak + random.normal(0, 3, count)


def ceiling(random: Generator, count: int) -> Floats:
    """Months of growth toward a ceiling that the past says nothing of, and then none."""
    month = np.arange(count)
    grown = np.minimum(40 + 3 * month, 40 + 3 * (count - 14))
    return grown * (1 + 0.1 * np.sin(2 * np.pi * month / 12)) + random.normal(0, 2, count)


def unknown_season(random: Generator, count: int) -> Floats:
    """Hours of a machine whose cycle takes 31 hours, which is no season of hours."""
    hour = np.arange(count)
    return 50 + 20 * (((hour % 31) < 9) + random.normal(0, 0.05, count))


FAILURES = (
    Failure("moving-days", moving_days, "D", "D", 400, 28),
    Failure("ceiling", ceiling, "M", "M", 96, 12),
    Failure("unknown-season", unknown_season, "h", "m", 600, 48),
)


def write(path: Path, failure: Failure) -> None:
    """The series as a CSV file."""
    values = failure.make(default_rng(SEED), failure.rows)
    first = np.datetime64("2024-01-01T00:00").astype(f"datetime64[{failure.unit}]")
    times = np.datetime_as_string(first + np.arange(failure.rows), unit=failure.shown)
    rows = (f"{time.replace('T', ' ')},{v:.2f}\n" for time, v in zip(times, values, strict=True))
    path.write_text("time,value\n" + "".join(rows), encoding="utf-8")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for failure in FAILURES:
            data = Path(folder, "data.csv")
            write(data, failure)
            pictures = Path(folder, failure.name)
            drawn = draw_base(data, pictures, ["predictions"], horizon=failure.horizon)
            target = FOLDER / f"{failure.name}.png"
            target.write_bytes(drawn.paths[0].read_bytes())
            sys.stdout.write(f"wrote {target}\n")


if __name__ == "__main__":
    main()
