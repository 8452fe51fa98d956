"""Words that messages share."""

from __future__ import annotations

import pytest

from forecast_cli.messages import Note, and_more, in_largest_unit, listed, of_kind, plural


@pytest.mark.parametrize(
    ("count", "noun", "several", "text"),
    [
        (0, "row", "", "0 rows"),
        (1, "row", "", "1 row"),
        (1200, "row", "", "1,200 rows"),
        (1, "entry", "entries", "1 entry"),
        (2, "entry", "entries", "2 entries"),
    ],
)
def test_plurals_have_their_number_and_their_ending(
    count: int, noun: str, several: str, text: str
) -> None:
    assert plural(count, noun, several) == text


def test_the_rest_is_counted_after_those_that_are_shown() -> None:
    assert [and_more(count) for count in (1, 2, 5001)] == ["", " (and 1 more)", " (and 5,000 more)"]
    assert and_more(5, shown=3) == " (and 2 more)"
    assert and_more(3, shown=3) == ""


def test_names_are_quoted_and_only_the_first_are_shown() -> None:
    assert listed([]) == ""
    assert listed(["a", "it's", "c"]) == "'a', \"it's\", 'c'"
    assert listed(["a", "b", "c", "d"]) == "'a', 'b', 'c' and 1 more"
    assert listed([str(number) for number in range(2002)], shown=2) == "'0', '1' and 2,000 more"


def test_notes_of_some_kinds_keep_their_order() -> None:
    notes = [
        Note("gaps_filled", "info", "first"),
        Note("duplicates", "warning", "second"),
        Note("gaps_filled", "info", "third"),
    ]
    assert [note.text for note in of_kind(notes, "gaps_filled")] == ["first", "third"]
    assert of_kind(notes, "duplicates", "gaps_filled") == notes
    assert of_kind(notes, "pruned") == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7_200, "2 hours"),
        (36 * 3_600, "36 hours"),
        (60 * 3_600, "2.5 days"),
        (7 * 86_400, "7 days"),
        (7 * 86_400 - 1, "7 days"),
        (2_000 * 86_400, "2,000 days"),
        (-86_400, "-24 hours"),
    ],
)
def test_a_time_is_told_in_the_largest_unit_of_which_there_are_two(
    seconds: float, text: str
) -> None:
    assert in_largest_unit(seconds) == text
