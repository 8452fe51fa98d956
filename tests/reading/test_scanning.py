"""Where the rows of a text are, by its separators and newlines."""

from __future__ import annotations

import pytest

from forecast_cli.reading.scanning import count_regular_rows


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        (b"y\n1\n2\n3\n", 1, 3),
        (b"y\n1\n\n3\n", 1, None),
        (b"y\n\n1\n", 1, None),
        (b"a,b\n1,2\n3,4\n", 2, 2),
        (b"a,b\n1,2\n\n3,4\n", 2, None),
        (b"a,b\n\n1,2\n", 2, None),
        (b"a,b\n1,2\n\n\n3,4\n", 2, None),
        (b"a,b\n1,2\n3\n4,5,6\n", 2, None),
        (b"a,b,c\n1,2,3\n\n\n\n4,5,6\n", 3, None),
    ],
)
def test_rows_are_counted_only_where_each_is_one_line_of_all_fields(
    text: bytes, width: int, rows: int | None
) -> None:
    assert count_regular_rows(text, text.index(b"\n") + 1, ",", width) == rows
