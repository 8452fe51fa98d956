"""Errors about data say which file they are about."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from forecast_cli.errors import TooLittleDataError
from forecast_cli.panel import Panel


@contextlib.contextmanager
def naming_file(data: str | os.PathLike[str] | Panel) -> Iterator[None]:
    """Put the name of the file in front of what is too little inside, as the reader does."""
    try:
        yield
    except TooLittleDataError as error:
        if not isinstance(data, Panel):
            error.name_file("standard input" if data == "-" else os.fspath(data))
        raise
