"""The public sets as suites: training part, test part, horizon, seasons. Nothing is downloaded.

Each loader takes the folder of the public data. A value that is missing is NaN, and is not scored.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Series = dict[str, Floats]

SEASONS_AROUND = 4  # on each side of a gap, whose median fills it


@dataclass(frozen=True, eq=False)
class Suite:
    """Series that are forecast once, past the end of their training part.

    - training, test: the values of each series by its name; the test part has `horizon` values
    - season: of MASE and of the seasonal naive forecast
    - seasons: what is given as --season, because rows without dates do not say it
    - times: of all rows of a single series, as the file writes them; None for rows without
    - origins: for a single series, how many horizons the test part has
    - gaps: what is given as --gaps, because the file cannot be read without it
    """

    name: str
    training: Series
    test: Series
    horizon: int
    season: int
    seasons: str = ""
    times: list[str] | None = None
    origins: int = 1
    gaps: str = ""


# -- panels ------------------------------------------------------------------------------------


def m4_hourly(data: Path) -> Suite:
    """M4's 414 hourly series, horizon 48. Their integer times are left out: rows are steps."""
    training = read_rows(data / "m4_hourly" / "Hourly-train.csv", header=True)
    test = read_rows(data / "m4_hourly" / "Hourly-test.csv", header=True)
    return Suite("m4-hourly", training, test, 48, 24, "24,168")


def tourism_monthly(data: Path) -> Suite:
    """The 366 monthly series of the tourism competition, horizon 24."""
    training = read_rows(data / "tourism_monthly" / "tourism_monthly_train.csv")
    test = read_rows(data / "tourism_monthly" / "tourism_monthly_test.csv")
    test = {name: test[name] for name in training}
    return Suite("tourism-monthly", training, test, 24, 12, "12")


def nn5(data: Path) -> Suite:
    """The 111 daily series of NN5, the last 56 days held out. Gaps are neither filled nor scored."""
    rows = read_rows(data / "nn5" / "nn5_daily.csv")
    return Suite("nn5", *_cut(rows, 56), 56, 7, "7")


def quarters(data: Path) -> Suite:
    """The tourism series summed to quarters, horizon 8."""
    monthly = tourism_monthly(data)
    training = {name: totals(values, 3) for name, values in monthly.training.items()}
    test = {name: totals(values, 3) for name, values in monthly.test.items()}
    return Suite("quarters", training, test, 8, 4, "4")


def weeks(data: Path) -> Suite:
    """The NN5 series, gaps filled, summed to weeks, the last 8 held out. MASE is of lag 1."""
    rows = read_rows(data / "nn5" / "nn5_daily.csv")
    weekly = {name: totals(fill(values, 7), 7) for name, values in rows.items()}
    return Suite("weeks", *_cut(weekly, 8), 8, 1, "52")


def read_rows(path: Path, *, header: bool = False) -> Series:
    """One series a row, its name first; ragged, with empty cells at the right and in gaps."""
    with require(path).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return {row[0]: _numbers(row[1:]) for row in rows[int(header) :]}


def _numbers(cells: list[str]) -> Floats:
    values = np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    known = np.flatnonzero(~np.isnan(values))
    return values[: known[-1] + 1]


def totals(values: Floats, size: int) -> Floats:
    """The sums of `size` rows each; the first rows are left out where they do not fill one."""
    sums: Floats = values[len(values) % size :].reshape(-1, size).sum(axis=1)
    return sums


def fill(values: Floats, season: int) -> Floats:
    """Gaps filled with the median of the same step of the season, four seasons on each side."""
    filled = values.copy()
    reach = SEASONS_AROUND * season
    for gap in np.flatnonzero(np.isnan(values)):
        near = filled[max(gap % season, gap - reach) : gap + reach + 1 : season]
        filled[gap] = np.nanmedian(near)
    return filled


def _cut(rows: Series, horizon: int) -> tuple[Series, Series]:
    training = {name: values[:-horizon] for name, values in rows.items()}
    return training, {name: values[-horizon:] for name, values in rows.items()}


# -- single series -----------------------------------------------------------------------------


def airline() -> Suite:
    """144 months of airline passengers, the last twelve held out: a sample of the project."""
    table = pd.read_csv(Path(__file__).parent.parent / "sample_data" / "airline.csv")
    months = table["Month"].astype(str).tolist()
    return held_out("airline", table["Passengers"].to_numpy(np.float64), months, (12, 12, 1))


def nyc_taxi(data: Path) -> Suite:
    """Taxi passengers every half hour; seven origins, two days with the first."""
    return _single(data, "nyc_taxi", "timestamp", "value", (48, 48, 7))


def temperatures(data: Path) -> Suite:
    """Lowest temperatures of ten years, daily; 26 origins, a week apart."""
    return _single(data, "daily-min-temperatures", "Date", "Temp", (7, 7, 26))


def sunspots(data: Path) -> Suite:
    """Monthly sunspots since 1749; ten origins, a year apart."""
    return _single(data, "monthly-sunspots", "Month", "Sunspots", (12, 12, 10))


def pollution(data: Path) -> Suite:
    """Fine dust in Beijing, hourly, without the weather; 14 origins, a day apart.

    Gaps of up to 155 hours are interpolated for the training, and are not scored.
    """
    table = pd.read_csv(require(data / "small" / "pollution.csv"))
    hours = pd.to_datetime(table[["year", "month", "day", "hour"]]).dt
    times = hours.strftime("%Y-%m-%d %H:%M").tolist()
    values = table["pm2.5"].to_numpy(np.float64)
    first = int(np.flatnonzero(~np.isnan(values))[0])
    suite = held_out("pollution", values[first:], times[first:], (24, 24, 14))
    return replace(suite, gaps="interpolate")


def shampoo(data: Path) -> Suite:
    """36 months of shampoo sales, the last six held out. Its dates are none: rows are steps."""
    suite = _single(data, "shampoo", "Month", "Sales", (6, 12, 1))
    return replace(suite, times=None, seasons="12")


def _single(data: Path, name: str, time: str, target: str, sizes: tuple[int, int, int]) -> Suite:
    table = pd.read_csv(require(data / "small" / f"{name}.csv"))
    times = table[time].astype(str).tolist()
    return held_out(name, table[target].to_numpy(np.float64), times, sizes)


def held_out(name: str, values: Floats, times: list[str], sizes: tuple[int, int, int]) -> Suite:
    """A single series. sizes: horizon, season, origins, which are one horizon apart."""
    horizon, season, origins = sizes
    training, test = _cut({"": values}, horizon * origins)
    return Suite(name, training, test, horizon, season, times=times, origins=origins)


# -- ETTh1 -------------------------------------------------------------------------------------

ETT_COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
ETT_SCALED, ETT_TRAINED, ETT_END = (
    8640,
    11520,
    14400,
)  # rows: for z-scores, training ends, test ends


def etth1(data: Path) -> pd.DataFrame:
    """Training, validation and test rows of ETTh1: `date` and seven columns."""
    table = pd.read_csv(require(data / "ett" / "ETTh1.csv"))
    return table[["date", *ETT_COLUMNS]].iloc[:ETT_END]


def require(path: Path) -> Path:
    """The path, or exit and say what is missing."""
    if not path.exists():
        sys.exit(f"{path} is missing: give the folder of the public data as --data")
    return path


PANELS: dict[str, Callable[[Path], Suite]] = {
    "m4-hourly": m4_hourly,
    "tourism-monthly": tourism_monthly,
    "nn5": nn5,
    "quarters": quarters,
    "weeks": weeks,
}
SMALL: tuple[Callable[[Path], Suite], ...] = (
    nyc_taxi,
    temperatures,
    sunspots,
    pollution,
    shampoo,
)
