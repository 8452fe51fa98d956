"""The tree of errors and its exit codes."""

from __future__ import annotations

from forecast_cli import errors


def test_every_error_class_has_a_code_of_its_own_in_the_docstring() -> None:
    codes = [
        c.exit_code
        for c in vars(errors).values()
        if isinstance(c, type) and c.__module__ == errors.__name__
    ]
    assert sorted(set(codes)) == [1, 2, 10, 11, 12, 13, 20, 21, 22, 30, 31]
    for kind in vars(errors).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, errors.ForecastError)
            and kind is not errors.ForecastError
        ):
            assert f"- {kind.__name__}" in str(errors.__doc__)
