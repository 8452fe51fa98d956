"""What the tests of the page share: subjects, and the parts of the pages that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from forecast_cli import checks, held_out, train
from forecast_cli.panel import Panel
from forecast_cli.report import Subject
from forecast_cli.report.elements import Section, Table, Text
from forecast_cli.store import Run

QUICK: dict[str, Any] = {"epochs": 1, "units": "4", "warm_start": "none", "members": 1}


def trained(panel: Panel, folder: Path, **settings: Any) -> Run:
    return train(panel, draw=False, store_folder=folder, **QUICK | settings).run


def subject_of(run: Run, panel: Panel | None = None) -> Subject:
    found = checks.check(run.tail if panel is None else panel)
    return Subject(run, held_out.windows_of(run, panel), tuple(found))


def texts_of(section: Section | None) -> str:
    """The paragraphs of a section."""
    assert section is not None
    return "\n".join(block.text for block in section.blocks if isinstance(block, Text))


def tables_of(section: Section | None) -> list[Table]:
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Table)]


def with_metrics(run: Run, **values: Any) -> Run:
    """The run with other metrics."""
    return replace(run, metrics=run.metrics.model_copy(update=values))


class Reader(HTMLParser):
    """A page as a screen reader meets it: headings, landmarks, names of elements, and all text."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.text = ""
        self._silent = 0
        self.feed(html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))
        self._silent += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data

    def values(self, attribute: str) -> Sequence[str]:
        found = [attributes.get(attribute) for attributes in self.attributes]
        return [value for value in found if value is not None]
