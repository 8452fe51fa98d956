"""Writes tests/golden/VERSION, a small store as this release writes it: `python tests/golden/make.py`.

Each release leaves one behind, and every later release must read it and forecast the same (tests/test_golden.py).
To be run once a release, from the code that is released; a folder that is there is never written again.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import __version__, read_csv, train

FOLDER = Path(__file__).parent / __version__


def panel_csv() -> str:
    """Three shops of unequal length by day, with a promotion that is known for 4 days more, and a size."""
    random = np.random.default_rng(7)
    lines = ["unique_id,ds,y,promo,size"]
    for shop, length in (("north", 70), ("Süd", 63), ("007", 56)):
        for n, day in enumerate(np.datetime64("2026-03-31") - np.arange(length - 1, -5, -1)):
            promo = int(n % 9 == 0)
            value = (
                f"{20 + 4 * np.sin(n / 7 * 2 * np.pi) + 5 * promo + random.normal():.2f}"
                if n < length
                else ""
            )
            lines.append(f"{shop},{day},{value},{promo},{length / 10}")
    return "\n".join(lines) + "\n"


def single_csv() -> str:
    """One series by month, in local form, with a negative value."""
    values = 3 * np.sin(np.arange(60) / 12 * 2 * np.pi) + np.arange(60) / 30
    return "month,net\n" + "".join(
        f"{y}-{m:02},{v:.3f}\n" for (y, m), v in zip(months(60), values, strict=True)
    )


def many_csv() -> str:
    """32 shops by day, enough for a portfolio to be chosen."""
    random = np.random.default_rng(8)
    lines = ["unique_id,ds,y"]
    for shop in range(32):
        for n, day in enumerate(np.datetime64("2026-03-31") - np.arange(41, -1, -1)):
            value = 20 + shop + 4 * np.sin(n / 7 * 2 * np.pi) + random.normal()
            lines.append(f"{shop:02},{day},{value:.2f}")
    return "\n".join(lines) + "\n"


def months(count: int) -> list[tuple[int, int]]:
    return [(2020 + n // 12, n % 12 + 1) for n in range(count)]


def main() -> None:
    if FOLDER.exists():
        sys.exit(f"{FOLDER} is there already: what a release wrote is never written again")
    FOLDER.mkdir()
    trainings: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "panel.csv": (panel_csv(), {"horizon": 4, "future": "promo", "static": "size"}, {"calendar": True, "units": "4", "warm_start": "none"}),
        "many.csv": (many_csv(), {"horizon": 4, "preset": "accurate"}, {"units": "4"}),
        "single.csv": (single_csv(), {"preset": "classic", "lookback": 8, "horizon": 3}, {"units": "4,3"}),
    }  # fmt: skip
    for name, (text, first, second) in trainings.items():
        path = FOLDER / name
        path.write_text(text, encoding="utf-8")
        given = first | second
        columns: dict[str, Any] = {
            key: [given.pop(key)] for key in ("future", "static") if key in given
        }
        panel = replace(
            read_csv(path, **columns), source=name
        )  # no path of this machine in what is kept
        train(
            panel, draw=False, store_folder=FOLDER / "store", epochs=2, seed=3, threads=1, **given
        )
    for name in ("lock", "last_run.json"):  # no runs, and the report names folders of this machine
        (FOLDER / "store" / name).unlink()


if __name__ == "__main__":
    main()
