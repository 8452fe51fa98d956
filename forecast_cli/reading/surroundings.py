"""What stands around the table in a file: lines before the header, and after the data.

They are left out where there is one way to see it, and a note names them by their numbers. Where
there are two, the file is refused. Lines are emptied or cut off, so that all others keep their
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forecast_cli.errors import DataError
from forecast_cli.fields import option_name
from forecast_cli.messages import Note
from forecast_cli.reading import line_shapes
from forecast_cli.reading.footers import lines_after_data, lines_as_told
from forecast_cli.reading.line_shapes import SPACE, Line, Shape
from forecast_cli.reading.line_words import listed, shortened
from forecast_cli.reading.table_search import HEAD, Place, find_table
from forecast_cli.settings import DataSettings


@dataclass(frozen=True, eq=False)
class Trimmed:
    """A text in which the header is the first line that is not empty, and a row the last.

    emptied: the numbers of lines that were emptied; is_whole: the last line has a newline.
    """

    text: bytes
    delimiter: str
    emptied: frozenset[int]
    is_whole: bool


def trim(name: str, text: bytes, settings: DataSettings, notes: list[Note]) -> Trimmed:
    """A text without the lines around its table. Raises DataError where it is not clear which
    those are.
    """
    trimmer = _Trimmer(name, text, settings, notes)
    trimmer.leave_out_as_told()
    place = find_table(name, trimmer.text, settings)
    trimmer.leave_out_before(place)
    trimmer.leave_out_after(place.shape)
    if place.delimiter != SPACE:
        return trimmer.result(place.delimiter)

    # The mark of a header such as `# day value` is none of its names.
    text = re.sub(rb"\A(\s*)#(?=[ \t])", rb"\1 ", trimmer.text, count=1)
    trimmer.text = line_shapes.tabbed(text)
    return trimmer.result("\t")


class _Trimmer:
    """A text from which lines are left out, one kind after the other."""

    def __init__(self, name: str, text: bytes, settings: DataSettings, notes: list[Note]) -> None:
        self.name = name
        self.text = text
        self.settings = settings
        self.notes = notes
        self.emptied: set[int] = set()

    def result(self, delimiter: str) -> Trimmed:
        is_whole = self.text.endswith(b"\n")
        text = self.text if is_whole else self.text + b"\n"
        return Trimmed(text, delimiter, frozenset(self.emptied), is_whole)

    def note(self, numbers: Sequence[int], where: str, example: str = "") -> None:
        """Say which lines are left out."""
        were = "was" if len(numbers) == 1 else "were"
        shown = f": {shortened(example)!r}" if example else ""
        words = f"{self.name}: {listed(numbers)} {where} {were} left out{shown}"
        self.notes.append(Note("lines_left_out", "info", words, {"lines": list(numbers)}))

    # -- as the settings say -----------------------------------------------------------------------

    def leave_out_as_told(self) -> None:
        """Leave out what `--comment`, `--skip-rows` and `--footer` name."""
        if self.settings.skip_rows:
            self._skip_first(self.settings.skip_rows)
        if self.settings.comment:
            self._skip_comments(self.settings.comment)
        self.refuse_nothing()

    def refuse_nothing(self) -> None:
        """Raise DataError if the settings leave no line."""
        if self.text[:HEAD].strip() or self.text.strip():
            return
        options = ("skip_rows", "comment", "footer")
        option = next(name for name in options if getattr(self.settings, name))
        raise DataError(
            f"{self.name}: all lines are left out",
            f"give {option_name(option)} another value, or none",
            option=option,
            path=self.name,
        )

    def _skip_first(self, count: int) -> None:
        end = 0
        for _ in range(count):
            at = self.text.find(b"\n", end)
            if at < 0:
                end = len(self.text)
                break
            end = at + 1
        newlines = self._empty_before(end)
        self.note(range(1, newlines + 1), "at the beginning")

    def _empty_before(self, end: int) -> int:
        """Empty all lines before a byte, and count them."""
        newlines = self.text.count(b"\n", 0, end)
        self.text = b"\n" * newlines + self.text[end:]
        self.emptied |= set(range(1, newlines + 1))
        return newlines

    def _skip_comments(self, mark: str) -> None:
        """Empty the lines that begin with a text, except within a quoted field."""
        pattern = re.compile(rb"^[ \t]*" + re.escape(mark.encode()) + rb".*$", re.MULTILINE)
        parts: list[bytes] = []
        numbers: list[int] = []
        done, line, is_quoted = 0, 1, False
        for match in pattern.finditer(self.text):
            before = self.text[done : match.start()]
            is_quoted ^= before.count(b'"') % 2 == 1
            line += before.count(b"\n")
            parts.append(before)
            done = match.end()
            if is_quoted:
                parts.append(match[0])
                is_quoted ^= match[0].count(b'"') % 2 == 1
            else:
                numbers.append(line)

        if numbers:
            self.text = b"".join([*parts, self.text[done:]])
            self.emptied |= set(numbers)
            self.note(numbers, f"with {mark!r} at the beginning")

    # -- around the table --------------------------------------------------------------------------

    def leave_out_before(self, place: Place) -> None:
        """Leave out the lines above the header, and those between it and the first row."""
        if place.between:
            begin, end = place.between[0].begin, place.between[-1].end
            newlines = self.text.count(b"\n", begin, end)
            self.text = self.text[:begin] + b"\n" * newlines + self.text[end:]
            numbers = [line.number for line in place.between]
            self.emptied |= set(numbers)
            self.note(numbers, "between the header and the data", place.between[0].text)

        if place.before:
            self._empty_before(place.before[-1].end)
            head = self.text[:HEAD]
            above = head.count(b"\n", 0, len(head) - len(head.lstrip()))
            self.note(range(1, above + 1), "before the header", place.before[0].text)

    def leave_out_after(self, shape: Shape | None) -> None:
        """Leave out the lines after the last row."""
        footer = self.settings.footer
        if footer is not None:
            self._cut(lines_as_told(self.name, self.text, footer, shape))
            self.refuse_nothing()
        elif shape is not None:
            self._cut(lines_after_data(self.name, self.text, self.settings, shape))

    def _cut(self, lines: Sequence[Line]) -> None:
        if not lines:
            return
        numbers = [line.number for line in lines]
        end = lines[0].begin
        while self.text[end - 2 : end] == b"\n\n":
            end -= 1
        self.text = self.text[:end]
        self.note(numbers, "after the data", lines[0].text)
