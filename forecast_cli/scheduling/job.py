"""The command that a schedule runs, with absolute paths: a job does not start in any known folder."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from forecast_cli.errors import SettingsError
from forecast_cli.scheduling.clock import TimeOfDay

LONGEST_NAME = 100  # letters of a name of units


@dataclass(frozen=True, kw_only=True)
class Job:
    """One `forecast refresh` a day. All paths are absolute.

    - program: the words that start forecast
    - data, output, store: what is read, where the forecast goes, where the runs are
    - config, metrics, ping_file: of the options of these names; empty texts where not given
    - at: when; zone: the time zone of the machine, or an empty text if it is not known
    """

    program: tuple[str, ...]
    data: str
    output: str
    store: str
    at: TimeOfDay
    zone: str = ""
    config: str = ""
    metrics: str = ""
    ping_file: str = ""

    def __post_init__(self) -> None:
        for word in self.words:
            _check_letters(word)

    @property
    def words(self) -> tuple[str, ...]:
        """The command and its arguments."""
        named = {
            "-o": self.output,
            "--store": self.store,
            "--config": self.config,
            "--metrics": self.metrics,
            "--ping-file": self.ping_file,
        }
        options = [word for name, value in named.items() if value for word in (name, value)]
        return (*self.program, "refresh", self.data, *options, "--quiet")

    @property
    def name(self) -> str:
        """A name for the job, after its data, of letters that a unit of systemd may have."""
        plain = re.sub(r"[^A-Za-z0-9_]+", "-", Path(self.data).stem).strip("-")
        return f"forecast-{plain[:LONGEST_NAME] or 'data'}"

    @property
    def place(self) -> str:
        """The time zone of the job, in words."""
        return self.at.zone or self.zone or "the time zone of the machine"


def _check_letters(word: str) -> None:
    """Raise SettingsError for what cannot stand in a line of text, such as a line break."""
    for letter in word:
        if unicodedata.category(letter).startswith("C"):
            raise SettingsError(
                f"{word!r} has a character that cannot stand in a schedule: {letter!a}",
                "rename the file or folder, or make a link with another name",
            )
