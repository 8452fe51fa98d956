"""The sections on the forecast and on how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecast_cli import evaluation, tables
from forecast_cli.evaluation import METRICS, NETWORK, Autocorrelation, Bias, Comparison
from forecast_cli.messages import number, plural
from forecast_cli.panel import Floats, values_of
from forecast_cli.plots import BySeason
from forecast_cli.report.elements import Block, Figure, Section, Table, Text
from forecast_cli.report.subject import Subject, metric_of, names_of_methods
from forecast_cli.tables import Rows

Pictures = Mapping[str, str]  # SVG by name

MOST_STEPS = 48  # of one series, up to which the forecast is a table, too
MOST_ROWS = 14  # of the table of errors by step ahead
EXTREMES = 5  # series in the table at each end
FEW_SERIES = 6  # up to which the picture of the forecast shows all


# -- the forecast ------------------------------------------------------------------------------


def forecast_section(subject: Subject, pictures: Pictures, ranked: Sequence[int]) -> Section:
    """The picture of the forecast; of a single series its numbers, too.

    ranked: the numbers of the series that were scored, the best first.
    """
    run = subject.run
    plan, columns = run.config.plan, run.config.columns
    rows = tables.read_forecast(run.texts["forecast.csv"], columns, plan.levels)
    blocks: list[Block] = []
    if not len(rows.numbers["forecast"]):
        text = "There is no forecast yet: values of known-future covariates are still to be given."
        blocks.append(Text(text, "warning"))

    description = _describe_forecast(subject, rows, ranked)
    title = "History, held-out rows with their prediction, and the forecast with its intervals"
    if len(ranked) > FEW_SERIES:
        title += ", of the series with the smallest, the median and the largest error"
    svg = pictures["predictions"]
    blocks.append(Figure("predictions", svg, title, description, newest=True))
    if subject.series == 1 and 0 < len(rows.numbers["forecast"]) <= MOST_STEPS:
        blocks.append(_forecast_table(subject, rows))
    elif len(rows.numbers["forecast"]):
        blocks.append(Text("All numbers are in forecast.csv of the run."))
    return Section("forecast", "Forecast", tuple(blocks))


def _describe_forecast(subject: Subject, rows: Rows, ranked: Sequence[int]) -> str:
    values, times = rows.numbers["forecast"], rows.texts[tables.TIME]
    if not len(values):
        return f"Lines of the history of {subject.target}. There is no forecast."

    span = f"from {times[0]} to {times[-1]}" if len(times) > 1 else f"of {times[0]}"
    low, high = number(float(values.min())), number(float(values.max()))
    if subject.series > 1:
        shown = _describe_chosen(subject, ranked)
        steps = plural(subject.run.config.plan.horizon, "step")
        return f"{shown}The forecasts of {steps} for {subject.series:,} series go from {low} to {high}."

    last = values_of(subject.run.tail, 0)[-1]
    return (
        f"Lines of {subject.target}: the history ends at {number(float(last))}; "
        f"the forecast {span} lies between {low} and {high}."
    )


def _describe_chosen(subject: Subject, ranked: Sequence[int]) -> str:
    if len(ranked) <= FEW_SERIES:
        return "Lines of several series. "
    ids = subject.run.tail.ids
    best, median, worst = (ids[ranked[place]][:60] for place in (0, len(ranked) // 2, -1))
    text = f"Lines of three series: {best!r}, predicted best; {median!r}, the median; "
    return f"{text}{worst!r}, predicted worst. "


def _forecast_table(subject: Subject, rows: Rows) -> Table:
    config = subject.run.config
    names = ["forecast", *tables.bound_names(config.plan.levels)]
    digits = subject.run.digits
    columns = [tables.rounded(rows.numbers[name], digits) for name in names]
    cells = zip(rows.texts[tables.TIME], *columns, strict=True)
    target = subject.target
    caption = f"Forecast of {target}; lo and hi are the bounds of the intervals"
    return Table(caption, (config.columns.time or "step", *names), tuple(cells))


# -- scores ------------------------------------------------------------------------------------


def scores_section(subject: Subject, compared: Mapping[str, Comparison]) -> Section:
    """The scores beside those of the naive forecasts, and how certain the difference is."""
    test = subject.run.metrics.test
    if test is None:
        text = "No held-out row was scored, so nothing is known of how good the forecast is."
        return Section("scores", "Scores on held-out rows", (Text(text, "warning"),))

    names = names_of_methods(subject.run)
    rows = []
    for method, name in names.items():
        scores = test.by_method[method]
        cells = [number(scores.value_of(metric)) for metric in METRICS]
        rows.append((name, *cells, _difference(compared.get(method))))

    held_out = f"the last {plural(test.rows, 'row')}"
    if test.series > 1:
        held_out += f" of {test.series:,} series, as means over the series"
    metric = next(iter(compared.values())).metric if compared else "mase"
    title = METRICS[metric].title
    header = ("", *(one.title for one in METRICS.values()), f"network's {title} minus this one")
    table = Table(f"Errors on {held_out}; smaller is better", header, tuple(rows))
    return Section("scores", "Scores on held-out rows", (table, *_certainty(subject, compared)))


def _difference(comparison: Comparison | None) -> str:
    """A difference with its interval; an empty text for the network itself."""
    if comparison is None:
        return ""
    text = _signed(comparison.difference)
    if comparison.low is None or comparison.high is None:
        return text
    return f"{text} ({_signed(comparison.low)} to {_signed(comparison.high)})"


def _signed(value: float) -> str:
    sign = "−" if value < 0 else "+"
    return f"{sign}{number(abs(value))}"


def _certainty(subject: Subject, compared: Mapping[str, Comparison]) -> list[Block]:
    """What the intervals of the differences say, and where they come from."""
    blocks: list[Block] = []
    if not compared:
        return blocks

    names = names_of_methods(subject.run)
    for rival, comparison in compared.items():
        blocks.append(Text(_compared_in_words(names[rival], comparison)))
    drawn = "series" if subject.series > 1 else "windows"
    if all(comparison.low is not None for comparison in compared.values()):
        text = f"The intervals in brackets hold 95 % of 2,000 draws of the {drawn} with replacement"
        blocks.append(Text(f"{text} (a bootstrap of the paired differences)."))
    else:
        text = f"For an interval of the differences there are too few {drawn}: "
        text += f"{_count(subject, compared)}. The command forecast backtest measures more of them."
        blocks.append(Text(text))
    return [*blocks, *_about_scales(subject)]


def _count(subject: Subject, compared: Mapping[str, Comparison]) -> str:
    if subject.series > 1:
        return plural(subject.series, "series", "series")
    return plural(next(iter(compared.values())).pairs, "window")


def _compared_in_words(name: str, comparison: Comparison) -> str:
    metric = METRICS[comparison.metric].title
    gain = comparison.gain
    if gain is None:
        return f"The {name} forecast has no error at all on these rows."

    side = "below" if gain >= 0 else "above"
    text = f"The network's {metric} is {abs(gain):.0%} {side} that of the {name} forecast"
    if comparison.pairs > 1:
        text += f", and smaller in {comparison.won:.0%} of {comparison.pairs:,} windows"
    if comparison.low is None:
        return f"{text}."
    chance = "is larger than chance would explain" if comparison.is_certain else "may be chance"
    return f"{text}; the difference {chance}."


def _about_scales(subject: Subject) -> list[Block]:
    if subject.rows is None or subject.rows.scaled_by != "stored":
        return []
    text = "The data of the training are not at hand, so the differences and the errors of single "
    text += (
        "series are scaled by the rows that are stored with the run. The table of errors is that "
    )
    return [Text(text + "of the training.", "warning")]


# -- by step and by series ---------------------------------------------------------------------


def steps_section(subject: Subject, pictures: Pictures) -> Section | None:
    """The error by step ahead; None where nothing was held out."""
    if subject.rows is None:
        return None

    backtest = subject.rows.backtest
    metric, names = metric_of(backtest), names_of_methods(subject.run)
    errors = {method: evaluation.scores_by(backtest, method, "step")[metric] for method in names}
    count = len(errors[NETWORK])
    rows = []
    for step in _spread(count, MOST_ROWS):
        rows.append((f"{step + 1:,}", *(number(float(errors[method][step])) for method in names)))

    title = METRICS[metric].title
    caption = f"{title} by step ahead, over all series and windows"
    if len(rows) < count:
        caption += f"; {len(rows)} of {count:,} steps"
    table = Table(caption, ("step ahead", *names.values()), tuple(rows))
    title_of_figure = f"The {title} of each step ahead"
    if backtest.origins > 1:
        title_of_figure += " (left), and from origin to origin (right)"
    picture = Figure(
        "errors",
        pictures["errors"],
        title_of_figure,
        _describe_steps(errors[NETWORK], title),
    )
    return Section("steps", "Error by step ahead", (picture, table))


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of the numbers 0 to count - 1, evenly apart, with the first and the last."""
    spread = np.linspace(0, count - 1, min(count, most)).round().astype(int)
    return [int(place) for place in np.unique(spread)]


def _describe_steps(errors: Floats, title: str) -> str:
    known = np.flatnonzero(np.isfinite(errors))
    if not len(known):
        return "Nothing could be scored."
    first, last = errors[known[0]], errors[known[-1]]
    worst = known[int(np.argmax(errors[known]))]
    return (
        f"Lines of the {title} of the network and of naive forecasts. That of the network is "
        f"{number(float(first))} {_ahead(int(known[0]))} and {number(float(last))} "
        f"{_ahead(int(known[-1]))}; it is largest {_ahead(int(worst))}: {number(float(errors[worst]))}."
    )


def _ahead(step: int) -> str:
    return f"{plural(step + 1, 'step')} ahead"


def series_section(subject: Subject, pictures: Pictures, ranked: Sequence[int]) -> Section | None:
    """The error by series; None for a single series.

    ranked: the numbers of the series that were scored, the best first.
    """
    if subject.rows is None or subject.series == 1 or not ranked:
        return None

    backtest = subject.rows.backtest
    metric, names = metric_of(backtest), names_of_methods(subject.run)
    errors = {method: evaluation.scores_by(backtest, method, "series")[metric] for method in names}
    title = METRICS[metric].title
    shown = _shown_ranks(len(ranked))
    rows = []
    for rank in shown:
        index = ranked[rank]
        cells = [number(float(errors[method][index])) for method in names]
        rows.append((subject.run.tail.ids[index], f"{rank + 1:,}", *cells))

    caption = f"{title} by series, the best first"
    if len(shown) < len(ranked):
        caption += f": {len(shown)} of {len(ranked):,} series, those at both ends and the median"
    table = Table(caption, ("series", "rank", *names.values()), tuple(rows))
    blocks: list[Block] = [Text(_series_in_words(errors, ranked, names, title))]
    if len(ranked) > FEW_SERIES:
        drawn = "The best, the median and the worst of them are drawn under Forecast."
        blocks.append(Text(drawn))
    if "series" in pictures:
        blocks.append(_histogram(pictures["series"], errors[NETWORK][list(ranked)], title))
    return Section("series", "Error by series", (*blocks, table))


def _shown_ranks(count: int) -> list[int]:
    if count <= 2 * EXTREMES + 1:
        return list(range(count))
    return [*range(EXTREMES), count // 2, *range(count - EXTREMES, count)]


def _series_in_words(
    errors: Mapping[str, Floats], ranked: Sequence[int], names: Mapping[str, str], title: str
) -> str:
    index = list(ranked)
    network = errors[NETWORK][index]
    low, middle, high = np.percentile(network, [10, 50, 90])
    text = (
        f"The median series has a {title} of {number(float(middle))}; of every ten series, eight "
    )
    text += f"lie between {number(float(low))} and {number(float(high))}."
    for method, name in names.items():
        if method != NETWORK:
            better = int((network < errors[method][index]).sum())
            text += f" The network is better than the {name} forecast in {better:,} of "
            text += f"{len(index):,} series."
    return text


def _histogram(svg: str, errors: Floats, title: str) -> Figure:
    low, high = number(float(errors.min())), number(float(errors.max()))
    text = f"Stairs of how many series have which {title}. Those of the network go from {low} to {high}."
    caption = f"How many series have which {title}; those at the right end have that or more"
    return Figure("series", svg, caption, text)


def ranked_series(subject: Subject) -> list[int]:
    """The numbers of the series that were scored, the one with the smallest error first."""
    if subject.rows is None:
        return []
    backtest = subject.rows.backtest
    errors = evaluation.scores_by(backtest, NETWORK, "series")[metric_of(backtest)]
    order = np.argsort(errors, kind="stable")
    return [int(index) for index in order if np.isfinite(errors[index])]


# -- coverage ----------------------------------------------------------------------------------


def coverage_section(subject: Subject) -> Section:
    """How many held-out values the intervals held, where that was measured without a leak."""
    run = subject.run
    levels = run.config.plan.levels
    if not levels:
        return Section("coverage", "Intervals", (Text("The forecast has no intervals."),))

    measured = run.metrics.intervals
    coverage = _coverage_rows(getattr(measured, "coverage", None))
    blocks: list[Block] = []
    if coverage:
        header = ("interval", "held", "of held-out values", "MSIS")
        blocks.append(Table("Coverage of the intervals on held-out rows", header, coverage))
    else:
        text = "The coverage of these intervals was not measured on rows that they had not seen."
        blocks.append(Text(text))

    windows = plural(measured.windows, "window")
    source = f"They come from the errors in {windows} of rows that the network was not trained on."
    if not measured.unseen:
        source = (
            "They come from errors on rows that the network was trained on, so they are too narrow."
        )
    blocks.append(Text(source, "info" if measured.unseen else "warning"))
    return Section("coverage", "Intervals", tuple(blocks))


def _coverage_rows(coverage: Any) -> tuple[tuple[str, ...], ...]:
    """The rows of the table of coverage: level, share, values and MSIS; none where none is known.

    coverage: records of metrics.json, of a release that measures it, or plain objects of JSON.
    """
    rows = []
    for one in coverage if isinstance(coverage, list | tuple) else ():
        level, values, held = (_field(one, name) for name in ("level", "values", "held"))
        if level is None or not values or held is None:
            return ()
        share = f"{100 * held / values:.1f} %"
        rows.append((f"{level:.10g} %", share, f"{values:,}", number(_field(one, "msis"))))
    return tuple(rows)


def _field(record: Any, name: str) -> Any:
    """A value of a record; None where it has none of this name that is a number."""
    value = record.get(name) if isinstance(record, dict) else getattr(record, name, None)
    return value if isinstance(value, int | float) else None


# -- residuals ---------------------------------------------------------------------------------


def residuals_section(
    subject: Subject,
    pictures: Pictures,
    found: Autocorrelation | None,
    bias: Bias | None,
    by_season: BySeason | None,
) -> Section | None:
    """Checks of what the forecast left over; None where nothing was held out."""
    if subject.rows is None or bias is None or found is None:
        return None

    unit = residual_unit(subject)
    blocks: list[Block] = [Text(_bias_in_words(bias, unit))]
    blocks.append(Text(_correlation_in_words(found, subject.run.config.plan.horizon)))
    if by_season is not None:
        blocks.append(Text(_season_in_words(by_season, unit)))
    if "residuals" in pictures:
        title = "Autocorrelation of the errors on held-out rows; dashed: the limits of chance"
        if by_season is not None:
            title += (
                f". At the right, the mean error by {by_season.title}, in front of its mean size"
            )
        description = " ".join(block.text for block in blocks if isinstance(block, Text))
        blocks.append(Figure("residuals", pictures["residuals"], title, description))
    return Section("residuals", "What the forecast missed", tuple(blocks))


def residual_unit(subject: Subject) -> str:
    """The unit of residuals in words."""
    if subject.series > 1 and subject.rows and (subject.rows.backtest.scales > 0).any():
        return "in units of MASE"
    return f"in units of {subject.target[:40]}"


def _bias_in_words(bias: Bias, unit: str) -> str:
    side = "too low" if bias.mean > 0 else "too high"
    text = f"Bias: on average the forecast is {number(abs(bias.mean))} {side} ({unit}), "
    text += f"where the mean size of an error is {number(bias.size)}."
    if bias.low is None or bias.high is None:
        return f"{text} There are too few windows to say whether that is chance."
    interval = f"{_signed(bias.low)} to {_signed(bias.high)}"
    verdict = "more than chance would explain" if bias.is_certain else "which may be chance"
    return f"{text} The mean error lies in {interval} with 95 % confidence, {verdict}."


def _correlation_in_words(found: Autocorrelation, horizon: int) -> str:
    if not len(found.lags):
        return "Autocorrelation: there are too few held-out rows to measure it."
    first = f"Autocorrelation: errors {plural(int(found.lags[0]), 'row')} apart correlate by "
    first += f"{found.values[0]:.2f}, where chance alone stays within ±{found.limits[0]:.2f}."

    beyond = (found.lags >= horizon) & (np.abs(found.values) > found.limits)
    if horizon > 1:
        first += " Errors of one forecast over several steps are alike by nature;"
        first += f" what could be improved would show at {horizon:,} rows and more."
    if beyond.any():
        lags = ", ".join(f"{lag}" for lag in found.lags[beyond][:5].tolist())
        return f"{first} It exceeds the limits there, at {lags} rows apart."
    if (found.lags >= horizon).any():
        return f"{first} There it stays within the limits of chance."
    return first


def _season_in_words(by_season: BySeason, unit: str) -> str:
    known = np.flatnonzero(np.isfinite(by_season.means))
    worst = known[int(np.argmax(by_season.sizes[known]))]
    best = known[int(np.argmin(by_season.sizes[known]))]
    return (
        f"Season: by {by_season.title}, the mean size of an error is largest at "
        f"{by_season.names[worst]} ({number(float(by_season.sizes[worst]))}) and smallest at "
        f"{by_season.names[best]} ({number(float(by_season.sizes[best]))}), {unit}."
    )
