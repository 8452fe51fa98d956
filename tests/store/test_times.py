"""Times as the names of runs have them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import store
from forecast_cli.errors import RunRejectedError


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))
def test_a_time_comes_back_to_the_second(time: datetime) -> None:
    time = time.replace(tzinfo=UTC)
    assert store.time_of(store.time_text(time)) == time.replace(microsecond=0)


def test_the_name_of_a_run_begins_with_its_time() -> None:
    time = datetime(2026, 11, 22, 3, 10, 4, tzinfo=UTC)
    assert store.time_text(time) == "20261122T031004Z"
    assert store.time_of("20261122T031004Z-000007-0b5ac15f1a4e") == time


@pytest.mark.parametrize("text", ["20261399T999999Z", "now", ""])
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(RunRejectedError) as raised:
        store.time_of(f"{text}-000007-0b5ac15f1a4e")
    assert raised.value.message == (
        f"{text}-000007-0b5ac15f1a4e does not begin with a time: {text} does not exist"
    )


def test_the_clock_is_in_utc() -> None:
    assert store.now_in_utc().tzinfo is UTC
