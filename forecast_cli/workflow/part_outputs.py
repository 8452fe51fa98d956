"""Where the forecasts of many files go: into a folder of parts, into one stream, or nowhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from forecast_cli import store
from forecast_cli.errors import StoppedError
from forecast_cli.formats import Format
from forecast_cli.store import PartsLock, PartsManifest, Spool
from forecast_cli.workflow.part_work import PartDone, Shape


class Output(Protocol):
    """What workers are to make of a forecast, and what is done with what they hand back."""

    @property
    def shape(self) -> Shape: ...

    @property
    def kind(self) -> Format: ...

    @property
    def staging(self) -> str:
        """The folder in which workers write."""

    def take(self, number: int, done: PartDone) -> None:
        """Take what a worker handed back of one file. number: from 0."""

    def finish(self, manifest: PartsManifest, /) -> None:
        """All files are done, and their forecasts may be shown to others."""


@dataclass
class Nowhere:
    """For those who want to know only how many series there are."""

    shape: Shape = "size"
    kind: Format = Format.csv
    staging: str = ""

    def take(self, number: int, done: PartDone) -> None:
        pass

    def finish(self, manifest: PartsManifest, /) -> None:
        pass


@contextlib.contextmanager
def nowhere() -> Iterator[Nowhere]:
    """No output, for as long as the block lasts."""
    yield Nowhere()


@dataclass
class Folder:
    """A folder of parts, which are published together."""

    lock: PartsLock
    kind: Format
    shape: Shape = "part"

    @property
    def staging(self) -> str:
        return str(self.lock.staging)

    def take(self, number: int, done: PartDone) -> None:
        pass  # the worker has written it

    def finish(self, manifest: PartsManifest, /) -> None:
        store.publish_parts(self.lock, manifest)


@contextlib.contextmanager
def opened_folder(path: Path, kind: Format) -> Iterator[Folder]:
    """A folder of parts, for as long as the block lasts; see `store.lock_parts`."""
    with store.lock_parts(path) as lock:
        try:
            yield Folder(lock, kind)
        except StoppedError as error:
            state = "is as it was"
            if lock.is_published:
                state = "has the new forecast"
            raise StoppedError(error.signal_number, f"{path} {state}", error.hint) from None


@dataclass
class Stream:
    """One forecast of all files, in their order, which is written when all of them are done.

    Until then it is in a temporary file: nothing is written if it turns out that two files have
    the same series.
    """

    write: Callable[[bytes], None]
    kind: Format
    spool: Spool
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""
    shape: Shape = "stream"
    staging: str = ""

    def take(self, number: int, done: PartDone) -> None:
        pieces = done.pieces
        if pieces is not None:
            self.spool.add(number, pieces.body)
            self.head, self.between, self.tail = pieces.head, pieces.between, pieces.tail

    def finish(self, _: PartsManifest, /) -> None:
        self.write(self.head)
        self._write_bodies()
        self.write(self.tail)

    def _write_bodies(self) -> None:
        for at, blocks in enumerate(self.spool.read()):
            if at:
                self.write(self.between)
            for block in blocks:
                self.write(block)


@dataclass
class Document(Stream):
    """The rows of a JSON document, which the caller puts around them.

    about: what the document says of the forecast, beside its rows.
    """

    shape: Shape = "document"
    about: Mapping[str, Any] = field(default_factory=dict)

    def take(self, number: int, done: PartDone) -> None:
        super().take(number, done)
        self.about = done.about

    def finish(self, manifest: PartsManifest, /) -> None:
        pass

    def write_rows(self) -> None:
        """Write the rows, without the brackets around them."""
        self._write_bodies()


@contextlib.contextmanager
def spooled(write: Callable[[bytes], None], kind: Format) -> Iterator[Stream]:
    """A stream in a format, for as long as the block lasts."""
    with store.opened_spool() as spool:
        yield Stream(write, kind, spool)


@contextlib.contextmanager
def spooled_document(write: Callable[[bytes], None]) -> Iterator[Document]:
    """The rows of a document, for as long as the block lasts."""
    with store.opened_spool() as spool:
        yield Document(write, Format.json, spool)
