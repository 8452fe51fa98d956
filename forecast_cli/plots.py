"""Pictures of a run: loss per epoch, and history, held-out truth, prediction and forecast. The only matplotlib.

Colours are those of Okabe & Ito, which colour-blind people can tell apart; lines differ in style and marker too.
"""

from __future__ import annotations

import csv
import io
import logging
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast_cli import calendar
from forecast_cli.panel import Floats, format_times, times_of, values_of
from forecast_cli.store import Run

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no word about caches in cron mails

from matplotlib import font_manager, rc_context  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
KINDS: tuple[str, ...] = ("loss", "predictions")
SHOWN = 6  # series in one picture


@dataclass(frozen=True, eq=False)
class Pictures:
    """PNG bytes by file name, and one note where no font of the system has the glyphs."""

    files: dict[str, bytes]
    note: str = ""


def draw(run: Run, kinds: Iterable[str] = KINDS) -> Pictures:
    """Draw pictures of a run, from what the run holds alone."""
    makers: dict[str, Callable[[Run, Callable[[str], str]], Figure]] = {"loss": loss, "predictions": predictions}
    fonts, label, note = _fonts(run)
    with (
        warnings.catch_warnings(),
        rc_context({"font.family": fonts, "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}),
    ):
        # A few ticks more or less than asked for are no news for a cron mail.
        warnings.filterwarnings("ignore", message="AutoDateLocator was unable")
        return Pictures({f"{kind}.png": _png(makers[kind](run, label)) for kind in kinds}, note)


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(data, format="png", dpi=100)
    return data.getvalue()


def _fonts(run: Run) -> tuple[list[str], Callable[[str], str], str]:
    """Font families with all glyphs of the run's names; a function that escapes what no font has; a note about that."""
    words = {run.config.columns.target, run.config.columns.time, *run.tail.ids}
    needed = {ord(c) for word in words for c in word if unicodedata.category(c)[0] != "C"}
    families = ["DejaVu Sans"]
    default = font_manager.findfont("DejaVu Sans")
    needed -= _glyphs(default)
    if needed:
        for font in sorted(
            font_manager.fontManager.ttflist, key=lambda f: ("Sans" not in f.name, "Mono" in f.name, f.name)
        ):
            found = needed & _glyphs(font.fname)
            if found:
                families.append(font.name)
                needed -= found
            if not needed:
                break

    def label(text: str) -> str:
        shown = "".join(
            c if unicodedata.category(c)[0] != "C" and ord(c) not in needed else c.encode("unicode_escape").decode()
            for c in text
        )
        return (shown if len(shown) <= 40 else shown[:39] + "…").replace("$", r"\$")

    note = ""
    if needed:
        missing = "".join(chr(c) for c in sorted(needed)[:5])
        note = (
            f"no font on this machine can draw {missing!r}; the plots show such letters as codes (install Noto fonts)"
        )
    return families, label, note


def _glyphs(path: str) -> set[int]:
    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return set()


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name] or "nan") for row in rows])


def loss(run: Run, label: Callable[[str], str]) -> Figure:
    """Training and validation loss per epoch, the best epoch marked; a log scale where the losses span a decade."""
    rows = _rows(run.texts["history.csv"])
    epochs = [int(row["epoch"]) for row in rows]
    training = [float(row["training_loss"]) for row in rows]
    validation = [float(row["validation_loss"]) if row["validation_loss"] else np.nan for row in rows]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    dot = "o" if len(epochs) <= 40 else ""
    axes.plot(epochs, training, color=BLUE, marker=dot, markersize=3, label="training")
    if not np.isnan(validation).all():
        axes.plot(epochs, validation, color=ORANGE, linestyle="--", marker=dot, markersize=3, label="validation")
    best = run.metrics["training"]["best_epoch"]
    if best:
        shown = validation[best - 1] if not np.isnan(validation[best - 1]) else training[best - 1]
        axes.axvline(best, color=GREY, linewidth=0.8, linestyle=":")
        name = f"weights kept: epoch {best}"
        axes.plot([best], [shown], color=GREEN, marker="D", markersize=8, linestyle="", label=name)
    seen = [v for v in (*training, *validation) if np.isfinite(v) and v > 0]
    if seen and max(seen) > 10 * min(seen):
        axes.set_yscale("log")
    axes.set_title(f"Loss while training on {label(run.config.columns.target)}", loc="left")
    axes.set_xlabel("epoch")
    unit = "of the min-max scale" if run.config.plan.normalization == "minmax" else "of each window's spread"
    axes.set_ylabel(f"mean squared error\n(units {unit})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    return figure


@dataclass(frozen=True, eq=False)
class _Story:
    """One series for the picture: x positions and values of history, test part, prediction, forecast."""

    name: str
    times: Any
    values: Floats
    test: slice
    predicted_at: Any
    predicted: Floats
    ahead: Any
    forecast: Floats
    bounds: list[tuple[str, Floats, Floats]]


def predictions(run: Run, label: Callable[[str], str]) -> Figure:
    """History, held-out truth against prediction, forecast with intervals; of many series the best and the worst."""
    stories, rest = _stories(run)
    count = len(stories)
    columns = 1 if count <= 2 else 2
    rows = -(-count // columns)
    figure = Figure(figsize=(8, 4.5 if rows == 1 else 1.2 + 2.3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_visible(False)
    for axes, story in zip(grid, stories, strict=False):
        _tell(axes, story, narrow=columns > 1)
        if count > 1:
            axes.set_title(label(story.name), loc="left", fontsize=10)
    target, plan = run.config.columns.target, run.config.plan
    if run.config.columns.id and target == "value":
        target = "all targets"
    title = f"{label(target)}: {plan.horizon:,} step{'s' if plan.horizon > 1 else ''} ahead"
    if plan.test:
        title += f", tested on the last {plan.test:,} row{'s' if plan.test > 1 else ''}"
    if rest:
        title += (
            f"\n{count} of {count + rest:,} series: the {count // 2} predicted best and the {count - count // 2} worst"
        )
    figure.suptitle(title, x=0.02, ha="left")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=8.5, columnspacing=1.2)
    if count == 1:
        grid[0].set_ylabel(label(run.config.columns.target))
        grid[0].set_xlabel(label(run.config.columns.time))
    return figure


def _tell(axes: Axes, story: _Story, *, narrow: bool) -> None:
    known, test = slice(0, story.test.start + 1), story.test
    axes.plot(story.times[known], story.values[known], color=GREY, linewidth=1.2, label="history")
    if test.stop > test.start:
        axes.plot(story.times[test], story.values[test], color="black", linewidth=1.6, label="held-out truth")
        axes.plot(
            story.predicted_at, story.predicted, color=ORANGE, linestyle="--", linewidth=1.6, label="prediction of it"
        )
    if len(story.forecast):
        for number, (name, low, high) in enumerate(reversed(story.bounds)):
            axes.fill_between(
                story.ahead, low, high, color=BLUE, alpha=0.15 + 0.12 * number, linewidth=0, label=f"{name} % interval"
            )
        marker = "o" if len(story.forecast) <= 3 else ""
        axes.plot(story.ahead, story.forecast, color=BLUE, linewidth=1.8, marker=marker, label="forecast")
    axes.grid(alpha=0.25)
    axes.margins(x=0.01)
    if np.issubdtype(story.times.dtype, np.datetime64):
        locator = AutoDateLocator(maxticks=4 if narrow else 8)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 9, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _stories(run: Run) -> tuple[list[_Story], int]:
    """What to tell of up to SHOWN series, and how many are left out."""
    plan, tail = run.config.plan, run.tail
    identity = run.config.columns.id
    held: dict[str, list[dict[str, str]]] = {}
    for row in _rows(run.texts["predictions.csv"]):
        held.setdefault(row[identity] if identity else "", []).append(row)
    ahead: dict[str, list[dict[str, str]]] = {}
    for row in _rows(run.texts["forecast.csv"]):
        ahead.setdefault(row[identity] if identity else "", []).append(row)
    chosen = list(range(len(tail)))
    if len(chosen) > SHOWN:
        ranked = sorted((_relative_error(held.get(tail.ids[i], [])), i) for i in chosen)
        ranked = [pair for pair in ranked if np.isfinite(pair[0])] or ranked
        half = SHOWN // 2
        chosen = [i for _, i in (*ranked[:half], *ranked[-half:])] if len(ranked) >= SHOWN else [i for _, i in ranked]
    dated = run.config.time_format.pattern != ""
    stories = []
    for i in chosen:
        name, values = tail.ids[i], values_of(tail, i)
        positions = {text: p for p, text in enumerate(format_times(tail, times_of(tail, i)))}
        rows = [row for row in held.get(name, []) if row[run.config.columns.time] in positions]
        at = np.array([positions[row[run.config.columns.time]] for row in rows], int)
        times = times_of(tail, i, 0, len(values) + plan.horizon)
        stamps = times.view("datetime64[us]") if dated and run.config.frequency.kind != calendar.STEPS.kind else times
        bounds = [
            (
                f"{level:g}",
                _column(ahead.get(name, []), f"lo-{level:.10g}"),
                _column(ahead.get(name, []), f"hi-{level:.10g}"),
            )
            for level in plan.levels
        ]
        test = slice(int(at.min()), int(at.max()) + 1) if len(at) else slice(len(values), len(values))
        stories.append(
            _Story(
                name, stamps[: len(values)], values, test, stamps[at], _column(rows, "forecast"),
                stamps[len(values) : len(values) + len(ahead.get(name, []))], _column(ahead.get(name, []), "forecast"), bounds,
            )
        )  # fmt: skip
    return stories, len(tail) - len(chosen)


def _relative_error(rows: list[dict[str, str]]) -> float:
    pairs = [(float(row["actual"]), float(row["forecast"])) for row in rows if row["actual"]]
    if not pairs:
        return float("inf")
    size = sum(abs(a) for a, _ in pairs)
    return sum(abs(a - f) for a, f in pairs) / size if size else float("inf")
