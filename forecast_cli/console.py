"""All that people see: messages and progress on stderr, data on stdout, tables, JSON.

This is the only module that imports rich, and it does so on terminals only. User text is printed
as text: control characters and bidi marks come out escaped. With --log-format json, each message
on stderr is one JSON object on a line: time, level, message, and what belongs to it.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import math
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Literal, TextIO, cast

from forecast_cli.errors import CLOSED_PIPE, Failure, ForecastError, StorageError
from forecast_cli.messages import duration
from forecast_cli.messages import escape as escape
from forecast_cli.messages import number as number
from forecast_cli.messages import share as share
from forecast_cli.progress import Epoch, Event, MemberDone, Phase, Report, Waiting, silent

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

BARS = "▁▂▃▄▅▆▇█"
EVERY = 10.0  # seconds between plain lines about epochs
QUIET = 1.0  # seconds without a plain line after which a phase that continues is named
ALWAYS_NAMED = (
    "waiting",
    "cost",
    "resuming",
)  # phases that are named at once, also after another one
NEVER = float("-inf")  # the time of what has not happened yet
_FORMAT: ContextVar[str] = ContextVar("log_format", default="text")


class ClosedPipeError(ForecastError):
    """The reader of our output has gone, so the command ends without a message."""

    exit_code = CLOSED_PIPE

    def __init__(self) -> None:
        super().__init__("the reader of the output has gone")


def emit(data: bytes) -> None:
    """Write data to stdout, and make sure that it got there. Raises ClosedPipeError, StorageError."""
    stream = sys.stdout
    if stream is None:
        raise StorageError("stdout is closed, so the output is lost", "use -o FILE")

    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        _silence(stream)
        raise ClosedPipeError from None
    except OSError as error:
        _silence(stream)
        message = f"cannot write to stdout: {error.strerror}"
        raise StorageError(message, "free some space, or use -o FILE") from None


def _silence(stream: TextIO) -> None:
    """Drop what is still buffered, so that it does not fail again when Python exits."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def emit_json(content: dict[str, Any]) -> None:
    """Write one JSON document to stdout."""
    emit((json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode())


def lines(texts: Sequence[str]) -> None:
    """Write lines of text to stdout."""
    emit("".join(escape(text) + "\n" for text in texts).encode())


def stdout_is_terminal() -> bool:
    """Whether the data go to a person."""
    return sys.stdout is not None and sys.stdout.isatty()


def _stderr_is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def talk_as(log_format: str) -> None:
    """Set the format of the messages that follow: `text` or `json`."""
    _FORMAT.set(log_format)


def _is_json() -> bool:
    return _FORMAT.get() == "json"


def _log(level: str, message: str, **more: Any) -> None:
    """Write a message as one JSON object on a line of stderr.

    It is ASCII, so that nothing in it can steer a terminal.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    _line(json.dumps({"time": now, "level": level, "message": message, **more}))


def say(text: str) -> None:
    """Write a line to stderr. If that fails, the command continues."""
    if _is_json():
        _log("info", text)
    else:
        _line(text)


def waiting(holder: str) -> None:
    """Say that another command holds the lock of the store, and that this one waits for it."""
    say(escape(f"waiting for another command: {holder}"))


def _line(text: str) -> None:
    if sys.stderr is None:
        return
    with contextlib.suppress(ValueError):
        encoding = sys.stderr.encoding or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        print(shown, file=_Lasting(sys.stderr), flush=True)


class _Lasting:
    """A stream that may end at any time, as a terminal that is closed does: what is written then
    is lost, and nothing fails.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.encoding = stream.encoding

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except OSError:
            _silence(self.stream)
        return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError:
            _silence(self.stream)


def _paint(word: str, style: str) -> str:
    if not _stderr_is_terminal() or os.environ.get("NO_COLOR"):
        return word
    return f"\x1b[{style}m{word}\x1b[0m"


def warning(text: str) -> None:
    """Write a warning to stderr, also with --quiet."""
    if _is_json():
        _log("warning", text)
    else:
        _line(f"{_paint('warning:', '33')} {escape(text)}")


def error(failure: Failure, *, debug: bool = False) -> None:
    """Write to stderr what is wrong, and what to do about it; with `debug`, where it happened."""
    trace = "".join(traceback.format_exception(failure)) if debug else ""
    if _is_json():
        more = {"traceback": trace} if trace else {}
        _log("error", failure.message, hint=failure.hint, exit_code=failure.exit_code, **more)
        return
    if trace:
        _line(trace.rstrip())
    _line(f"{_paint('error:', '1;31')} {escape(failure.message)}")
    if failure.hint:
        _line(f"{_paint('hint:', '36')} {escape(failure.hint)}")


def sparkline(values: Sequence[float]) -> str:
    """The shape of some numbers in one line: ▁▂▅█."""
    low, high = min(values), max(values)
    if high <= low:
        return BARS[3] * len(values)

    highest_bar = len(BARS) - 1
    heights = [int((value - low) / (high - low) * len(BARS)) for value in values]
    return "".join(BARS[min(height, highest_bar)] for height in heights)


def table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    stderr: bool = False,
    text_columns: int = 1,
) -> None:
    """A table for people. Its first columns are text, the others numbers.

    rich draws it on a terminal; elsewhere it is plain columns. As a message in JSON it is one
    object, with the rows in a field.
    """
    if stderr and _is_json():
        _log("info", title, rows=[dict(zip(header, row, strict=True)) for row in rows])
        return

    names = [escape(name) for name in header]
    cells = [[escape(cell) for cell in row] for row in rows]
    if _stderr_is_terminal() if stderr else stdout_is_terminal():
        _draw_table(title, names, cells, text_columns, stderr=stderr)
        return

    plain = _plain_table(names, cells, text_columns)
    if title:
        plain.insert(0, title)
    if stderr:
        for line in plain:
            say(line)
    else:
        emit("".join(f"{line}\n" for line in plain).encode())


def _draw_table(
    title: str, header: list[str], rows: list[list[str]], text_columns: int, *, stderr: bool
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    heading = Text(escape(title)) if title else None
    drawn = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD)
    for position, name in enumerate(header):
        side: Literal["left", "right"] = "left" if position < text_columns else "right"
        drawn.add_column(Text(name), justify=side, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console(stderr=stderr).print(drawn)


def _plain_table(header: list[str], rows: list[list[str]], text_columns: int) -> list[str]:
    """The lines of a table: text to the left, numbers to the right."""
    everything = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    lines = []
    for row in everything:
        texts = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        aligned = texts[:text_columns] + numbers[text_columns:]
        lines.append("  ".join(aligned).rstrip())
    return lines


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Report]:
    """Yield the callback that shows progress.

    It shows a live bar on a terminal, plain lines elsewhere, and nothing when quiet.
    """
    if quiet:
        yield silent
    elif _stderr_is_terminal() and not _is_json():
        with _bar() as report:
            yield report
    else:
        with _plain_lines() as report:
            yield report


class _Tally:
    """The epochs of all members that are trained in one phase.

    most, done: the epochs of each member, at most and so far; begun: when the first epoch was
    reported, and how many there were then.
    """

    def __init__(self, phase: Phase | None = None) -> None:
        self.most = dict(phase.epochs) if phase else {}
        self.done = dict.fromkeys(self.most, 0)
        self.begun: tuple[float, int] | None = None

    def add(self, event: Epoch | MemberDone, now: float) -> None:
        """Count an epoch; a member that is done takes no more of them."""
        if isinstance(event, MemberDone):
            self.most[event.member] = self.done.get(event.member, 0)
            return

        self.done[event.member] = event.epoch
        self.most[event.member] = event.epochs
        if self.begun is None:
            self.begun = now, self.epochs

    @property
    def epochs(self) -> int:
        return sum(self.done.values())

    @property
    def total(self) -> int:
        return sum(self.most.values())

    @property
    def members(self) -> int:
        return len(self.most)

    def left(self, now: float) -> float | None:
        """Seconds that are left at most, at the pace so far; None before there is one."""
        if self.begun is None or self.epochs <= self.begun[1]:
            return None

        since, before = self.begun
        return (now - since) / (self.epochs - before) * (self.total - self.epochs)


def _losses(epoch: Epoch) -> str:
    text = f"loss {epoch.training_loss:.4f}"
    if math.isnan(epoch.validation_loss):
        return text
    return f"{text}  validation {epoch.validation_loss:.4f}  best epoch {epoch.best_epoch}"


class _Plain:
    """Progress in plain lines.

    The first phase is named at once, every other one when nothing was said for a second. So a
    short training takes few lines, and a long one is never silent about what it does. Epochs get
    a line every ten seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.Lock()  # the thread of the clock and the command both write
        self.phase: Phase | None = None
        self.tally = _Tally()
        self.named = False
        self.said = NEVER
        self.counted = NEVER

    def report(self, event: Event) -> None:
        """Take note of what is happening, and say it if it is time to."""
        with self.lock:
            if isinstance(event, Phase):
                self._begin(event)
                return
            if isinstance(event, Waiting):
                self._say(escape(event.text), phase="waiting")
                return

            self.tally.add(event, self.clock())
            if isinstance(event, Epoch) and self.clock() - self.counted >= EVERY:
                self._count(event)

    def tick(self) -> None:
        """Name the phase if it continues in silence."""
        with self.lock:
            if self.phase is not None and not self.named and self.clock() - self.said >= QUIET:
                self._name()

    def _begin(self, phase: Phase) -> None:
        if phase == self.phase:
            return
        first = self.phase is None
        self.phase, self.tally = phase, _Tally(phase)
        self.named, self.counted = False, NEVER
        if first or phase.name in ALWAYS_NAMED:
            self._name()

    def _name(self) -> None:
        assert self.phase is not None  # noqa: S101
        self._say(escape(self.phase.text), phase=self.phase.name)
        self.named = True

    def _count(self, epoch: Epoch) -> None:
        """Write how many epochs are done, and how long the others will take."""
        tally, now = self.tally, self.clock()
        subject = self.phase.text if self.phase else epoch.stage
        is_exact = self.phase is not None and self.phase.name == "refit"
        most = "" if is_exact else "at most "

        member = f"member {epoch.member}: " if tally.members > 1 else ""
        text = f"{subject}: epoch {tally.epochs:,} of {most}{tally.total:,}"
        text += f"  {member}{_losses(epoch)}"
        left = tally.left(now)
        if left is not None:
            text += f"  {most}{duration(left)} left"

        self._say(
            text,
            stage=epoch.stage,
            epoch=epoch.epoch,
            epochs=epoch.epochs,
            done=tally.epochs,
            total=tally.total,
        )
        self.named, self.counted = True, now

    def _say(self, text: str, **more: Any) -> None:
        if _is_json():
            _log("progress", text, **more)
        else:
            _line(text)
        self.said = self.clock()


@contextlib.contextmanager
def _plain_lines() -> Iterator[Report]:
    """Yield a callback that writes plain lines, with a thread beside it that notices silence."""
    plain, over = _Plain(), threading.Event()
    context = contextvars.copy_context()  # a new thread does not inherit the format of messages

    def keep_time() -> None:
        while not over.wait(QUIET / 4):
            context.run(plain.tick)

    thread = threading.Thread(target=keep_time, daemon=True)
    thread.start()
    try:
        yield plain.report
    finally:
        over.set()
        thread.join()


def _bar_columns() -> tuple[ProgressColumn, ...]:
    """The phase, a bar, the epochs, the time left, and the losses."""
    from rich.progress import BarColumn, ProgressColumn, Task
    from rich.table import Column
    from rich.text import Text

    class Field(ProgressColumn):
        """A text that is cut off where the line is too short for all."""

        def __init__(self, name: str, table_column: Column | None = None) -> None:
            super().__init__(table_column)
            self.name = name

        def render(self, task: Task) -> Text:
            return Text(task.fields[self.name], no_wrap=True, overflow="ellipsis")

    class Left(ProgressColumn):
        """The time that is left, counted down between two epochs."""

        def render(self, task: Task) -> Text:
            end = task.fields["end"]
            return Text("" if end is None else f"{duration(max(end - time.monotonic(), 0))} left")

    # Where the line is too short, the losses give way first.
    fixed = Column(no_wrap=True)
    return (
        Field("phase", fixed),
        BarColumn(bar_width=20),
        Field("epochs", fixed),
        Left(fixed),
        Field("losses"),
    )


@contextlib.contextmanager
def _bar() -> Iterator[Report]:
    """Yield a callback that updates one line: the phase, the epochs of all members, the time left."""
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    console = Console(file=cast("IO[str]", _Lasting(sys.stderr)))
    with Progress(*_bar_columns(), console=console, transient=True) as bar:
        shown: Phase | None = None
        tally = _Tally()

        def begin(phase: Phase) -> None:
            nonlocal shown, tally
            if phase == shown:
                return

            shown, tally = phase, _Tally(phase)
            previous, total = bar.task_ids, tally.total or None
            # Hidden until the previous one is gone, so that there is one line at a time.
            task = bar.add_task(
                "",
                total=total,
                visible=False,
                phase=escape(phase.text),
                epochs="",
                losses="",
                end=None,
            )
            for each in previous:
                bar.remove_task(each)
            bar.update(task, visible=True, refresh=True)

        def report(event: Event) -> None:
            if isinstance(event, Waiting) or (isinstance(event, Phase) and event.name == "cost"):
                bar.console.print(Text(escape(event.text)))  # above the bar, where it stays
                return
            if isinstance(event, Phase):
                begin(event)
                return

            tally.add(event, time.monotonic())
            _update(bar, tally, event)

        yield report


def _update(bar: Any, tally: _Tally, event: Epoch | MemberDone) -> None:
    """Show an epoch, and the time that is left, on the bar."""
    now = time.monotonic()
    left = tally.left(now)
    end = None if left is None else now + left
    for task in bar.task_ids:
        counts = f"epoch {tally.epochs:,}/{tally.total:,}"
        bar.update(task, completed=tally.epochs, total=tally.total, epochs=counts, end=end)
        if isinstance(event, Epoch):
            bar.update(task, losses=_losses(event))
