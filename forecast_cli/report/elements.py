"""What a page is made of: sections of texts, tables and figures, as values.

All texts are plain texts. They become HTML in the template alone, where every one is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Text:
    """A paragraph. level: `info`, or `warning` for what a reader must not miss."""

    text: str
    level: str = "info"
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Listing:
    """A list of paragraphs."""

    items: tuple[Text, ...]
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its heading.

    text_columns: how many columns, from the left, are text; the others are numbers.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Figure:
    """A picture as an SVG element of ours, with what a reader hears who cannot see it.

    name: in letters, one that no other figure of the page has; newest: whether its right end is
    what to see first, where there is no room for all.
    """

    name: str
    svg: str
    title: str
    description: str
    newest: bool = False
    kind: ClassVar[str] = "figure"


Block = Text | Listing | Table | Figure


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading. name: in letters, its address in the page."""

    name: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole page. facts: the few numbers at its top, each with its name."""

    title: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = field(default=())
    footer: str = ""
