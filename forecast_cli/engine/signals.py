"""Signals that come while compiled code is at work, and those that processes must not hear."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

FROM_TERMINAL = (signal.SIGINT, signal.SIGHUP)  # which all processes of a command get
STOPS = (*FROM_TERMINAL, signal.SIGTERM)


@contextlib.contextmanager
def without_terminal() -> Iterator[None]:
    """Processes that are started in the block hear neither Ctrl-C nor that the terminal is closed.

    They are told to end by this process, which hears of it after the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FROM_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Signals:
    """Signals that come while Ray is at work, kept until they can be raised.

    An error that is raised inside of its compiled code would be lost there.
    """

    def __init__(self) -> None:
        self.late: list[tuple[int, Any]] = []
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        with contextlib.suppress(ValueError):  # only the main thread hears of signals
            for number in STOPS:
                self.handlers[number] = signal.signal(number, self._keep)
        return self

    def _keep(self, number: int, frame: Any) -> None:
        self.late.append((number, frame))

    def raise_late(self) -> None:
        """Do now what was to be done when the signal came."""
        while self.late:
            number, frame = self.late.pop(0)
            handler = self.handlers[number]
            if callable(handler):
                handler(number, frame)
            elif handler == signal.SIG_DFL:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(ValueError):
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
        if kind is None:
            self.raise_late()
