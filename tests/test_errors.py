"""Failures as values: what is wrong, what helps, where it is, and an exit code."""

from __future__ import annotations

import pytest

from forecast_cli.errors import (
    BUG,
    DataError,
    ForecastError,
    OutOfMemoryError,
    Remedy,
    StoppedError,
    TooLittleDataError,
    failure_of,
)


def test_a_failure_has_its_place_in_the_input_as_fields() -> None:
    error = DataError("no number", "use --decimal", option="decimal", line=3, column="y", value="a")
    assert (error.message, error.hint, str(error)) == ("no number", "use --decimal", "no number")
    assert (error.option, error.line, error.column, error.value) == ("decimal", 3, "y", "a")
    assert (error.path, error.proposal) == ("", "")


def test_too_little_data_is_bad_data_with_a_code_of_its_own() -> None:
    assert issubclass(TooLittleDataError, DataError)
    assert (DataError.exit_code, TooLittleDataError.exit_code) == (20, 21)


def test_the_file_is_named_once() -> None:
    error = DataError("no rows")
    error.name_file("data.csv")
    error.name_file("data.csv")
    assert (error.message, error.path) == ("data.csv: no rows", "data.csv")


def test_a_file_that_is_named_already_keeps_its_name() -> None:
    error = DataError("data.csv:3: no number", path="data.csv")
    error.name_file("data.csv")
    assert error.message == "data.csv:3: no number"


@pytest.mark.parametrize(("number", "code"), [(1, 129), (2, 130), (15, 143)])
def test_a_signal_has_the_exit_code_that_shells_give_it(number: int, code: int) -> None:
    error = StoppedError(number)
    assert error.exit_code == code
    assert error.message == f"stopped by signal {number}; nothing was published"


def test_a_stop_is_not_taken_for_whatever_else_goes_wrong() -> None:
    assert not issubclass(StoppedError, Exception)
    stop = StoppedError(15)
    assert failure_of(stop) is stop


def test_a_failure_of_ours_is_passed_on_as_it_is() -> None:
    error = DataError("no rows")
    assert failure_of(error) is error


def test_too_little_memory_is_no_bug() -> None:
    failure = failure_of(MemoryError())
    assert isinstance(failure, OutOfMemoryError)
    assert (failure.exit_code, failure.message) == (31, "this does not fit in memory")


def test_any_other_exception_is_a_bug_on_one_line() -> None:
    cause = KeyError("a\n  b")
    failure = failure_of(cause)
    assert type(failure) is ForecastError
    assert failure.exit_code == BUG
    assert failure.message == "unexpected KeyError: 'a\\n b'"
    assert failure.hint == "this is a bug; run again with --debug and report it"
    assert failure.__cause__ is cause


def test_an_error_has_remedies_where_options_settle_it() -> None:
    remedy = Remedy({"header": False}, "reads line 1 as data")
    assert DataError("no header", remedies=[remedy]).remedies == (remedy,)
    assert DataError("no header").remedies == ()
