from __future__ import annotations

import pytest

from forecast_cli.panel import TimeFormat
from forecast_cli.reading.time_styles import examples_of, written_like


@pytest.mark.parametrize(
    ("pattern", "texts", "written"),
    [
        ("%d/%m/%Y", ["31/12/2024", "1/1/2025"], TimeFormat("%-d/%-m/%Y")),
        ("%d/%m/%Y", ["31/12/2024", "01/01/2025"], TimeFormat("%d/%m/%Y")),
        ("%d/%m/%Y", ["1/10/2024", "2/10/2024"], TimeFormat("%-d/%-m/%Y")),
        ("%d/%m/%Y %H:%M", ["1/1/2024 00:00"], TimeFormat("%-d/%-m/%Y %H:%M")),
        ("%d/%m/%Y %H:%M", ["1/1/2024 10:00"], TimeFormat("%-d/%-m/%Y %-H:%M")),
        ("%Y-%m-%d %H:%M", ["2024-01-01 24:00", "2024-01-02 01:00"], TimeFormat("%Y-%m-%d %+H:%M")),
        ("%H:%M:%S.%f %Y", ["00:00:00.123 2024"], TimeFormat("%H:%M:%S.%3f %Y")),
        ("%H:%M:%S.%f %Y", ["00:00:00.123456 2024"], TimeFormat("%H:%M:%S.%f %Y")),
        ("%YQ%q", ["2024q1"], TimeFormat("%Yq%q")),
        ("%d-%b-%Y", ["01-Jan-2024"], TimeFormat("%d-%b-%Y")),
        (
            "%Y-%m-%dT%H:%M%z",
            ["2024-01-01T00:00+01", "2024-06-01T00:00+02"],
            TimeFormat("%Y-%m-%dT%H:%M%z", offset="+02"),
        ),
        (
            "%Y %H:%M %Z",
            ["2024 00:00 MESZ"],
            TimeFormat("%Y %H:%M %Z", offset="+02:00", marker="MESZ"),
        ),
        ("%I %p %Y", ["01 p.m. 2024"], TimeFormat("%I %p %Y", halves=("a.m.", "p.m."))),
        (
            "%Y-%m-%d %H:%M%>/%H:%M",
            ["2024-01-01 00:00/00:15"],
            TimeFormat("%Y-%m-%d %H:%M%>/%H:%M", span=900_000_000),
        ),
        (
            # Months are not of one length, so that the end of the next one is not known.
            "%Y-%m-%d%>/%Y-%m-%d",
            ["2024-01-01/2024-01-31", "2024-02-01/2024-02-29", "2024-03-01/2024-03-31"],
            TimeFormat("%Y-%m-%d", span=2_592_000_000_000),
        ),
        ("%Y-%m-%d", ["nothing"], TimeFormat("%Y-%m-%d")),
    ],
)
def test_times_are_written_as_the_texts_are(
    pattern: str, texts: list[str], written: TimeFormat
) -> None:
    assert written_like(pattern, texts) == written


@pytest.mark.parametrize(
    ("pattern", "text", "months"),
    [
        ("%b %Y", "DEC 2024", "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
        ("%b %Y", "dec 2024", "jan feb mar apr may jun jul aug sep oct nov dec"),
        ("%b %Y", "Sept 2024", "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"),
        (
            "%b %Y",
            "janv. 2024",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        ),
        ("%b %Y", "Okt 2024", "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez"),
        ("%b %Y", "Mrz 2024", "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez"),
        (
            "%B %Y",
            "décembre 2024",
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        ),
    ],
)
def test_months_that_were_not_seen_are_written_like_those_that_were(
    pattern: str, text: str, months: str
) -> None:
    assert written_like(pattern, [text]).months == tuple(months.split())


def test_the_texts_that_show_the_style_are_few_and_tell_everything() -> None:
    cells = [f"{day}/10/2024 {hour:02}:00" for day in range(10, 30) for hour in range(1, 25)]
    cells[200] = "9/10/2024 01:00"
    texts = examples_of(cells)
    assert len(texts) <= 200
    assert written_like("%d/%m/%Y %H:%M", texts).pattern == "%-d/%-m/%Y %+H:%M"
