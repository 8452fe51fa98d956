"""What each network, loss, remedy and ensemble is worth: `python benchmarks/networks.py [--data DIR]`.

Trains every setting on every set with the tool's own command and prints one JSON line a training: MASE on the held-out
rows beside seasonal naive's, seconds, parameters, operations per window; or the reason why it was refused. Only the rows
held out tell them apart, so there is no refit. `--table FILE` makes the tables of docs/networks.md of such lines.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.commands import ROOT, forecast
from forecast_cli.network import Architecture, count_operations, count_parameters

# Each is what is added to `forecast train DATA`; the first is what all others are measured against.
SETTINGS = (
    "--preset auto", "--preset classic", "--preset bilstm", "--preset seq2seq",
    "--cell gru", "--cell rnn", "--bidirectional", "--segment 1", "--segment 6",
    "--attention bahdanau", "--attention luong", "--attention luong-dot",
    "--decoder seq2seq", "--decoder recursive", "--head mlp",
    "--loss mae", "--loss huber", "--loss quantile",
    "--optimizer adam", "--optimizer sgd", "--schedule cosine", "--clip-norm 0",
    "--dropout 0", "--weight-decay 0.0001", "--jitter 0.1", "--patience 0", "--balance",
    "--members 3", "--members 3 --bagging", "--members 3 --boosting",
)  # fmt: skip
SPREAD = 3  # seeds of the first setting: differences smaller than theirs say nothing
Figure = dict[str, Any]


def sample(name: str) -> Callable[[Path, Path | None], Path]:
    return lambda work, data: ROOT / "sample_data" / name


def etth1(work: Path, data: Path | None) -> Path:
    return public(data, "ett/ETTh1.csv")


def nn5(work: Path, data: Path | None) -> Path:
    """Every tenth of the 111 cash machines: one series a row, id first, no dates."""
    rows = public(data, "nn5/nn5_daily.csv").read_text().splitlines()
    return write_long(work / "nn5.csv", [row.split(",") for row in rows[::10]])


def tourism(work: Path, data: Path | None) -> Path:
    """Every tenth of the 366 monthly series, the competition's test part at the end of its training part."""
    past = public(data, "tourism_monthly/tourism_monthly_train.csv").read_text().splitlines()
    future = public(data, "tourism_monthly/tourism_monthly_test.csv").read_text().splitlines()
    later = {row.split(",")[0]: row.split(",")[1:] for row in future}
    rows = [row.rstrip(",").split(",") for row in past[::10]]
    return write_long(work / "tourism.csv", [[*row, *later[row[0]]] for row in rows])


def write_long(path: Path, rows: list[list[str]]) -> Path:
    lines = [f"{name},{cell}" for name, *cells in rows for cell in cells]
    path.write_text("\n".join(["unique_id,y", *lines]) + "\n")
    return path


def public(data: Path | None, name: str) -> Path:
    path = (data or Path()) / name
    if not path.exists():
        sys.exit(
            f"{path} is missing: give the folder of the public data as --data, or leave the set out with --sets"
        )
    return path


# The file of a set, and what it needs beside the setting: what its columns are, its horizon, the rows to score.
SETS: dict[str, tuple[Callable[[Path, Path | None], Path], str]] = {
    "airline": (sample("airline.csv"), "--test 36"),
    # The day alone: with the week, too, attention and decoders would read 168 single steps, four times over.
    "hourly": (sample("hourly.csv"), "--season 24 --test 168"),
    "panel": (sample("panel.csv"), "--future promo --test 28"),
    "etth1-ot": (etth1, "--target OT --horizon 24 --test 720"),
    "nn5": (nn5, "--id unique_id --target y --season 7 --horizon 56"),
    "tourism": (tourism, "--id unique_id --target y --season 12 --horizon 24"),
}
# What is trained where no sets are named.
WITHOUT_DATA, WITH_DATA = ("airline", "hourly", "panel"), ("airline", "etth1-ot")


def train(name: str, file: Path, roles: str, setting: str, seed: int, limit: float) -> Figure:
    """One training in a store of its own: its figures, or why there are none."""
    figure: Figure = {"set": name, "settings": setting, "seed": seed}
    words = [
        *roles.split(),
        *setting.split(),
        "--seed",
        str(seed),
        "--no-refit",
        "--json",
        "--quiet",
    ]
    start, before = time.perf_counter(), processor_seconds()
    with tempfile.TemporaryDirectory() as store:
        try:
            printed = forecast(
                "train", str(file), *words, "--store", store, folder=store, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return figure | {"reason": f"stopped after {limit:g} s"}
        except subprocess.CalledProcessError as error:
            printed = error.stdout
    times = {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(processor_seconds() - before, 1),
    }
    found = json.loads(printed)
    if "metrics" not in found:
        return figure | {"reason": found["error"], "exit_code": found["exit_code"]}
    plan, test = found["plan"], found["metrics"]["test"]
    shape = Architecture(**plan["architecture"])
    return figure | {
        "mase": round(test["network"]["mase"], 4),
        "seasonal_naive": round(test["seasonal_naive"]["mase"], 4),
        **times,
        "parameters": plan["members"] * count_parameters(shape),
        "operations_per_window": plan["members"] * count_operations(shape),
        "lookback": shape.lookback,
        "segment": shape.segment,
        "epochs": found["metrics"]["training"]["epochs"],
        "best_epoch": found["metrics"]["training"]["best_epoch"],
    }


def processor_seconds() -> float:
    """Of all commands so far. On a busy machine these vary less than the seconds on the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(figures: list[Figure]) -> list[str]:
    """Markdown, one table a set: the median MASE over seeds (and its range), processor time as a multiple of that of the
    first setting, parameters, operations per window."""
    lines: list[str] = []
    for name in dict.fromkeys(figure["set"] for figure in figures):
        found: dict[str, list[Figure]] = {}
        for figure in figures:
            if figure["set"] == name:
                found.setdefault(figure["settings"], []).append(figure)
        unit = statistics.median(figure["cpu_seconds"] for figure in found[SETTINGS[0]])
        naive = found[SETTINGS[0]][0]["seasonal_naive"]
        lines += [f"**{name}**, seasonal naive {naive:.3f}", ""]
        lines += ["| settings | MASE | time | parameters | operations |", "|---|---|---|---|---|"]
        lines += [
            f"| `{setting}` | {row(found[setting], unit)} |"
            for setting in SETTINGS
            if setting in found
        ]
        lines.append("")
    return lines


def row(figures: list[Figure], unit: float) -> str:
    done = [figure for figure in figures if "mase" in figure]
    if not done:
        return f"{figures[0]['reason']} | | | "
    errors = [figure["mase"] for figure in done]
    mase = f"{statistics.median(errors):.3f}" + (
        f" ({min(errors):.3f} to {max(errors):.3f})" if len(done) > 1 else ""
    )
    times = statistics.median(figure["cpu_seconds"] for figure in done) / unit
    return (
        f"{mase} | {times:.1f} | {done[0]['parameters']:,} | {done[0]['operations_per_window']:,}"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the public data")
    parser.add_argument(
        "--sets",
        nargs="+",
        choices=[*SETS],
        help=f"{' '.join(WITHOUT_DATA)}; with --data, {' '.join(WITH_DATA)}",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="WORD",
        help="settings that hold one of these words, and the first",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        help=f"seeds 1 to this one; {SETTINGS[0]} has {SPREAD} or more",
    )
    parser.add_argument(
        "--limit", type=float, default=900, help="seconds after which a training is stopped"
    )
    parser.add_argument(
        "--table",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="train nothing: tables of printed lines",
    )
    return parser.parse_args()


def print_table(paths: Iterable[Path]) -> None:
    """Tables of the lines that were printed before."""
    lines = [line for path in paths for line in path.read_text().splitlines()]
    print("\n".join(table([json.loads(line) for line in lines])))


def chosen_settings(words: list[str] | None) -> list[str]:
    """The settings that hold one of the words, and the first, to which all are compared."""
    others = list(SETTINGS[1:])
    if words:
        others = [setting for setting in others if any(word in setting for word in words)]
    return [SETTINGS[0], *others]


def trainings(settings: list[str], seeds: int) -> Iterator[tuple[str, int]]:
    """Every setting with each of its seeds; the first has some more, which show the spread."""
    for setting in settings:
        most = max(seeds, SPREAD) if setting == SETTINGS[0] else seeds
        for seed in range(1, most + 1):
            yield setting, seed


def main() -> None:
    options = parsed()
    if options.table:
        print_table(options.table)
        return

    settings = chosen_settings(options.only)
    names = options.sets or (WITH_DATA if options.data else WITHOUT_DATA)
    with tempfile.TemporaryDirectory() as work:
        files = {name: SETS[name][0](Path(work), options.data) for name in names}
        for name, file in files.items():
            for setting, seed in trainings(settings, options.seeds):
                found = train(name, file.resolve(), SETS[name][1], setting, seed, options.limit)
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
