"""How a file is read, and which of its columns are what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forecast_cli import choices, fields
from forecast_cli.errors import SettingsError
from forecast_cli.fields import Group, option_name, setting

COVARIATES = ("past", "future", "static", "weight")  # columns beside the target
ROLES = ("time", "target", "id", "past", "future", "static", "weight")  # what a column can be


@dataclass(frozen=True)
class DataSettings(Group):
    """How a file is read, and which of its columns are what."""

    panel: ClassVar[str] = "Data"

    time: str | None = setting(
        None,
        "Time column, or several: Date,Hour. Or 'none': rows are steps.",
        auto="detected",
        metavar="COLUMN",
    )
    target: list[str] | None = setting(
        None,
        "Column to forecast. Repeat the option for several, or use 'all'.",
        auto="the only one",
        metavar="COLUMN",
    )
    id: str | None = setting(
        None, "Column that names the series of a long file.", auto="unique_id", metavar="COLUMN"
    )
    dates_as_columns: str | None = setting(
        None,
        "Column that names the rows of a file with one column per date, or 'none'.",
        auto="detected",
        metavar="COLUMN",
        rereading=True,
    )
    season: tuple[int, ...] | None = setting(
        None,
        "Season lengths in steps, e.g. 24,168. Use 1 for no season.",
        auto="by frequency",
        metavar="LIST",
        form=fields.SEASONS,
    )
    past: list[str] | None = setting(
        None, "Covariate known up to the last row. Can be repeated.", metavar="COLUMN"
    )
    future: list[str] | None = setting(
        None,
        "Covariate known beyond the last row, e.g. a promotion. Can be repeated.",
        metavar="COLUMN",
    )
    static: list[str] | None = setting(
        None, "Covariate with one value per series. Can be repeated.", metavar="COLUMN"
    )
    weight: str | None = setting(
        None, "Column with the weight of each row in the loss.", metavar="COLUMN"
    )
    date_format: list[str] | None = setting(
        None,
        "Format of the dates, e.g. %d/%m/%Y, or 'step' for numbers. Can be repeated.",
        auto="detected",
        metavar="FORMAT",
        split=fields.split_date_formats,
        rereading=True,
    )
    freq: str | None = setting(
        None,
        "Step between rows: h, 30min, D, B, W-WED, MS, ME, QS, YS.",
        auto="detected",
        metavar="FREQ",
    )
    timezone: str | None = setting(
        None,
        "Time zone of local times, e.g. Europe/Berlin; UTC if clocks are never changed.",
        metavar="ZONE",
    )
    newest_first: bool = setting(False, "The newest row comes first in the file.")
    delimiter: str | None = setting(
        None,
        "Character that separates the fields, or 'tab' or 'space'.",
        auto="detected",
        metavar="CHAR",
        form=fields.DELIMITER,
    )
    decimal: str | None = setting(
        None, "Decimal mark, a point or a comma.", auto="detected", metavar="CHAR"
    )
    thousands: str | None = setting(None, "Thousands separator.", auto="detected", metavar="CHAR")
    encoding: str | None = setting(
        None, "Text encoding of the file, e.g. cp1252.", auto="UTF-8", metavar="NAME"
    )
    skip_rows: int | None = setting(
        None,
        "Lines to leave out before the header.",
        minimum=0,
        auto="detected",
        metavar="N",
        rereading=True,
    )
    footer: int | None = setting(
        None,
        "Lines to leave out after the data, not counting empty ones.",
        minimum=0,
        auto="detected",
        metavar="N",
        rereading=True,
    )
    comment: str | None = setting(
        None,
        "Leave out lines that begin with this text, e.g. '#'.",
        metavar="TEXT",
        rereading=True,
    )
    header: bool = setting(
        True,
        "The first row names the columns; without it, their names are 1, 2, ...",
        rereading=True,
    )
    where: list[str] | None = setting(
        None,
        "Read only rows with a text in a column, e.g. 'shop=Berlin'. Can be repeated.",
        metavar="COLUMN=TEXT",
        rereading=True,
    )
    null: list[str] | None = setting(
        None,
        "Another word for a missing value, besides NA, NaN, null and empty. Can be repeated.",
        metavar="TEXT",
        rereading=True,
    )
    not_null: list[str] | None = setting(
        None,
        "Number that is a value, not a placeholder for a missing one, e.g. -999. Can be repeated.",
        metavar="NUMBER",
        rereading=True,
    )
    gaps: choices.Gaps = setting(
        "auto",
        "How to fill gaps.",
        metavar="METHOD",
        rereading=True,
    )
    max_filled: float | None = setting(
        None,
        "Largest share of the steps of a series that may be filled, e.g. 0.6.",
        minimum=0,
        maximum=1,
        auto="a third",
        metavar="SHARE",
        rereading=True,
    )
    duplicates: choices.Duplicates = setting(
        "error", "What to do with rows of the same time.", metavar="METHOD", rereading=True
    )
    bad_rows: choices.BadRows = setting(
        "error",
        "What to do with unreadable rows; skip exits with 3.",
        metavar="METHOD",
        rereading=True,
    )
    max_skipped: float | None = setting(
        None,
        "Largest share of rows to skip. If set, the newest row may be skipped.",
        minimum=0,
        maximum=1,
        auto="0.05",
        metavar="SHARE",
        rereading=True,
    )

    def check_together(self) -> None:
        _check_marks(self)
        _check_roles(self)
        _check_not_null(self)
        _check_lines(self)


def _check_marks(data: DataSettings) -> None:
    if data.decimal not in (None, ".", ","):
        raise SettingsError(
            f"--decimal: {data.decimal!r} is not one of . and ,",
            "use --decimal .",
            option="decimal",
        )

    separators = {".", ",", " ", "'", "_"} - {data.decimal}
    if data.thousands is not None and data.thousands not in separators:
        raise SettingsError(
            f"--thousands: {data.thousands!r} is not a separator beside the decimal mark",
            "use --thousands .",
            option="thousands",
        )


def _check_roles(data: DataSettings) -> None:
    """Where the columns are dates, none of them can be anything else."""
    if data.dates_as_columns in (None, "none"):
        return
    for name in ROLES:
        if getattr(data, name):
            option = option_name(name)
            raise SettingsError(
                f"--dates-as-columns does not go with {option}: all numbers are of one kind, "
                "and dates are their columns",
                f"leave out {option}; --dates-as-columns names the series",
                option="dates_as_columns",
            )


def _check_not_null(data: DataSettings) -> None:
    nulls = {fields.finite_number(text) for text in data.null or []}
    for text in data.not_null or []:
        number = fields.finite_number(text)
        if number is None:
            raise SettingsError(
                f"--not-null: {text!r} is not a number",
                "write --not-null -999",
                option="not_null",
            )
        if number in nulls:
            raise SettingsError(
                f"--not-null: {text!r} is also named by --null",
                "name each value with one of the two options",
                option="not_null",
            )


def _check_lines(data: DataSettings) -> None:
    """What says which lines and rows are read."""
    if data.comment is not None and not data.comment.strip():
        raise SettingsError(
            "--comment needs a text with which the lines begin",
            "write --comment '#'",
            option="comment",
        )

    if not data.header and data.dates_as_columns not in (None, "none"):
        raise SettingsError(
            "--dates-as-columns does not go with --no-header: the dates are the header",
            "leave out --no-header",
            option="dates_as_columns",
        )
