"""All that people see: messages and progress on stderr, data on stdout, tables, JSON. The only rich, and only on terminals.

stdout is data, stderr is talk. User text is printed as text: control characters and bidi marks come out escaped.
With --log-format json each message on stderr is one JSON object on a line: time, level, message, and what belongs to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forecast_cli.errors import CLOSED_PIPE, ForecastError, StorageError

if TYPE_CHECKING:
    from forecast_cli.training import Epoch

BARS = "▁▂▃▄▅▆▇█"
EVERY = 10.0  # seconds between plain progress lines
_FORMAT: ContextVar[str] = ContextVar("log_format", default="text")


class ClosedPipeError(ForecastError):
    """Whoever read our output has gone; nothing to say and no one to say it to."""

    exit_code = CLOSED_PIPE

    def __init__(self) -> None:
        super().__init__("the reader of the output has gone")


def escape(text: str) -> str:
    """Text that cannot steer a terminal: control, format and bidi characters as \\x1b, \\u202e, ..."""
    return "".join(
        c if c == " " or unicodedata.category(c)[0] not in "CZ" else c.encode("unicode_escape").decode() for c in text
    )


def emit(data: bytes) -> None:
    """Write data to stdout and make sure that it got there."""
    stream = sys.stdout
    if stream is None:
        raise StorageError("stdout is closed, so the output is lost", "use -o FILE")
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        _silence_stdout()
        raise ClosedPipeError from None
    except OSError as error:
        _silence_stdout()
        raise StorageError(f"cannot write to stdout: {error.strerror}", "free some space, or use -o FILE") from None


def _silence_stdout() -> None:
    """What is still buffered must not fail again when Python exits."""
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def emit_json(content: dict[str, Any]) -> None:
    emit((json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode())


def stdout_is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _stderr_is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def talk_as(log_format: str) -> None:
    """How messages look from here on: `text` or `json`."""
    _FORMAT.set(log_format)


def _is_json() -> bool:
    return _FORMAT.get() == "json"


def _log(level: str, message: str, **more: Any) -> None:
    """One JSON object on a line of stderr; ASCII, so that nothing in it can steer a terminal."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    _line(json.dumps({"time": now, "level": level, "message": message, **more}))


def say(text: str) -> None:
    """A line on stderr, whatever becomes of it."""
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
    with contextlib.suppress(OSError, ValueError):
        encoding = sys.stderr.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr, flush=True)  # noqa: T201


def _paint(word: str, style: str) -> str:
    if not _stderr_is_terminal() or os.environ.get("NO_COLOR"):
        return word
    return f"\x1b[{style}m{word}\x1b[0m"


def warning(text: str) -> None:
    if _is_json():
        _log("warning", text)
    else:
        _line(f"{_paint('warning:', '33')} {escape(text)}")


def error(failure: ForecastError, *, debug: bool = False) -> None:
    """One line of what is wrong, one line of what to do; with `debug` where it happened."""
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


def failure(schema: str, failed: ForecastError) -> dict[str, Any]:
    """The JSON document of a command that failed."""
    return {"schema": schema, "exit_code": failed.exit_code, "error": failed.message, "hint": failed.hint}


def sparkline(values: Sequence[float]) -> str:
    """The shape of some numbers in one line: ▁▂▅█."""
    low, high = min(values), max(values)
    if high <= low:
        return BARS[3] * len(values)
    return "".join(BARS[min(int((v - low) / (high - low) * len(BARS)), len(BARS) - 1)] for v in values)


def table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, stderr: bool = False, text_columns: int = 1
) -> None:
    """A table for people; rich draws it on a terminal, plain columns elsewhere. The first columns are text, the others numbers."""
    if stderr and _is_json():
        _log("info", title, rows=[dict(zip(header, row, strict=True)) for row in rows])
        return
    terminal = _stderr_is_terminal() if stderr else stdout_is_terminal()
    cells = [[escape(cell) for cell in row] for row in rows]
    if terminal:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        drawn = Table(title=Text(escape(title)) if title else None, title_justify="left", box=box.SIMPLE_HEAD)
        for number, name in enumerate(header):
            drawn.add_column(Text(escape(name)), justify="left" if number < text_columns else "right", overflow="fold")
        for row in cells:
            drawn.add_row(*(Text(cell) for cell in row))
        Console(stderr=stderr).print(drawn)
        return
    widths = [max(len(row[n]) for row in [list(map(escape, header)), *cells]) for n in range(len(header))]
    lines = [title] if title else []
    for row in [list(header), *cells]:
        lines.append(
            "  ".join(
                c.ljust(w) if n < text_columns else c.rjust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
    if stderr:
        for line in lines:
            say(line)
    else:
        emit(("\n".join(lines) + "\n").encode())


def number(value: float | None) -> str:
    """A number for a table: four significant digits, no exponent where it can be helped."""
    if value is None:
        return "-"
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    digits = max(0, 3 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 4
    return f"{value:,.{digits}f}"


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[Epoch], None]]:
    """Yields a report for training: a live bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""
    if quiet:
        yield lambda epoch: None
    elif _stderr_is_terminal() and not _is_json():
        with _bar() as report:
            yield report
    else:
        yield _plain()


def _losses(epoch: Epoch) -> str:
    validation = "" if epoch.validation_loss != epoch.validation_loss else f"  validation {epoch.validation_loss:.4f}"
    best = f"  best epoch {epoch.best_epoch}" if validation else ""
    return f"loss {epoch.training_loss:.4f}{validation}{best}"


def _plain() -> Callable[[Epoch], None]:
    said: dict[str, float] = {}

    def report(epoch: Epoch) -> None:
        now = time.monotonic()
        if now - said.get(epoch.stage, float("-inf")) >= EVERY:
            said[epoch.stage] = now
            text = f"{epoch.stage}: epoch {epoch.epoch} of {'' if epoch.stage == 'refit' else 'at most '}{epoch.epochs}  {_losses(epoch)}"
            if _is_json():
                _log("progress", text, stage=epoch.stage, epoch=epoch.epoch, epochs=epoch.epochs)
            else:
                _line(text)

    return report


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[Epoch], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("epoch"), MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"), TimeRemainingColumn(compact=True),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(epoch: Epoch) -> None:
            if epoch.stage not in tasks:
                tasks[epoch.stage] = bar.add_task(epoch.stage, total=epoch.epochs, losses="")
            bar.update(tasks[epoch.stage], completed=epoch.epoch, losses=_losses(epoch))

        yield report
