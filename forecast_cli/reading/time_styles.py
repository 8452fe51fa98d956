"""How the texts of times are written, to the letter: so that a forecast writes its own alike."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import directives
from forecast_cli.directives import FULL_MONTHS, INTERVAL, NEXT_COLUMN, SHORT_MONTHS, letter
from forecast_cli.panel import TimeFormat
from forecast_cli.reading import time_texts

KEPT = 50  # texts of each kind that are looked at
_WIDTHS = {**dict.fromkeys("dmHIMSV", 2), "j": 3}
_CLOCK = "HI"  # hours, which may have no zero in front where days have one
_HOUR_24 = re.compile(r"(?<!\d)24(?!\d)")
_USUAL_SHARE = 0.9  # of intervals that are of one length


def examples_of(cells: Sequence[str]) -> list[str]:
    """Those of the distinct texts of a column that show how it is written: the first, the
    shortest, those with an hour 24, the last.
    """
    shortest = heapq.nsmallest(KEPT, cells, key=len)
    with_24 = [cell for cell in cells if "24" in cell and _HOUR_24.search(cell)][:KEPT]
    return [*cells[:KEPT], *shortest, *with_24, *cells[-KEPT:]]


def written_like(pattern: str, examples: Sequence[str]) -> TimeFormat:
    """The format of times that are written like some texts, of which the last one is the newest;
    with the offset of that one.

    Texts that are not in the format say nothing.
    """
    found = time_texts.expression(directives.plain(pattern))
    if found is None:
        return TimeFormat(pattern)

    texts = [text for text in examples if found.fullmatch(text)]
    if not texts:
        return TimeFormat(pattern)

    seen = _Seen(pattern, texts, [_checked(found.fullmatch(text)) for text in texts])
    return replace(
        TimeFormat(_with_flags(seen)),
        offset=_offset(seen),
        marker=seen.last("Z"),
        months=_months(seen),
        halves=_halves(seen),
        span=_span(seen) if INTERVAL in pattern else 0,
    )


@dataclass(frozen=True)
class _Seen:
    """Texts of times, and what the directives of a format read in each."""

    pattern: str
    texts: list[str]
    matches: list[re.Match[str]]

    def all(self, name: str) -> list[str]:
        """What a directive read, in the order of the texts."""
        return [match[name] for match in self.matches if name in match.re.groupindex]

    def last(self, name: str) -> str:
        return "".join(self.all(name)[-1:])


def _checked(match: re.Match[str] | None) -> re.Match[str]:
    assert match is not None  # noqa: S101
    return match


# -- numbers -----------------------------------------------------------------------------------


def _with_flags(seen: _Seen) -> str:
    """The format with the flags of its directives, and the texts between them as they are."""
    is_bare = _without_zeros(seen)
    if INTERVAL in seen.pattern and not _has_usual_span(seen):
        seen = replace(seen, pattern=seen.pattern.partition(INTERVAL)[0])

    newest, end = seen.matches[-1], 0
    pieces: list[str] = []
    suffix = ""
    for part in directives.parts(seen.pattern):
        directive = letter(part)
        name = directive + suffix
        if part in (INTERVAL, NEXT_COLUMN):
            pieces.append(part)
            suffix = "2" if part == INTERVAL else ""
            end += part == NEXT_COLUMN
        elif name in newest.re.groupindex:
            pieces.append(_flagged(part, name, seen, is_bare=is_bare.get(name, False)))
            end = newest.end(name)
        else:
            following = _next_begin(seen, end)
            pieces.append(_literal(seen.texts[-1][end:following], part))
            end = following
    return "".join(pieces)


def _next_begin(seen: _Seen, end: int) -> int:
    """Where the next directive begins in the newest text."""
    newest = seen.matches[-1]
    begins = [newest.start(name) for name in newest.re.groupindex]
    return min((at for at in begins if at >= end), default=len(seen.texts[-1]))


def _literal(text: str, part: str) -> str:
    """A text between directives as the newest time has it."""
    return text.replace("%", "%%") if len(text) else part


def _flagged(part: str, name: str, seen: _Seen, *, is_bare: bool) -> str:
    directive = letter(part)
    if directive == "f":
        digits = len(seen.last(name))
        return "%f" if digits == 6 else f"%{digits}f"

    flags = "-" if is_bare or part == "%-Y" else ""
    if directive == "H" and _has_hour_24(seen.all(name)):
        flags = f"+{flags}"
    return f"%{flags}{directive}"


def _has_hour_24(hours: list[str]) -> bool:
    midnights = [hour for hour in hours if int(hour) in (0, 24)]
    return bool(midnights) and midnights[-1] == "24"


def _without_zeros(seen: _Seen) -> dict[str, bool]:
    """Which numbers have no zero in front. Those that do not show it are like others."""
    known: dict[str, bool] = {}
    names = [name for name in seen.matches[0].re.groupindex if name[0] in _WIDTHS]
    for name in names:
        shown = _is_without_zero(seen.all(name), _WIDTHS[name[0]])
        if shown is not None:
            known[name] = shown

    for name in names:
        if name not in known and not _is_minute_or_second(name):
            known[name] = _as_others(name, known)
    return known


def _is_without_zero(texts: list[str], width: int) -> bool | None:
    """Whether the newest number below 10 has no zero in front; None where there is none."""
    for text in reversed(texts):
        if len(text) < width:
            return True
        if text[0] == "0":
            return False
    return None


def _as_others(name: str, known: dict[str, bool]) -> bool:
    """Whether other numbers have no zero: first of all those of the clock, or of the date, too."""
    others = [other for other in known if not _is_minute_or_second(other)]
    alike = [other for other in others if (name[0] in _CLOCK) == (other[0] in _CLOCK)]
    examples = alike or others
    return known[examples[0]] if examples else False


def _is_minute_or_second(name: str) -> bool:
    """Minutes and seconds have their zeros where hours have none: 7:05."""
    return name[0] in "MS"


# -- words -------------------------------------------------------------------------------------


def _months(seen: _Seen) -> tuple[str, ...]:
    """The names of the twelve months as the texts have them; empty for those of strftime."""
    short, full = _month_words(seen, "b"), _month_words(seen, "B")
    words = short | full
    if not words:
        return ()

    tables = FULL_MONTHS if full else SHORT_MONTHS
    names = next((table for table in tables if _fits(table, words)), tables[0])
    is_as_table = all(names[number - 1] == word for number, word in words.items())
    if is_as_table and names == tables[0]:
        return ()
    return _all_months(names, words)


def _month_words(seen: _Seen, directive: str) -> dict[int, str]:
    """How the texts write the months that they have, by number from 1."""
    words: dict[int, str] = {}
    for word in seen.all(directive):
        number = time_texts.month_of(word, directive)
        if number is not None:
            words[number] = word
    return words


def _all_months(names: tuple[str, ...], words: dict[int, str]) -> tuple[str, ...]:
    """The words of the texts, and for other months their names in the same style."""
    newest = list(words.values())[-1]
    has_points = any(word.endswith(".") for word in words.values())
    written = []
    for at, name in enumerate(names):
        text = _with_point(name, at) if has_points else name
        written.append(words.get(at + 1, _cased(text, newest)))
    return tuple(written)


def _fits(names: tuple[str, ...], words: dict[int, str]) -> bool:
    return all(names[at - 1].lower() == word.lower().rstrip(".") for at, word in words.items())


def _with_point(name: str, at: int) -> str:
    """An abbreviation with its point; what is a whole word has none."""
    is_whole = name.lower() in {names[at].lower() for names in FULL_MONTHS}
    return name if is_whole else f"{name}."


def _cased(name: str, like: str) -> str:
    if like.isupper():
        return name.upper()
    if like.islower():
        return name.lower()
    return name.capitalize()


def _halves(seen: _Seen) -> tuple[str, ...]:
    """The words for the two halves of a day; empty for those of strftime."""
    word = seen.last("p")
    if not word or word in ("AM", "PM"):
        return ()
    at = next(at for at, one in enumerate(word) if one in "aApP")
    small = word[at].islower()
    return tuple(f"{word[:at]}{half if small else half.upper()}{word[at + 1 :]}" for half in "ap")


# -- offsets and intervals ---------------------------------------------------------------------


def _offset(seen: _Seen) -> str:
    """The offset of the newest text; of an abbreviation of a zone, its hours."""
    zone = seen.last("Z").upper()
    if not zone:
        return seen.last("z")
    hours = directives.ZONES[zone]
    return f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"


def _spans(seen: _Seen) -> list[int]:
    pattern = directives.plain(seen.pattern)
    spans = [time_texts.length(pattern, text) for text in seen.texts]
    return [span for span in spans if span]


def _span(seen: _Seen) -> int:
    """The length of most intervals in microseconds."""
    values, counts = np.unique(np.array(_spans(seen) or [0], np.int64), return_counts=True)
    return int(values[np.argmax(counts)])


def _has_usual_span(seen: _Seen) -> bool:
    """Whether nearly all intervals are of one length, so that the end of the next one is known."""
    spans = _spans(seen)
    usual = spans.count(_span(seen))
    return bool(spans) and usual >= _USUAL_SHARE * len(spans)
