"""The page of a run: one HTML document that needs no other file, no network and no script.

What is named here is what other packages may use. Data go through it in three steps: the sections
of `quality` and `background` are values, `plots` draws their figures, and `rendering`, the only
place that knows Jinja2, escapes their texts and makes HTML of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecast_cli import __version__, evaluation, plots
from forecast_cli.plots import ToDraw
from forecast_cli.report import background, quality
from forecast_cli.report.elements import Page, Section
from forecast_cli.report.rendering import render
from forecast_cli.report.seasons import residuals_by_season
from forecast_cli.report.subject import Subject, comparisons, metric_of

__all__ = ["Made", "Subject", "make"]

MOST_LAGS = 60
LEAST_LAGS = 10


@dataclass(frozen=True)
class Made:
    """A page as HTML. note: what to tell the user if no font of the system has all letters."""

    html: bytes
    note: str = ""


def make(subject: Subject) -> Made:
    """The page of a run. The tables of the run must have been checked."""
    ranked = quality.ranked_series(subject)
    checks = _checks(subject, ranked)
    drawn = plots.draw_for_page(subject.run, checks)
    pictures = {name: svg.decode() for name, svg in drawn.files.items()}

    backtest = subject.rows.backtest if subject.rows else None
    compared = comparisons(backtest) if backtest else {}
    sections: list[Section | None] = [
        quality.forecast_section(subject, pictures, ranked),
        quality.scores_section(subject, compared),
        quality.steps_section(subject, pictures),
        quality.series_section(subject, pictures, ranked),
        quality.coverage_section(subject),
        quality.residuals_section(
            subject,
            pictures,
            checks.autocorrelation if checks else None,
            evaluation.bias(backtest) if backtest else None,
            checks.by_season if checks else None,
        ),
        background.training_section(subject, pictures),
        background.data_section(subject),
        background.notes_section(subject),
        background.settings_section(subject),
        background.versions_section(subject),
    ]
    run = subject.run
    page = Page(
        title=f"Forecast of {subject.target}",
        verdict=run.metrics.verdict,
        facts=background.facts(run),
        sections=tuple(section for section in sections if section is not None),
        footer=f"Made by forecast {__version__}.",
    )
    return Made(render(page), drawn.note)


def _checks(subject: Subject, ranked: list[int]) -> ToDraw | None:
    """What the figures show of the held-out rows; None where there are none."""
    if subject.rows is None:
        return None

    rows, plan = subject.rows, subject.run.config.plan
    residuals = evaluation.residuals_of(rows.backtest, rows.positions)
    lags = min(MOST_LAGS, max(LEAST_LAGS, 2 * plan.season, 2 * plan.horizon))
    chosen = None
    if len(ranked) > quality.FEW_SERIES:
        best, median, worst = (ranked[place] for place in (0, len(ranked) // 2, -1))
        chosen = {best: "best: ", median: "median: ", worst: "worst: "}
    return ToDraw(
        result=rows.backtest,
        metric=metric_of(rows.backtest),
        series=chosen,
        autocorrelation=evaluation.autocorrelation(residuals, lags),
        by_season=residuals_by_season(subject.run, residuals),
        scaled=residuals.scaled,
    )
