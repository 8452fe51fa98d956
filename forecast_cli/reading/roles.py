"""Which columns are what: the time, the targets, the id of the series, the covariates. Named,
or recognized.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forecast_cli.errors import DataError, Remedy, SettingsError
from forecast_cli.messages import Note, listed, nearest
from forecast_cli.reading.likely_targets import likely_target
from forecast_cli.reading.marks import most_are_numbers
from forecast_cli.reading.parsing import MISSING, Sample, missing_words
from forecast_cli.reading.time_recognition import (
    recognize_time,
    refuse_mixed_steps,
    refuse_texts_like_times,
    refuse_unread_times,
    with_clock,
)
from forecast_cli.settings import DataSettings

NIXTLA = ("unique_id", "ds", "y")  # the names that the libraries of Nixtla expect
ALL = "all"  # of --target: every column of numbers
NO_TIME = "none"  # of --time: rows are steps
SEEN = 1000  # cells of a column that are looked at

Levels = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Roles:
    """Which columns are what.

    time: several names where the time is spread over columns, none for rows without one; texts:
    those covariates that are not numbers; rows_are_series: of a file with dates as columns.
    """

    time: tuple[str, ...]
    targets: tuple[str, ...]
    id: str = ""
    covariates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    rows_are_series: bool = False

    @property
    def numeric(self) -> list[str]:
        """The columns that are numbers, without the time."""
        values = [*self.targets, *self.covariates]
        return [name for name in values if name not in self.texts]

    @property
    def textual(self) -> list[str]:
        """The columns that are texts, without the time."""
        if self.id:
            return [self.id, *self.texts]
        return list(self.texts)


def choose_roles(
    names: Sequence[str],
    sample: Sample,
    settings: DataSettings,
    notes: list[Note],
    *,
    levels: Levels | None = None,
) -> Roles:
    """The roles of the columns of a file with its times in rows.

    Raises DataError, SettingsError.

    sample: the texts of the first rows, by column; levels: those of the text covariates of an
    earlier reading, whose roles are kept.
    """
    again = levels is not None
    settings = with_usual_names(settings, names)
    time = named_time(settings, names)
    _check_names(names, settings, time)

    identity = [settings.id] if settings.id else []
    covariates = _covariates(settings)
    free = _without(names, [*identity, *covariates])
    is_open = not time and not _rows_are_steps(settings, names)
    if is_open:
        time = recognize_time(sample, _without(free, settings.target or []), again=again)
        time = time if again else with_clock(sample, time, settings, notes)

    is_open = is_open and not time
    if is_open and not again:
        _refuse_times_as_targets(free, sample, settings, names)
    targets = _targets(_without(free, time), sample, settings, names)
    every = [*time, *identity, *targets, *covariates]
    _check_apart(every, identity, targets)

    unused = _without(names, every)
    if is_open:
        refuse_unread_times(sample, unused, again=again)
        refuse_mixed_steps(sample, unused, notes, again=again)
        if not again:
            refuse_texts_like_times(sample, unused, settings.id)
    if not time and not identity:
        notes += _columns_that_may_name_series(sample, unused)

    return Roles(
        time=time,
        targets=tuple(targets),
        id="".join(identity),
        covariates=tuple(covariates),
        texts=tuple(_text_covariates(covariates, sample, settings, levels)),
        unused=tuple(unused),
    )


def _covariates(settings: DataSettings) -> list[str]:
    """The columns that are named as covariates of some kind."""
    return [*(settings.past or []), *(settings.future or []), *(settings.static or [])]


def _without(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """The names that are not among others, in their order."""
    return [name for name in names if name not in others]


def with_usual_names(settings: DataSettings, names: Sequence[str]) -> DataSettings:
    """The settings with the names of Nixtla's libraries for what they leave open, if the file
    has all of those.
    """
    if not all(name in names for name in NIXTLA):
        return settings

    identity, time, target = NIXTLA
    return replace(
        settings,
        id=settings.id or identity,
        time=settings.time or time,
        target=settings.target or [target],
    )


def named_time(settings: DataSettings, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that --time names: one, or several with commas between them; none where it is
    not given, or says that there is none.
    """
    if not settings.time or _rows_are_steps(settings, names):
        return ()
    if settings.time in names:
        return (settings.time,)
    return tuple(settings.time.split(","))


def _rows_are_steps(settings: DataSettings, names: Sequence[str]) -> bool:
    """Whether the user has said that no column holds times."""
    return settings.time == NO_TIME and NO_TIME not in names


# -- names ------------------------------------------------------------------------------------


def _check_names(names: Sequence[str], settings: DataSettings, time: tuple[str, ...]) -> None:
    """Raise DataError for a column that is named and not there."""
    asked = [("time", name) for name in time]
    if settings.id:
        asked.append(("id", settings.id))

    for role in ("target", "past", "future", "static"):
        asked += [(role, name) for name in getattr(settings, role) or []]

    for role, name in asked:
        if name not in names and (role, name) != ("target", ALL):
            raise DataError(
                f"no column {name!r} for --{role}", nearest(name, list(names)), column=name
            )


def _check_apart(every: list[str], identity: list[str], targets: list[str]) -> None:
    """Raise SettingsError for a column with two roles, and for several targets of named series."""
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise SettingsError(
            f"column {twice[0]!r} cannot be two things at once",
            "name different columns",
            column=twice[0],
        )

    if identity and len(targets) > 1:
        raise SettingsError("--id goes with one target", "name one --target", option="target")


# -- columns by what they hold -----------------------------------------------------------------


def _refuse_times_as_targets(
    free: list[str], sample: Sample, settings: DataSettings, names: Sequence[str]
) -> None:
    """Raise DataError where one of several columns of numbers may hold times, and nobody has said
    which of them are targets.
    """
    if _are_named(settings, names):
        return
    numeric = _columns_of_numbers(free, sample, settings)
    if len(numeric) > 1:
        refuse_unread_times(sample, numeric, again=False)


def _are_named(settings: DataSettings, names: Sequence[str]) -> bool:
    """Whether the targets are columns that were named."""
    return bool(settings.target) and (ALL not in (settings.target or []) or ALL in names)


def _columns_of_numbers(free: list[str], sample: Sample, settings: DataSettings) -> list[str]:
    missing = missing_words(settings)
    return [name for name in free if most_are_numbers(sample[name], missing)]


def _targets(
    free: list[str], sample: Sample, settings: DataSettings, names: Sequence[str]
) -> list[str]:
    """The columns to forecast. free: those without another role."""
    if settings.target and _are_named(settings, names):
        return list(dict.fromkeys(settings.target))

    numeric = _columns_of_numbers(free, sample, settings)
    if not numeric and free:
        raise DataError(
            "no column of numbers to forecast", "name it with --target COLUMN", option="target"
        )

    if not numeric:
        raise DataError("no column of numbers to forecast", "check the file")

    if settings.target is None and len(numeric) > 1:
        likely = likely_target(numeric, sample)
        raise DataError(
            f"{len(numeric)} columns of numbers: {listed(numeric)}",
            f"pick one with --target {shlex.quote(likely)}, or take all with --target all",
            option="target",
            proposal=likely,
            remedies=[
                Remedy(
                    {"target": [likely]},
                    f"forecasts one of {len(numeric)} columns of numbers; --target all takes all",
                )
            ],
        )
    return numeric


def _text_covariates(
    covariates: list[str], sample: Sample, settings: DataSettings, levels: Levels | None
) -> list[str]:
    """The covariates that are texts: as in the earlier reading, or by what they hold."""
    if levels is not None:
        return [name for name in covariates if name in levels]
    missing = missing_words(settings)
    return [name for name in covariates if not most_are_numbers(sample[name], missing)]


def _columns_that_may_name_series(sample: Sample, unused: list[str]) -> list[Note]:
    """Columns whose texts repeat, as ids of series do."""
    notes = []
    for name in unused:
        if _repeats(sample[name]):
            option = f"--id {shlex.quote(name)}"
            text = f"the texts of column {name!r} repeat; if they name series, use {option}"
            notes.append(Note("column_may_name_series", "warning", text, {"column": name}))
    return notes


def _repeats(cells: list[str]) -> bool:
    """A few texts, each there many times, as ids of series are."""
    filled = [cell for cell in cells[:SEEN] if cell]
    distinct = len(set(filled))
    is_few = distinct > 1 and 5 * distinct <= len(filled)
    return is_few and not most_are_numbers(filled, MISSING)
