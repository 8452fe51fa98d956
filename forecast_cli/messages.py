"""Notes: what a user should hear of, as values; and the few words that messages share.

Code decides by `kind` and `fields`. The text is for people, and nothing reads it.
"""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["info", "warning", "degraded"]

Kind = Literal[
    # what was read
    "columns_not_used",
    "column_may_name_series",
    "dates_sorted",
    "duplicates",
    "gaps_counted_as_zero",
    "gaps_filled",
    "covariates_filled",
    "last_line_cut",
    "last_line_unfinished",
    "lines_left_out",
    "mixed_steps",
    "placeholders_kept",
    "rows_selected",
    "rows_skipped",
    "series_ignored",
    "series_without_values",
    "time_in_columns",
    "trailing_rows",
    "unknown_levels",
    # what was learned
    "not_resumed",
    "repeated",
    "together",
    "time_limit",
    "trials_failed",
    "validation_missing",
    "windows_complete",
    # what was forecast, and kept
    "base_network",
    "beyond_horizon",
    "beyond_measured",
    "bounds_empty",
    "constant_series",
    "coverage",
    "forecast_missing",
    "held_out_bounds_empty",
    "held_out_rows_not_scored",
    "letters_not_drawn",
    "network_not_used",
    "origins_left_out",
    "page_missing",
    "part_failed",
    "parts_failed",
    "parts_left_out",
    "plots_missing",
    "prune_failed",
    "pruned",
    "report_missing",
    # what a refresh found
    "alarm",
    "clock",
    "no_new_rows",
    "other_intervals",
    "revised_rows",
    "run_kept",
    "track_damaged",
    "training_failed",
    "weak_first_run",
    "standard_input",
    "values_far_outside",
    "values_too_small",
]

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
NAMES_SHOWN = 3
LIKENESS = 0.65  # of a word to the one that was meant, from 0 to 1


@dataclass(frozen=True)
class Note:
    """Something that the user should hear of.

    level: `info`, `warning` (shown even with --quiet) or `degraded` (the command ends with exit code 3).
    fields: the numbers and names behind the text.
    """

    kind: Kind
    level: Level
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def of_kind(notes: Sequence[Note], *kinds: Kind) -> list[Note]:
    """The notes of these kinds, in their order."""
    return [note for note in notes if note.kind in kinds]


def plural(count: int, noun: str, several: str = "") -> str:
    """`1 row`, `1,200 rows`; several: the plural, where it is not the noun and an s."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {several or noun + 's'}"


def and_more(count: int, shown: int = 1) -> str:
    """` (and 4 more)` after the first of several things; an empty text if all are shown."""
    return f" (and {count - shown:,} more)" if count > shown else ""


def listed(names: Sequence[str], shown: int = NAMES_SHOWN) -> str:
    """`'a', 'b', 'c' and 5 more`."""
    text = ", ".join(repr(name) for name in names[:shown])
    if len(names) <= shown:
        return text
    return f"{text} and {len(names) - shown:,} more"


def duration(seconds: float) -> str:
    """`40 s`, `5 min`, `2 h 10 min`."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def in_largest_unit(seconds: float) -> str:
    """`7 days`, `2.5 hours`, `40 seconds`: in the largest unit of which there are two.

    A time in the future has a minus sign.
    """
    sign, size = ("-", -seconds) if seconds < 0 else ("", seconds)
    for length, unit in _UNITS:
        count = size / length
        if count >= 2:
            return f"{sign}{_few_digits(count)} {unit}s"
    return f"{sign}{size:.0f} second{'' if round(size) == 1 else 's'}"


def _few_digits(count: float) -> str:
    """A count from 2 on: `2.5`, `7`, `48`."""
    text = f"{count:.1f}" if count < 10 else f"{count:,.0f}"
    return text.removesuffix(".0")


def nearest_word(name: str, known: Sequence[str]) -> str | None:
    """The known word that is most like a name; None where none is like it."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS)), None)


def nearest(name: str, known: Sequence[str], prefix: str = "did you mean") -> str:
    """A hint that names the known word that is most like a name, or all of them."""
    word = nearest_word(name, known)
    return f"known: {', '.join(known)}" if word is None else f"{prefix} {word!r}?"


def escape(text: str) -> str:
    """Text that cannot steer a terminal or turn the direction of a line.

    Control, format and bidi characters are written as \\x1b, \\u202e, ...
    """
    return "".join(map(_escape_character, text))


def _escape_character(character: str) -> str:
    is_printable = unicodedata.category(character)[0] not in "CZ"  # controls and separators
    if is_printable or character == " ":
        return character
    return character.encode("unicode_escape").decode()


def number(value: float | None) -> str:
    """A number for a table; - for what is not known.

    It has four significant digits, and no exponent unless it is very small or very large.
    """
    if value is None or math.isnan(value):
        return "-"

    size = abs(value)
    if value and not 1e-4 <= size < 1e9:
        return f"{value:.3g}"
    decimals = 4 if size < 1 else max(0, 4 - len(str(int(size))))
    return f"{value:,.{decimals}f}"


def share(value: float | None) -> str:
    """A share with its sign, in percent: `+12%`; - for what is not known."""
    return "-" if value is None else f"{value:+.0%}"
