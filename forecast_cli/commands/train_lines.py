"""Commands that train on a refused file, found by following the remedies of its errors.

Every line was tried: the file can be read with its options.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecast_cli.errors import DataError, Remedy, SettingsError
from forecast_cli.fields import option_name
from forecast_cli.settings import ROLES
from forecast_cli.sources import SettingSources, settings_of

MOST_STEPS = 6  # errors in a row that are followed
MOST_READINGS = 16  # of the file
MOST_LINES = 4
_FILLING = ("gaps", "max_filled")
_ADDED = ("null", "not_null", "where")  # more texts do not replace those that were given


@dataclass(frozen=True)
class TrainLine:
    """A command with which a refused file can be read.

    options: what was added to the command, each with what it does; error: why the training would
    refuse what was read, e.g. too few rows; fills_dates: whether the dates are read in a format
    in which steps are missing, so that a format without gaps is more likely.
    """

    command: str
    options: list[dict[str, str]]
    error: str = ""
    fills_dates: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"command": self.command, "options": self.options, "error": self.error}


@dataclass
class _Search:
    """The lines that lead from a refused file to one that is read."""

    data: str
    content: bytes | None
    readings: int = 0
    lines: list[TrainLine] = field(default_factory=list)

    def follow(
        self, error: DataError, sources: SettingSources, remedies: tuple[Remedy, ...] = ()
    ) -> None:
        """Try each remedy of an error, and those of the errors after it."""
        for remedy in error.remedies:
            if len(remedies) == MOST_STEPS:
                return
            if not _is_repetition(remedy, remedies):
                self._try(with_remedy(sources, remedy), (*remedies, remedy))

    def _try(self, sources: SettingSources, remedies: tuple[Remedy, ...]) -> None:
        from forecast_cli import planning
        from forecast_cli.reading import read

        if self.readings == MOST_READINGS:
            return
        self.readings += 1

        try:
            settings = settings_of(sources)
            panel = read(self.data, settings.data, content=self.content)
        except SettingsError:
            return
        except DataError as error:
            self.follow(error, sources, remedies)
            return

        refusal = ""
        try:
            planning.make(panel, planning.without_freeze(settings))
        except DataError as error:
            refusal = error.message
        self._add(sources, remedies, refusal)

    def _add(
        self, sources: SettingSources, remedies: tuple[Remedy, ...], refusal: str = ""
    ) -> None:
        """Keep the line with what was given and some remedies."""
        names = {name for remedy in remedies for name in remedy.settings}
        line = TrainLine(
            train_command(self.data, sources),
            [_explained(one) for one in remedies],
            refusal,
            fills_dates="date_format" in names and not names.isdisjoint(_FILLING),
        )
        if line.command not in [one.command for one in self.lines]:
            self.lines.append(line)


def train_lines(
    data: str, content: bytes | None, sources: SettingSources, error: DataError
) -> list[TrainLine]:
    """The commands that read a refused file, one for each reading that is possible.

    content: the bytes of standard input; sources: what was given when the error came. There are
    none for other streams, which cannot be read twice.
    """
    if content is None and not Path(data).is_file():
        return []

    search = _Search(data, content)
    search.follow(error, sources)
    regular = [line for line in search.lines if not line.fills_dates] or search.lines
    return sorted(regular, key=lambda line: len(line.options))[:MOST_LINES]


def _is_repetition(remedy: Remedy, remedies: tuple[Remedy, ...]) -> bool:
    """Whether a remedy takes back what one before it has set."""
    before = {name for one in remedies for name in one.settings if name not in _ADDED}
    return not before.isdisjoint(remedy.settings)


def with_remedy(sources: SettingSources, remedy: Remedy) -> SettingSources:
    """What was given, and what a refused file needs."""
    if "dates_as_columns" in remedy.settings:  # the columns are dates, so none of them has a role
        sources = sources.without(ROLES)

    for name, value in remedy.settings.items():
        added = value
        if name in _ADDED:
            earlier = sources.values.get(name) or []
            added = [*([earlier] if isinstance(earlier, str) else earlier), *value]
        sources = sources.with_typed(name, added)
    return sources


# -- words -------------------------------------------------------------------------------------


def train_command(data: str, sources: SettingSources) -> str:
    """The command that trains with what was given here."""
    values = {
        name: value for name, value in sources.values.items() if sources.origins[name] != "file"
    }
    words = ["forecast", "train", data, *_options(values)]
    if "file" in sources.origins.values():
        words += ["--config", sources.file]
    return shlex.join(words)


def _explained(remedy: Remedy) -> dict[str, str]:
    """The options of a remedy as they are typed, and what they do."""
    return {"option": shlex.join(_options(remedy.settings)), "effect": remedy.effect}


def _options(values: Mapping[str, Any]) -> list[str]:
    return [word for name, value in values.items() for word in _option(name, value)]


def _option(name: str, value: Any) -> list[str]:
    """The words of an option. A value that looks like an option is joined to its name with `=`."""
    option = option_name(name)
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]

    words = []
    for item in value if isinstance(value, list) else [value]:
        text = str(item)
        words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return words
