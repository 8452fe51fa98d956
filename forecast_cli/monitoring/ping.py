"""Pings: requests to a service that raises an alarm when they stay away, such as healthchecks.

A GET of URL/start is sent when a job starts, and one of URL/EXITCODE when it ends. The URL is a
secret, because whoever knows it can send pings. It is read from a file, and no message, traceback
or log has any part of it. Nothing that a server does can fail a job, or hold it up for longer than
the time limit: each request has a thread of its own, which is left behind if it takes too long.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from typing import Any

import forecast_cli
from forecast_cli.errors import ForecastError, SettingsError, StorageError

TIME_LIMIT = 10.0  # seconds for one request, from the name of the host to the answer
MOST_REDIRECTS = 3
MOST_BYTES = 4096  # of the file with the URL
SCHEMES = ("http", "https")
REDIRECTS = (301, 302, 303, 307, 308)


# -- the URL ---------------------------------------------------------------------------------------


def read_ping_url(path: str) -> str:
    """The URL in the first line of a file.

    Raises StorageError where the file cannot be read, SettingsError where it holds no such URL.
    Neither says anything about the content.
    """
    line = _first_line(path)
    if not _is_url(line):
        raise SettingsError(
            f"{path}: the first line is not a URL that begins with http:// or https://",
            "write the URL of the check, and nothing else, into the file of --ping-file",
            option="ping_file",
        )
    return line


def _first_line(path: str) -> str:
    """The first line of a plain file, without the spaces around it. Raises StorageError."""
    try:
        # A pipe without a writer would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is not a plain file")
            content = os.read(descriptor, MOST_BYTES)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such path"
        raise StorageError(
            f"cannot read {path}: {reason}", "check the path after --ping-file", option="ping_file"
        ) from None

    text = content.decode("utf-8-sig", "replace")
    return next(iter(text.splitlines()), "").strip()


def _is_url(text: str) -> bool:
    """Whether a text is a URL of HTTP or HTTPS, with a host, and without a user or a password."""
    from urllib.parse import urlsplit

    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.hostname) and port_is_right and not parts.username


def _with_ending(url: str, ending: str) -> str:
    """The URL with one more part of its path, before what follows a question mark."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{ending}"
    return parts._replace(path=path, fragment="").geturl()


# -- a job -----------------------------------------------------------------------------------------


class Ping:
    """The pings of one job. `start_ping` makes one, which has sent the first request already."""

    def __init__(self, path: str, url: str, seconds: float) -> None:
        self._path = path
        self._url = url
        self._seconds = seconds
        self._start = _Request(_with_ending(url, "start"), seconds)

    def finish(self, exit_code: int, seconds: float | None = None) -> str:
        """Send the exit code, once the request of the start has ended or its time is up.

        seconds: the time limit for both, if it is shorter than usual. Returns the text of a
        warning where a ping did not arrive, else an empty text.
        """
        limit = self._seconds if seconds is None else min(seconds, self._seconds)
        problems = [self._start.problem(limit)]
        problems.append(_Request(_with_ending(self._url, str(exit_code)), limit).problem(limit))

        names = ("start", "exit code")
        failed = [f"{name}: {text}" for name, text in zip(names, problems, strict=True) if text]
        if not failed:
            return ""
        return f"a ping to the URL in {self._path} did not arrive ({'; '.join(failed)})"


def start_ping(path: str, seconds: float = TIME_LIMIT) -> tuple[Ping | None, str]:
    """Send the first ping of a job, without waiting for it.

    Returns the pings of the job, and the text of a warning where there are none because the file
    cannot be used.
    """
    try:
        return Ping(path, read_ping_url(path), seconds), ""
    except ForecastError as error:
        return None, f"no ping is sent: {error.message}; {error.hint}"


class _Request:
    """One GET, in a thread that nobody has to wait for."""

    def __init__(self, url: str, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._problem = ""
        self._thread = threading.Thread(target=self._send, args=(url, seconds), daemon=True)
        self._thread.start()

    def problem(self, seconds: float) -> str:
        """What went wrong, after waiting for the answer until the time is up."""
        left = min(self._end - time.monotonic(), seconds)
        self._thread.join(max(left, 0))
        return "no answer in time" if self._thread.is_alive() else self._problem

    def _send(self, url: str, seconds: float) -> None:
        try:
            self._problem = _get(url, seconds)
        except Exception as error:
            # Its text may hold the URL, so only its kind is told.
            self._problem = _reason(error)


def _get(url: str, seconds: float) -> str:
    """Send a GET and leave the answer unread. Returns what is wrong with its status."""
    from urllib.error import HTTPError
    from urllib.request import Request

    name = f"forecast/{forecast_cli.__version__}"
    request = Request(url, headers={"User-Agent": name})  # noqa: S310
    try:
        with _opener().open(request, timeout=seconds):
            return ""
    except HTTPError as error:
        error.close()
        if error.code in REDIRECTS:
            return "it is redirected too often, or to where no ping is sent"
        return f"status {error.code}"


def _opener() -> Any:
    """What sends requests: HTTP and HTTPS only, through the proxy that the environment names."""
    from urllib import request
    from urllib.parse import urlsplit

    class Redirects(request.HTTPRedirectHandler):
        """Few redirects, none to another scheme, and none that gives up encryption."""

        max_redirections = MOST_REDIRECTS
        max_repeats = MOST_REDIRECTS

        def redirect_request(
            self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> Any:
            old, new = req.type, urlsplit(newurl).scheme
            if new not in SCHEMES or (old == "https" and new != "https"):
                return None  # which is a failure with the status of the redirect
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    """What went wrong, in words that cannot hold any part of the URL."""
    from http.client import HTTPException
    from socket import gaierror
    from ssl import SSLError

    cause = getattr(error, "reason", error)  # of a URLError
    kinds: dict[type[Exception], str] = {
        TimeoutError: "no answer in time",
        gaierror: "the name of the host was not found",
        SSLError: "the encrypted connection failed; see the certificate of the server",
        HTTPException: "the answer is not HTTP",
    }
    if isinstance(cause, ConnectionError):
        return os.strerror(cause.errno) if cause.errno else "the connection was closed"
    for kind, words in kinds.items():
        if isinstance(cause, kind):
            return words
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return type(cause).__name__
