"""Numbers in config.json that this tool would never write are refused, naming the field and the value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.calendar import DAY, WEEK, Frequency
from forecast_cli.errors import RunRejectedError
from forecast_cli.panel import TimeFormat
from forecast_cli.planning import Plan
from forecast_cli.store.bounds import check_frequency, check_path, check_plan, check_time_format
from tests.store.helpers import reseal


@pytest.fixture(scope="module")
def plan(airline_store: Path) -> Plan:
    return store.load(airline_store).config.plan


def test_a_plan_of_ours_is_within_bounds(plan: Plan) -> None:
    assert check_plan(plan) is plan


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"horizon": 0}, "horizon: 0 is not between 1 and 1,000,000"),
        ({"lag": 1_000_001}, "lag: 1,000,001 is not between 0 and 1,000,000"),
        ({"members": 0}, "members: 0 is not between 1 and 1,000"),
        ({"seasons": (12, 1)}, "seasons: 1 is not between 2 and 1,000,000"),
        ({"levels": (80.0, 100.0)}, "levels: 100 is not between 0 and 100"),
        ({"seed": 2**31}, "seed: 2,147,483,648 is not between 0 and 2,147,483,647"),
        ({"warmup": -1}, "warmup: -1 is not between 0 and 2,147,483,647"),
        ({"learning_rate": -0.5}, "learning_rate: -0.5 is not between 0 and 2,147,483,647"),
        ({"loss": "quantile"}, "quantiles: they do not fit the loss 'quantile'"),
        ({"horizon": 11}, "outputs: 12 is not 11"),
    ],
)
def test_a_number_of_a_plan_that_is_out_of_bounds_is_named(
    plan: Plan, change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        check_plan(replace(plan, **change))
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lookback": 0}, "lookback: 0 is not between 1 and 1,000,000"),
        ({"inputs": 0}, "inputs: 0 is not between 1 and 1,000,000"),
        ({"segment": 5}, "segment: 5 does not divide the lookback of 24"),
        ({"segment": 0}, "segment: 0 is not between 1 and 1,000,000"),
        ({"units": ()}, "the number of layers: 0 is not between 1 and 16"),
        ({"units": (1,) * 17}, "the number of layers: 17 is not between 1 and 16"),
        ({"units": (4, 0)}, "units: 0 is not between 1 and 1,000,000"),
        ({"units": (500_000,)}, "the number of parameters: "),
        ({"known": 1}, "known: 1 is not between 0 and 0"),
        ({"static": 10_001}, "static: 10,001 is not between 0 and 10,000"),
        ({"dropout": 1e300}, "dropout: "),
        ({"decoder": "recursive"}, "outputs: 12 is not 1"),
        ({"quantiles": (0.1, 0.5, 0.9)}, "quantiles: they do not fit the loss 'mse'"),
    ],
)
def test_a_number_of_a_network_that_is_out_of_bounds_is_named(
    plan: Plan, change: dict[str, Any], problem: str
) -> None:
    shape = replace(plan.architecture, **change)
    with pytest.raises(ValueError, match=r".+") as caught:
        check_plan(replace(plan, architecture=shape))
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("quantiles", "problem"),
    [
        ((0.9, 0.5, 0.1), "quantiles: they are not in order"),
        ((0.5, 0.5, 0.9), "quantiles: they are not in order"),
        ((0.0, 0.5, 0.9), "quantiles: 0 is not above 0"),
        ((0.1, 0.4, 0.9), "quantiles: the one in the middle is not 0.5"),
    ],
)
def test_quantiles_rise_about_a_half(
    plan: Plan, quantiles: tuple[float, ...], problem: str
) -> None:
    def with_quantiles(quantiles: tuple[float, ...]) -> Plan:
        return replace(
            plan, loss="quantile", architecture=replace(plan.architecture, quantiles=quantiles)
        )

    check_plan(with_quantiles((0.1, 0.5, 0.9)))
    with pytest.raises(ValueError, match=problem):
        check_plan(with_quantiles(quantiles))


@pytest.mark.parametrize(
    ("frequency", "problem"),
    [
        (Frequency("months", 0), "size: 0 is not between 1 and 1,200,000"),
        (Frequency("fixed", 100_000 * WEEK + 1), "size: "),
        (Frequency("business", 2), "size: 2 is not between 1 and 1"),
        (Frequency("step", 10**16), "size: "),
        (Frequency("months", 3, phase=3), "phase: 3 is not between 0 and 2"),
        (Frequency("months", day=32), "day: 32 is not between 1 and 31"),
        (
            Frequency("months", clock=DAY),
            "clock: 86,400,000,000 is not between 0 and 86,399,999,999",
        ),
    ],
)
def test_a_grid_that_no_file_has_is_refused(frequency: Frequency, problem: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        check_frequency(frequency)
    assert str(caught.value).startswith(problem)


def test_the_grids_of_files_are_within_bounds() -> None:
    for frequency in (
        Frequency("step"),
        Frequency("fixed", DAY, 5),
        Frequency("business"),
        Frequency("months", 3, 2, 31),
    ):
        assert check_frequency(frequency) is frequency


@pytest.mark.parametrize(
    ("time_format", "problem"),
    [
        (TimeFormat("%Y-%1000000000d"), "pattern: it is not a pattern of dates"),
        (TimeFormat("%Y-%m%"), "pattern: it is not a pattern of dates"),
        (TimeFormat("%Y" * 300), "pattern: it is not a pattern of dates"),
        (TimeFormat("%Y-%-1000d"), "pattern: it is not a pattern of dates"),
        (TimeFormat("%Y", months=("Jan",)), "months: these are not twelve names"),
        (TimeFormat("%Y", halves=("a",)), "halves: these are not two names"),
        (TimeFormat("%Y", halves=("a", "b\nc")), "a name in the format of times is not a word"),
        (TimeFormat("%Y", marker="%Y" * 100), "a name in the format of times is not a word"),
        (TimeFormat("%Y", span=-1), "span: -1 is not between 0 and 60,480,000,000,000,000"),
        (TimeFormat("%Y", "+9"), "offset: it is not an offset from UTC"),
        (
            TimeFormat("%Y", timezone="../../etc/passwd"),
            "no time zone '../../etc/passwd' is known here",
        ),
        (TimeFormat("%Y", timezone="Mars/Olympus"), "no time zone 'Mars/Olympus' is known here"),
    ],
)
def test_a_format_of_times_that_does_harm_is_refused(time_format: TimeFormat, problem: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        check_time_format(time_format)
    assert str(caught.value) == problem


def test_usual_formats_of_times_are_within_bounds() -> None:
    for time_format in (
        TimeFormat(),
        TimeFormat("%d.%m.%Y %H:%M", "+02:00"),
        TimeFormat("%Y", "Z", "Europe/Berlin"),
        TimeFormat("%-d.%-m.%Y%|%+-H:%M:%S.%3f%>-%H:%M", span=1),
        TimeFormat("%d %b %Y %Z", "+02", marker="CEST", months=("mai",) * 12),
    ):
        assert check_time_format(time_format) is time_format


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="a path cannot hold a NUL character"):
        check_path("a\0b")


def test_a_sealed_run_out_of_bounds_names_file_field_and_value(store_copy: Path) -> None:
    def change(texts: dict[str, bytes]) -> None:
        texts["config.json"] = texts["config.json"].replace(b'"horizon": 12', b'"horizon": 0')

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError) as caught:
        store.load(store_copy)
    path = store_copy / "runs" / store.latest(store_copy) / "config.json"
    assert caught.value.message == (
        f"{path}: it does not hold the settings of a run (plan: horizon: 0 is not between 1 and 1,000,000); "
        "the run is damaged, or was not written by forecast"
    )
