"""Data in many files: a folder of them, or a pattern such as `sales/*.csv`.

Only the standard library is imported here, so that `predict` of one file learns at once that it is
one.
"""

from __future__ import annotations

import glob
import os
import sys
from dataclasses import dataclass

from forecast_cli.errors import DataError
from forecast_cli.messages import Note, listed, plural

ENDINGS = (".csv", ".csv.gz", ".parquet", ".pq")
HIDDEN = (".", "_")  # what the names of files begin with that are not data, as in Spark


@dataclass(frozen=True)
class Partitions:
    """Files that are read apart from each other, in the order of their names.

    source: what was given; paths: as messages name them; left_out: names of files in the folder
    that are of another kind.
    """

    source: str
    paths: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        if not self.left_out:
            return ()
        what = plural(len(self.left_out), "file")
        text = f"{what} of {self.source} left out, not {_endings()}: {listed(self.left_out)}"
        return (Note("parts_left_out", "info", text, {"files": self.left_out}),)


def partitions_of(data: str | os.PathLike[str] | None) -> Partitions | None:
    """The files of a folder or of a pattern; None for data that are one file.

    Raises DataError for a folder or a pattern without files, for a folder with folders in it, and
    for a name that is not UTF-8.
    """
    if data is None:
        return None
    path = os.fspath(data)
    if os.path.isdir(path):
        return _of_folder(path)
    if glob.has_magic(path) and not os.path.lexists(path):
        return _of_pattern(path)
    return None


def one_file(data: str | os.PathLike[str]) -> Partitions:
    """One file as partitions. Raises DataError where its name is not UTF-8."""
    path = os.fspath(data)
    return _with_names_in_utf_8(Partitions(path, (path,)))


def _of_folder(folder: str) -> Partitions:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"{folder}: {error.strerror}", "give a folder that can be read", path=folder
        ) from None

    entries = [entry for entry in entries if not entry.name.startswith(HIDDEN)]
    for entry in entries:
        if entry.is_dir():
            raise DataError(
                f"{folder}: it has a folder in it, {entry.name!r}, which would not be read",
                _patterns(folder, entry.path),
                path=folder,
            )

    names = [entry.name for entry in entries]
    parts = [name for name in names if name.lower().endswith(ENDINGS)]
    others = tuple(name for name in names if name not in parts and not name.endswith(".crc"))
    if not parts:
        raise DataError(
            f"{folder}: no {_endings()} file in this folder",
            "give a file, or a folder that has such files",
            path=folder,
        )
    paths = tuple(os.path.join(folder, name) for name in parts)
    return _checked(Partitions(folder, paths, others))


def _patterns(folder: str, inner: str) -> str:
    """A hint with patterns for the files of a folder, and for those of folders in it."""
    quoted = glob.escape(folder)
    beside, inside = _ending_in(folder), _ending_in(inner)
    of_inside = f"'{os.path.join(quoted, '*', '*' + (inside or '.parquet'))}'"
    if beside is None:
        return f"give a pattern: {of_inside}"

    of_beside = f"'{os.path.join(quoted, '*' + beside)}'"
    if inside is None:
        return f"give a pattern: {of_beside}"
    return f"give a pattern: {of_beside}, or {of_inside} for the files of such folders"


def _ending_in(folder: str) -> str | None:
    """The ending of the data files of a folder, empty if they have several; None without any."""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(HIDDEN)]
    except OSError:
        return None

    found = {
        name[-len(ending) :]
        for name in names
        for ending in ENDINGS
        if name.lower().endswith(ending)
    }
    if len(found) == 1:
        return found.pop()
    return "" if found else None


def _of_pattern(pattern: str) -> Partitions:
    found = sorted(path for path in glob.glob(pattern) if not _is_hidden(path))
    paths = tuple(path for path in found if not os.path.isdir(path))
    if not paths:
        raise DataError(
            f"{pattern}: no file has such a name",
            "check the pattern; in quotes, so that the shell leaves it as it is",
            path=pattern,
        )
    return _checked(Partitions(pattern, paths))


def _is_hidden(path: str) -> bool:
    return os.path.basename(path).startswith(HIDDEN)


def _checked(partitions: Partitions) -> Partitions:
    return _with_names_in_utf_8(_regular(partitions))


def _with_names_in_utf_8(partitions: Partitions) -> Partitions:
    """Raise DataError for a name that the manifest, which is JSON, could not hold."""
    for path in partitions.paths:
        if not _is_utf_8(os.path.basename(path)):
            raise _not_utf_8(path, "the name of the file", "rename the file")
        if not _is_utf_8(os.path.abspath(path)):
            raise _not_utf_8(path, "the name of the folder that it is in", "rename the folder")

    if not _is_utf_8(partitions.source):
        raise _not_utf_8(partitions.source, "the pattern", "give another pattern")
    return partitions


def _is_utf_8(name: str) -> bool:
    """Whether a name was read as text: bytes that are not in the encoding of the locale, which is
    UTF-8 but for a bare `LC_ALL=C`, are read as lone surrogates.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _not_utf_8(path: str, what: str, hint: str) -> DataError:
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    if sys.getfilesystemencoding() != "utf-8":
        hint = "set LC_ALL=C.UTF-8; if that does not help, " + hint
    return DataError(f"{shown}: {what} cannot be read as UTF-8", hint, path=shown)


def _regular(partitions: Partitions) -> Partitions:
    """Raise DataError for a pipe or a device, which might never end."""
    for path in partitions.paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise DataError(
                f"{path}: not a regular file",
                "move it out of the folder, or give a pattern that leaves it out",
                path=path,
            )
    return partitions


def _endings() -> str:
    return f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
