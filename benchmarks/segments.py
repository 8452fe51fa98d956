"""What reading segments instead of points saves: `python benchmarks/segments.py [--lookback N] [--segment N]`.

Prints one JSON line a figure: medians of interleaved runs of the seconds that one epoch takes on the hourly sample,
horizon 24, read row by row and in segments. Seconds are those of the processor, on one thread, from the end of the first
epoch to that of the second: a busy machine does not change them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from forecast_cli import train

DATA = Path(__file__).parent.parent / "sample_data" / "hourly.csv"
ROUNDS = 3


def seconds_of_an_epoch(lookback: int, segment: int) -> float:
    """Of the second one, without validation: one network, one pass over the training windows."""
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            DATA, draw=False, store_folder=folder, report=lambda _: ends.append(time.process_time()), horizon=24, lookback=lookback,
            segment=segment, epochs=2, patience=0, validation=0, test=0, refit=False, threads=1,
        )  # fmt: skip
    return ends[1] - ends[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lookback", type=int, default=720)
    parser.add_argument("--segment", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    found: dict[int, list[float]] = {1: [], given.segment: []}
    for _ in range(given.rounds):
        for segment, seconds in found.items():
            seconds.append(seconds_of_an_epoch(given.lookback, segment))
    slow = statistics.median(found[1])
    for segment, seconds in found.items():
        middle = statistics.median(seconds)
        figure = {
            "lookback": given.lookback,
            "segment": segment,
            "steps": given.lookback // segment,
        }
        print(
            json.dumps(
                figure | {"epoch_s": round(middle, 2), "times_faster": round(slow / middle, 1)}
            )
        )


if __name__ == "__main__":
    main()
