"""Writes the two synthetic samples beside it: `python sample_data/make_samples.py`. Same seed, same bytes."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write(name: str, rows: list[list[str]]) -> None:
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def hourly() -> None:
    """Twelve weeks of a load with a daily and a weekly season, and noise that lasts a few hours."""
    random = np.random.default_rng(20)
    steps = np.arange(12 * 168)
    day, week = steps % 24, steps // 24 % 7
    daily = 30 * np.sin((day - 8) / 24 * 2 * np.pi) + 12 * np.sin((day - 3) / 12 * 2 * np.pi)
    weekend = np.where(week >= 5, 0.7, 1.0)
    noise = np.zeros(len(steps))
    for t in range(1, len(steps)):
        noise[t] = 0.8 * noise[t - 1] + random.normal(0, 2.5)
    load = (120 + daily) * weekend + 0.01 * steps + noise
    start = datetime(2026, 1, 5)
    rows = [
        [(start + timedelta(hours=int(t))).strftime("%Y-%m-%d %H:%M"), f"{load[t]:.1f}"]
        for t in steps
    ]
    write("hourly.csv", [["time", "load"], *rows])


def panel() -> None:
    """Eight shops by the day, opened one after the other, with days missing; a promotion lifts sales by about half."""
    random = np.random.default_rng(21)
    rows = [["unique_id", "ds", "y", "promo"]]
    end = datetime(2026, 6, 30)
    for shop in range(8):
        days = 420 - 35 * shop
        start = end - timedelta(days=days - 1)
        level, shape = random.uniform(40, 200), random.uniform(0.6, 1.4, 7)
        promo = random.random(days // 7 + 1) < 0.25
        missing = set(random.choice(np.arange(10, days - 60), 4, replace=False).tolist())
        for t in range(days):
            if t in missing:
                continue
            when = start + timedelta(days=t)
            on = bool(promo[t // 7])
            sales = (
                level
                * shape[when.weekday()]
                * (1.5 if on else 1.0)
                * (1 + 0.0005 * t)
                * random.lognormal(0, 0.08)
            )
            rows.append(
                [f"shop_{shop + 1}", when.strftime("%Y-%m-%d"), f"{sales:.0f}", str(int(on))]
            )
    write("panel.csv", rows)


if __name__ == "__main__":
    hourly()
    panel()
    print("wrote hourly.csv and panel.csv")
