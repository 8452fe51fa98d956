"""Bounds of what config.json holds: the plan, the frequency and the format of the times.

These classes belong to other modules, which make sensible ones. A file can hold anything, so each
check here raises ValueError, naming the field and the value, for what this tool would never write.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from forecast_cli import calendar
from forecast_cli.calendar import Frequency
from forecast_cli.network import Architecture
from forecast_cli.panel import TimeFormat
from forecast_cli.planning import Plan, count_parameters, part_plans

MAX_NUMBER = 2**31  # in a plan
MAX_STEPS = 1_000_000  # of a horizon, a lookback, a season
MAX_LAYERS = 16
MAX_PARAMETERS = 1 << 30  # of all members together
MAX_PARTS = 100  # of a portfolio
ROUNDING = 1e-9  # in the sum of weights

# Directives without the widths of strftime, which would write as much as it is told.
_TIME_PATTERN = re.compile(r"(?:[^%\0]|%[-+]{0,2}[A-Za-z]|%[1-9]f|%[%>|]){0,200}")
_OFFSET = re.compile(r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?")
_WORD = re.compile(r"[^\s\0%]{1,20}")  # for a month, or half a day


def check_plan(plan: Plan) -> Plan:
    """The plan, if all its numbers are within bounds and fit each other. Raises ValueError."""
    # First of all numbers, so that the arithmetic below cannot overflow.
    for name, value in _numbers(plan):
        _check_between(name, value, 0, MAX_NUMBER - 1)

    _check_between("horizon", plan.horizon, 1, MAX_STEPS)
    _check_between("lag", plan.lag, 0, MAX_STEPS)
    _check_between("members", plan.members, 1, 1000)
    for season in plan.seasons:
        _check_between("seasons", season, 2, MAX_STEPS)
    for level in plan.levels:
        _require(0 < level < 100, f"levels: {level:g} is not between 0 and 100")

    _check_architecture(plan.architecture, plan.horizon)
    _check_between("freeze", plan.freeze, 0, len(plan.architecture.units))
    _check_quantiles(plan)
    _check_base(plan)
    if plan.parts or plan.statistics:
        _check_portfolio(plan)

    parameters = count_parameters(plan)
    _check_between("the number of parameters", parameters, 1, MAX_PARAMETERS)
    return plan


def _check_portfolio(plan: Plan) -> None:
    _check_between("the number of parts", len(plan.parts), 1, MAX_PARTS)
    _check_between("the number of statistics", len(plan.statistics), 0, MAX_PARTS)
    main = plan.architecture
    for part, alone in zip(plan.parts, part_plans(plan), strict=True):
        check_plan(alone)
        shape = part.architecture
        sees = (shape.inputs, shape.known, shape.static, shape.outputs, shape.quantiles)
        is_alike = sees == (main.inputs, main.known, main.static, main.outputs, main.quantiles)
        _require(is_alike, f"parts: {part.name!r} sees other features than the others")
        _check_between("weight", part.weight, 0, 1)
    for statistic in plan.statistics:
        _check_between("weight", statistic.weight, 0, 1)
        _check_between("season", statistic.season, 1, MAX_STEPS)

    _require(
        plan.architecture == plan.parts[0].architecture, "parts: the first is not the main one"
    )
    members = sum(part.members for part in plan.parts)
    _require(plan.members == members, f"members: {plan.members:,} is not {members:,}")
    total = sum(plan.weights)
    _require(abs(total - 1) < ROUNDING, f"weight: they add up to {total:g}, not to 1")


def _check_base(plan: Plan) -> None:
    share = plan.base
    if share is None:
        return
    _check_between("weight", share.weight, 0, 1)
    _require(share.architecture.by_season is not None, "base: it does not read seasons")
    _check_architecture(share.architecture, plan.horizon)


def check_frequency(frequency: Frequency) -> Frequency:
    """The frequency, if its grid is one that the reader makes. Raises ValueError."""
    sizes = {"step": 10**15, "fixed": 100_000 * calendar.WEEK, "months": 1_200_000}
    largest_size = sizes.get(frequency.kind, 1)

    _check_between("size", frequency.size, 1, largest_size)
    _check_between("phase", frequency.phase, 0, frequency.size - 1)
    _check_between("day", frequency.day, 1, 31)
    _check_between("clock", frequency.clock, 0, calendar.DAY - 1)
    return frequency


def check_time_format(time_format: TimeFormat) -> TimeFormat:
    """The format of the times, if it can be written without harm. Raises ValueError."""
    is_pattern = _TIME_PATTERN.fullmatch(time_format.pattern) is not None
    _require(is_pattern, "pattern: it is not a pattern of dates")

    is_offset = _OFFSET.fullmatch(time_format.offset) is not None
    _require(is_offset, "offset: it is not an offset from UTC")

    _require(len(time_format.months) in (0, 12), "months: these are not twelve names")
    _require(len(time_format.halves) in (0, 2), "halves: these are not two names")
    for word in (*time_format.months, *time_format.halves, time_format.marker or "-"):
        _require(_WORD.fullmatch(word) is not None, "a name in the format of times is not a word")
    _check_between("span", time_format.span, 0, 100_000 * calendar.WEEK)

    if time_format.timezone:
        _check_time_zone(time_format.timezone)
    return time_format


def check_path(path: str) -> str:
    """The path, if it can be one. Raises ValueError."""
    _require("\0" not in path, "a path cannot hold a NUL character")
    return path


def _check_architecture(shape: Architecture, horizon: int) -> None:
    _check_between("lookback", shape.lookback, 1, MAX_STEPS)
    _check_between("inputs", shape.inputs, 1, MAX_STEPS)
    _check_between("segment", shape.segment, 1, MAX_STEPS)
    _check_between("outputs", shape.outputs, 1, MAX_STEPS)
    _check_between("known", shape.known, 0, shape.inputs - 1)
    _check_between("static", shape.static, 0, 10_000)
    _check_between("the number of layers", len(shape.units), 1, MAX_LAYERS)
    for units in shape.units:
        _check_between("units", units, 1, MAX_STEPS)

    _require(
        shape.lookback % shape.segment == 0,
        f"segment: {shape.segment:,} does not divide the lookback of {shape.lookback:,}",
    )

    if shape.by_season is not None:
        seasons = shape.by_season
        _check_between("season", seasons.steps, 1, MAX_STEPS)
        _check_between("read", seasons.read, 2, MAX_STEPS)
        _check_between("cycle", seasons.cycle, 0, MAX_STEPS)
        whole = shape.lookback % seasons.steps == 0
        _require(whole, f"season: {seasons.steps:,} does not divide the lookback")
        enough = seasons.read * seasons.steps <= shape.lookback
        _require(enough, f"read: {seasons.read:,} seasons are more than the lookback")

    expected = 1 if shape.decoder == "recursive" else horizon
    _require(shape.outputs == expected, f"outputs: {shape.outputs:,} is not {expected:,}")


def _check_quantiles(plan: Plan) -> None:
    shape, quantiles = plan.architecture, plan.architecture.quantiles

    wants_quantiles = plan.loss == "quantile"
    problem = f"quantiles: they do not fit the loss {plan.loss!r}"
    _require(wants_quantiles == bool(quantiles), problem)
    if not quantiles:
        return

    _require(list(quantiles) == sorted(set(quantiles)), "quantiles: they are not in order")
    _require(quantiles[0] > 0, f"quantiles: {quantiles[0]:g} is not above 0")
    _require(quantiles[shape.point_index] == 0.5, "quantiles: the one in the middle is not 0.5")


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f"no time zone {name!r} is known here") from None


def _numbers(record: Any) -> Iterator[tuple[str, float]]:
    """Every number in a record and in the records and tuples in it, with the name of its field."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if dataclasses.is_dataclass(value):
            yield from _numbers(value)
            continue

        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, int | float):
                yield field.name, item


def _check_between(name: str, value: float, low: int, high: int) -> None:
    _require(low <= value <= high, f"{name}: {value:,} is not between {low:,} and {high:,}")


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
