"""Letters of all scripts: which fonts to take, and how to write what none of them has."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.textpath import text_to_path

from forecast_cli.store import Run

DEFAULT = "DejaVu Sans"  # comes with matplotlib
ROOM = 5.0  # inches that a name may take up where there is nothing beside it
NARROW = 3.0  # inches, beside an axis or above one of several series
LONGEST = 200  # letters that are measured; more would not fit in any case


@dataclass(frozen=True)
class Labels:
    """How names are written on a picture; call it with a name.

    families: fonts that have all letters but the missing ones, by preference; missing: code
    points that no font has; note: what to tell the user about them.
    """

    families: tuple[str, ...] = (DEFAULT,)
    missing: frozenset[int] = frozenset()
    note: str = ""

    def __call__(self, name: str, room: float = ROOM) -> str:
        """A name as it is drawn, cut to `room` inches; letters that no font has are codes."""
        letters = [self._drawn(letter) for letter in name[:LONGEST]]
        text = "".join(letters)
        while width(text) > room:
            letters.pop()
            text = "".join(letters) + "…"

        # Between dollar signs matplotlib would read a formula.
        return text.replace("$", r"\$")

    def _drawn(self, letter: str) -> str:
        if _is_invisible(letter) or ord(letter) in self.missing:
            return letter.encode("unicode_escape").decode()
        return letter


def width(text: str, points: float = 10) -> float:
    """Inches that a text is wide, in the fonts of the pictures."""
    size = font_manager.FontProperties(size=points)
    return float(text_to_path.get_text_width_height_descent(text, size, ismath=False)[0]) / 72


def labels_for(run: Run) -> Labels:
    """How the names in a run are written, with the fonts of this machine."""
    columns = run.config.columns
    return labels_of([columns.target, columns.time, *run.tail.ids])


def labels_of(names: Iterable[str]) -> Labels:
    """How some names are written, with the fonts of this machine."""
    needed = _letters(names)
    families, missing = _families(needed)

    note = ""
    if missing:
        shown = "".join(map(chr, sorted(missing)[:5]))
        note = f"no font on this machine can draw {shown!r}; the plots show such letters as codes"
        note += " (install Noto fonts)"
    return Labels(families, frozenset(missing), note)


def _families(needed: set[int]) -> tuple[tuple[str, ...], set[int]]:
    """The default font and those that add to it, and the code points that no font has."""
    families = [DEFAULT]
    missing = needed - _glyphs(font_manager.findfont(DEFAULT))
    for font in sorted(font_manager.fontManager.ttflist, key=_preference):
        if not missing:
            break
        # It has a box for every letter.
        if "Last Resort" in font.name:
            continue

        left = missing - _glyphs(font.fname)
        if left < missing:
            families.append(font.name)
            missing = left

    return tuple(families), missing


def _preference(font: font_manager.FontEntry) -> tuple[bool, bool, str]:
    return "Sans" not in font.name, "Mono" in font.name, font.name


def _glyphs(path: str) -> set[int]:
    """The code points that a font has letters for; none if it cannot be read."""
    try:
        return set(font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return set()


def _letters(names: Iterable[str]) -> set[int]:
    return {ord(letter) for name in names for letter in name if not _is_invisible(letter)}


def _is_invisible(letter: str) -> bool:
    """Whether a letter is a control or format character, drawn as nothing or as a box."""
    return unicodedata.category(letter)[0] == "C"
