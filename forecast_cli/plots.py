"""Pictures of a run: loss per epoch; history, held-out truth, prediction and forecast; gates; attention. The only matplotlib.

Colors are those of Okabe & Ito, which color-blind people can tell apart; lines differ in style and marker too. The
color maps (viridis, and blue to red through white) differ in lightness as well.
"""

from __future__ import annotations

import csv
import io
import logging
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from forecast_cli import calendar, config, covariates, forecasting, network
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.panel import Floats, TimeFormat, format_times, offset_microseconds, select, times_of, values_of
from forecast_cli.store import Run

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no word about caches in cron mails

from matplotlib import font_manager, rc_context  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402
from matplotlib.ticker import MaxNLocator  # noqa: E402

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
KINDS: tuple[str, ...] = ("loss", "predictions")  # drawn after every training; the others on request
SHOWN = 6  # series in one picture


@dataclass(frozen=True, eq=False)
class Pictures:
    """PNG bytes by file name, and one note where no font of the system has the glyphs."""

    files: dict[str, bytes]
    note: str = ""


def draw(run: Run, kinds: Iterable[str] = KINDS, series: str | None = None) -> Pictures:
    """Draw pictures of a run, from what the run holds alone. series: whose gates and attention, the first by default.

    Raises SettingsError for a series that is not there and a network without attention, TooLittleDataError for a series
    that the network cannot read.
    """
    makers: dict[str, Callable[[Run, Callable[[str], str]], Figure]] = {
        "loss": loss,
        "predictions": predictions,
        "gates": lambda run, label: gates(run, label, series),
        "attention": lambda run, label: attention(run, label, series),
    }
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
            if found and "Last Resort" not in font.name:  # it has a box for every letter
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
    """Training and validation loss per epoch, the epochs kept marked; a log scale where the losses span a decade.

    Of several members the first is drawn strong and the others thin.
    """
    members: dict[str, list[dict[str, str]]] = {}
    for row in _rows(run.texts["history.csv"]):
        members.setdefault(row.get("member", "1"), []).append(row)  # older runs have one member, not named
    first_best = [run.metrics["training"]["best_epoch"]]
    bests = run.metrics.get("members", {}).get("best_epochs", first_best)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    several, seen, kept = len(members) > 1, [], []
    dot = "o" if max(map(len, members.values())) <= 40 and not several else ""
    for number, (rows, best) in enumerate(zip(members.values(), bests, strict=True)):
        epochs = [int(row["epoch"]) for row in rows]
        training, validation = _column(rows, "training_loss"), _column(rows, "validation_loss")
        which = "" if not several else ", member 1" if number == 0 else ", other members" if number == 1 else None
        for losses, color, style, name in ((training, BLUE, "-", "training"), (validation, ORANGE, "--", "validation")):
            if not np.isnan(losses).all():
                axes.plot(
                    epochs, losses, color=color, linestyle=style, marker=dot, markersize=3,
                    linewidth=0.7 if number else 1.6, alpha=0.5 if number else 1, zorder=2 if number else 3,
                    label="_" if which is None else name + which,
                )  # fmt: skip
        seen += [v for v in (*training, *validation) if np.isfinite(v) and v > 0]
        if best:
            kept.append((best, validation[best - 1] if np.isfinite(validation[best - 1]) else training[best - 1]))
    if kept:
        low, high = min(kept)[0], max(kept)[0]
        if not several:
            axes.axvline(low, color=GREY, linewidth=0.8, linestyle=":")
        name = f"weights kept: epoch{f's {low} to' if low < high else ''} {high}"
        axes.plot(
            *zip(*kept, strict=True),
            color=GREEN,
            marker="D",
            markersize=5 if several else 8,
            linestyle="",
            zorder=4,
            label=name,
        )
    if seen and max(seen) > 10 * min(seen):
        axes.set_yscale("log")
    title = f"Loss while training on {label(run.config.columns.target)}"
    axes.set_title(title + (f": {len(members)} members" if several else ""), loc="left")
    axes.set_xlabel("epoch")
    units = {"minmax": "of the min-max scale", "standard": "of each series' standard deviation"}
    unit = units.get(run.config.plan.normalization, "of each window's spread")
    axes.set_ylabel(f"{network.LOSSES[run.config.plan.loss].title}\n(units {unit})")
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
        _tell(axes, story, _zone(run.config.time_format), narrow=columns > 1)
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


def _tell(axes: Axes, story: _Story, zone: tzinfo, *, narrow: bool) -> None:
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
    _time_axis(axes, story.times, zone, narrow=narrow)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _stamps(run: Run, times: Ints) -> Any:
    """Times as positions on an axis: dates where rows have one, else steps."""
    dated = run.config.time_format.pattern != "" and run.config.frequency.kind != calendar.STEPS.kind
    return times.view("datetime64[us]") if dated else times


def _zone(how: TimeFormat) -> tzinfo:
    """The zone in which the file writes its times."""
    if how.timezone and not how.wall:
        return ZoneInfo(how.timezone)
    return UTC if how.wall else timezone(timedelta(microseconds=offset_microseconds(how.offset)))


def _time_axis(axes: Axes, stamps: Any, zone: tzinfo, *, narrow: bool = False) -> None:
    if np.issubdtype(stamps.dtype, np.datetime64):
        locator = AutoDateLocator(tz=zone, maxticks=4 if narrow else 8)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))  # type: ignore[no-untyped-call]
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 9, integer=True))


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
    stories = []
    for i in chosen:
        name, values = tail.ids[i], values_of(tail, i)
        positions = {text: p for p, text in enumerate(format_times(tail, times_of(tail, i)))}
        rows = [row for row in held.get(name, []) if row[run.config.columns.time] in positions]
        at = np.array([positions[row[run.config.columns.time]] for row in rows], int)
        stamps = _stamps(run, times_of(tail, i, 0, len(values) + plan.horizon))
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


# -- inside the network ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Window:
    """The newest window of one series as the first member sees it, and its forecast.

    times, values: (lookback,), in the units of the file; edges: (lookback + 1,), where the place of a step on the axis
    begins and ends; ahead, forecast: (H,), empty where the forecast is still to come; given: what the network is given.
    """

    index: int
    name: str
    times: Any
    edges: Any
    values: Floats
    ahead: Any
    forecast: Floats
    given: tuple[Floats, ...]


def _window(run: Run, series: str | None) -> _Window:
    tail, plan = run.tail, run.config.plan
    if series is None:  # the first that the network can read
        index = int(np.argmax(forecasting.readable(tail, plan)))
    elif series in tail.ids:
        index = tail.ids.index(series)
    elif tail.ids == ("",):
        raise SettingsError(f"no series {series!r}: the run has one series, without a name", "leave --series out")
    else:
        hint = textwrap.shorten(config.nearest(series, list(tail.ids)), 200, placeholder=" ...")
        raise SettingsError(f"no series {series!r} in the run", hint)
    given = forecasting.inputs_of(tail, run.model, index)
    end, identity = int(tail.lengths[index]), run.config.columns.id
    rows = [row for row in _rows(run.texts["forecast.csv"]) if not identity or row[identity] == tail.ids[index]]
    stamps = _stamps(run, times_of(tail, index, end - plan.lookback - 1, end + max(len(rows), 1)))
    edges = stamps[:-1] + (stamps[1:] - stamps[:-1]) / 2
    times, ahead = stamps[1 : plan.lookback + 1], stamps[plan.lookback + 1 :][: len(rows)]
    return _Window(
        index, tail.ids[index], times, edges[: plan.lookback + 1], values_of(tail, index)[-plan.lookback :],
        ahead, _column(rows, "forecast"), given,
    )  # fmt: skip


def gates(run: Run, label: Callable[[str], str], series: str | None = None) -> Figure:
    """What the last layer of the first member does over the newest window of a series: its gates, memory and state."""
    shape, found = run.config.plan.architecture, _window(run, series)
    values = network.layer_trace(shape, run.model.members[0], found.given[0], len(shape.units) - 1)
    cell = network.CELLS[shape.cell]
    parts = cell.captions
    figure = Figure(figsize=(8, 2.9 + 1.25 * len(parts)), layout="constrained")
    panels = figure.subplots(1 + len(parts), 1, sharex=True, height_ratios=[1.3] + [1.0] * len(parts))
    _lookback(panels[0], run, found, label)
    # One order for all panels, so that a row is the same unit everywhere.
    order = np.argsort(values["state"].mean(axis=0), kind="stable")
    for axes, (name, words) in zip(panels[1:], parts.items(), strict=True):
        _heat(axes, found.edges[:: shape.segment], values[name][:, order], share=name in cell.gates)
        axes.set_title(words, loc="left", fontsize=9, pad=3)
        axes.set_ylabel(f"{len(order):,} unit{'s' if len(order) > 1 else ''}", fontsize=9)
    panels[-1].set_xlabel(label(run.config.columns.time))
    count = len(shape.units)
    notes = [
        "this cell has no gates: below is all that it has" if not cell.gates else "",
        f"layer {count} of {count}" if count > 1 else "",
        "its forward direction" if shape.bidirectional else "",
    ]
    notes += [
        "a row is a unit, the same in every panel, in the order of their mean state",
        "the line is the mean over units, on the scale of the color bar",
    ]
    _title(figure, panels[0], run, f"Inside the {cell.title}", _subject(run, found, label), notes)
    return figure


def attention(run: Run, label: Callable[[str], str], series: str | None = None) -> Figure:
    """Where the first member looks in the newest window of a series for each step ahead, or once for all of them."""
    plan, shape = run.config.plan, run.config.plan.architecture
    if shape.attention == "none":
        raise SettingsError(
            f"the run {run.name} has no attention", "train with --attention bahdanau, or --preset seq2seq"
        )
    found = _window(run, series)
    if shape.decoder == "seq2seq":  # its queries depend on what is known of the steps ahead
        try:
            covariates.check_known(select(run.tail, np.array([found.index])), plan.horizon)
        except DataError as error:
            error.hint = "train on data with rows for these steps, whose target is empty"
            raise
    shares = network.attention_weights(shape, run.model.members[0], *found.given)
    looks, edges = len(shares), found.edges[:: shape.segment]
    tall = 0.5 if looks == 1 else min(0.8 + 0.1 * looks, 4.0)
    figure = Figure(figsize=(8, 4.3 + tall), layout="constrained")
    top, mean, heat = figure.subplots(3, 1, sharex=True, height_ratios=[1.6, 1.0, tall])
    _lookback(top, run, found, label)
    top.plot(found.ahead, found.forecast, color=BLUE, linewidth=1.6, marker="." if len(found.ahead) <= 3 else "")
    top.set_xlim(found.edges[0], (found.ahead if len(found.ahead) else found.edges)[-1])
    mean.stairs(shares.mean(axis=0), edges, fill=True, color=BLUE, alpha=0.35)
    mean.axhline(1 / shape.steps, color=GREY, linewidth=0.9, linestyle=":")
    mean.set_ylim(0)
    mean.yaxis.set_major_formatter(_percent)
    mean.yaxis.set_major_locator(MaxNLocator(3))
    mesh = heat.pcolormesh(edges, np.arange(looks + 1) + 0.5, shares, cmap="viridis", vmin=0)
    bar = figure.colorbar(mesh, ax=heat, pad=0.01, format=_percent, aspect=4 if looks == 1 else 15)
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.set_major_locator(MaxNLocator(2 if looks == 1 else 5))
    if looks > 1:
        mean.set_title("mean over the steps ahead; dotted: equal weights", loc="left", fontsize=9, pad=3)
        heat.set_title(
            "each step ahead: its row adds up to 100 %; a dot is its own time", loc="left", fontsize=9, pad=3
        )
        heat.plot(found.ahead, np.arange(len(found.ahead)) + 1, color=BLUE, marker=".", markersize=4, linestyle="")
        heat.set_ylabel("steps ahead", fontsize=9)
        heat.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        heat.invert_yaxis()
    else:
        mean.set_title("the weights; dotted: equal weights", loc="left", fontsize=9, pad=3)
        heat.set_title("the same as colors; they add up to 100 %", loc="left", fontsize=9, pad=3)
        heat.set_yticks([])
    count = f"{plan.horizon:,} step{'s' if plan.horizon > 1 else ''} ahead"
    notes = [
        {
            "direct": f"a direct network looks back once for {'all ' if plan.horizon > 1 else ''}{count}",
            "seq2seq": f"it looks back for each of {count}",
            "recursive": "rolled forward, it looks back anew for each step ahead: this is its look for the first",
        }[shape.decoder],
        "blue: the forecast" if len(found.forecast) else "",
    ]
    heat.set_xlabel(label(run.config.columns.time))
    _title(figure, top, run, "Where the network looks", _subject(run, found, label), notes)
    return figure


def _percent(share: float, _: int | None = None) -> str:
    return f"{100 * share:.3g} %"


def _subject(run: Run, found: _Window, label: Callable[[str], str]) -> str:
    """What the window is of: the target, and the series where there are several."""
    target = run.config.columns.target
    if not found.name:
        return label(target)
    return label(found.name) if target == "value" else f"{label(found.name)} ({label(target)})"


def _title(figure: Figure, top: Axes, run: Run, title: str, subject: str, notes: list[str]) -> None:
    """A title in words over the figure; in small print, over its top panel, what exactly is drawn."""
    shape, count = run.config.plan.architecture, len(run.model.members)
    notes = [
        f"member 1 of {count}" if count > 1 else "",
        f"a column is a segment of {shape.segment} rows" if shape.segment > 1 else "",
        *notes,
    ]
    said = "; ".join(note for note in notes if note)
    gap = "\n" if len(subject) > 30 else " "
    figure.suptitle(f"{title}: the newest {shape.lookback:,} rows of{gap}{subject}", x=0.02, ha="left")
    top.set_title("\n".join(textwrap.wrap(said[:1].upper() + said[1:], 120)), loc="left", fontsize=8.5, color=GREY)


def _lookback(axes: Axes, run: Run, found: _Window, label: Callable[[str], str]) -> None:
    """The series over the window, in the units of the file."""
    axes.plot(found.times, found.values, color="black", linewidth=1.2, label="series")
    name = label(run.config.columns.target)
    axes.set_ylabel(
        name if len(name) <= 12 else "", fontsize=9
    )  # a long one would reach beyond the panel; the title has it
    axes.grid(alpha=0.25)
    axes.margins(x=0)
    _time_axis(axes, found.times, _zone(run.config.time_format))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _heat(axes: Axes, edges: Any, values: Floats, *, share: bool) -> None:
    """(T, U) as colors, time to the right, and the mean over units as a line on the scale of the color bar."""
    high = 1.0 if share else float(np.abs(values).max()) or 1.0
    low, units = 0.0 if share else -high, values.shape[1]
    colors = "viridis" if share else "RdBu_r"
    mesh = axes.pcolormesh(edges, np.arange(units + 1), values.T, cmap=colors, vmin=low, vmax=high)
    line, around = ("white", "black") if share else ("black", "white")
    axes.stairs(
        (values.mean(axis=1) - low) / (high - low) * units, edges, baseline=None, color=line, linewidth=1.3,
        path_effects=[withStroke(linewidth=3, foreground=around)],
    )  # fmt: skip
    axes.set_yticks([])
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.01, aspect=8, ticks=[low, (low + high) / 2, high], format="%.2g")
    bar.ax.tick_params(labelsize=8)
