"""Attacks on the store: `python benchmarks/faults.py`, or a bounded part: `--quick`, or some: `--only flips --only locks`.

Prints one JSON line a figure: what was done how often, and how often a promise was broken, which must be 0. Ends with
exit 1 if one was. The attacks are in attacks/. What each promise is, and the counts of a whole pass, are in
docs/reliability.md.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.attacks.baits import canaries
from benchmarks.attacks.calls import CODES, fail_at_calls, kill_at_calls
from benchmarks.attacks.damage import bit_flips, truncations
from benchmarks.attacks.kills import kill_backtests, kill_trainings, prune_under_readers
from benchmarks.attacks.locks import trainings_at_once
from benchmarks.attacks.outputs import lost_output
from benchmarks.attacks.refreshes import kill_refresh_at_calls, kill_refreshes
from benchmarks.attacks.room import file_size_limits, full_disk
from benchmarks.attacks.stores import Figure, full_store


@dataclass(frozen=True)
class Size:
    """How much of an attack is made. kills, flips: None for the usual number."""

    quick: bool
    seed: int
    kills: int | None
    flips: int | None

    def of(self, part: Any, whole: Any) -> Any:
        """A bounded part of an attack, or the whole of it."""
        return part if self.quick else whole


# Limits in bytes: the largest file of a run has 4 to 5 KB, and its plots have 37 and 51 KB. So no run
# can be written below the former, and no plot below the latter.
SIZES = [0, 1, 100, 500, 1000, 1500, 2000, 3000, 8000, 16_000, 30_000, 100_000]

ATTACKS: dict[str, Callable[[Path, Size], Figure]] = {
    "calls-fail": lambda folder, size: fail_at_calls(
        full_store(folder), folder, size.of({"EIO": errno.EIO}, CODES), size.of(3, 1)
    ),
    "calls-kill": lambda folder, size: kill_at_calls(full_store(folder), folder, size.of(5, 1)),
    "kills": lambda folder, size: kill_trainings(folder, size.kills or size.of(10, 200), size.seed),
    "backtests": lambda folder, size: kill_backtests(
        folder, size.kills or size.of(5, 100), size.seed
    ),
    "refresh-kill": lambda folder, size: kill_refresh_at_calls(folder, size.of(9, 1)),
    "refresh-kills": lambda folder, size: kill_refreshes(
        folder, size.kills or size.of(5, 100), size.seed
    ),
    "prune": lambda folder, size: prune_under_readers(folder, size.of(50, 500)),
    "full-disk": lambda folder, size: full_disk(folder, size.of(10, 60)),
    "file-size": lambda folder, size: file_size_limits(folder, size.of([0, 8000], SIZES)),
    "locks": lambda folder, size: trainings_at_once(folder, 8),
    "truncations": lambda folder, size: truncations(folder, size.of(25, 1)),
    "flips": lambda folder, size: bit_flips(folder, size.flips or size.of(100, 2000), size.seed),
    "canaries": lambda folder, size: canaries(folder),
    "output": lambda folder, size: lost_output(folder),
}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a bounded part, in under two minutes")
    parser.add_argument(
        "--only", action="append", choices=list(ATTACKS), help="this attack; repeat it for several"
    )
    parser.add_argument("--kills", type=int, help="random kill -9 of a training or a backtest")
    parser.add_argument("--flips", type=int, help="flipped bits of each file")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the times of kills and the places of flips"
    )
    return parser.parse_args()


def main() -> int:
    options = parsed()
    size = Size(options.quick, options.seed, options.kills, options.flips)
    failed = False
    for name in options.only or ATTACKS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            figure = ATTACKS[name](Path(place).resolve(), size)
        failed |= bool(figure["broken"])
        figure |= {"broken": len(figure["broken"]), "examples": figure["broken"][:3]}
        seconds = round(time.monotonic() - started, 1)
        print(json.dumps({"what": name, **figure, "seconds": seconds}), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
