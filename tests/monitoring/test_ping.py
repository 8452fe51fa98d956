"""Pings: whatever the server does, a job goes on, in time, and nothing tells the URL."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from forecast_cli import monitoring
from forecast_cli.errors import SettingsError, StorageError
from tests.conftest import HANG

SECRET = "5f0c-secret"  # noqa: S105
SHORT = 0.3  # seconds, in place of ten, for an answer that never comes

for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
    os.environ.pop(name, None)


class Server:
    """A server of this machine: the paths that it was asked for, and where it is.

    over: set when the test is done with it.
    """

    def __init__(self, port: int) -> None:
        self.paths: list[str] = []
        self.agents: list[str] = []
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{port}/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    """One request. over: set when nobody waits for the answer any more."""

    over: threading.Event

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(answer: Callable[[Handler], None]) -> Iterator[Server]:
    class Answering(Handler):
        def do_GET(self) -> None:
            self.over = seen.over
            seen.paths.append(self.path)
            seen.agents.append(self.headers["User-Agent"])
            with contextlib.suppress(OSError):
                answer(self)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    seen = Server(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seen
    finally:
        seen.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def good(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"OK")


def failing(handler: Handler) -> None:
    handler.send_error(500, SECRET)


def closing(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def garbage(handler: Handler) -> None:
    handler.wfile.write(f"{SECRET} is no status line\n\n".encode())


def hanging(handler: Handler) -> None:
    handler.over.wait(HANG)


def dripping(handler: Handler) -> None:
    """Sends a byte now and then, so that no single wait is too long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    while not handler.over.wait(SHORT / 4):
        handler.wfile.write(b"x")


def looping(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.end_headers()


def to(place: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.send_response(301)
        handler.send_header("Location", place)
        handler.end_headers()

    return answer


def once(handler: Handler) -> None:
    """Redirects to another path, which is there."""
    if handler.path.startswith("/moved"):
        good(handler)
    else:
        to("/moved" + handler.path)(handler)


@pytest.fixture
def ping_file(tmp_path: Path) -> Callable[[str], str]:
    def make(content: str) -> str:
        path = tmp_path / "ping.txt"
        path.write_text(content)
        return str(path)

    return make


def pinged(path: str, exit_code: int = 0, seconds: float = HANG) -> str:
    """The warning of a job that does nothing but ping."""
    ping, warning = monitoring.start_ping(path, seconds)
    assert warning == ""
    assert ping is not None
    return ping.finish(exit_code)


PingFile = Callable[[str], str]


def test_a_job_pings_its_start_and_its_exit_code_in_this_order(ping_file: PingFile) -> None:
    with serving(good) as server:
        path = ping_file(f"  {server.url}/ \nmore\n")
        assert pinged(path) == ""
        assert pinged(path, 21) == ""
    assert server.paths == [f"/{SECRET}/{part}" for part in ("start", "0", "start", "21")]
    assert all(agent.startswith("forecast/") for agent in server.agents)


def test_what_follows_a_question_mark_stays_behind_the_ending(ping_file: PingFile) -> None:
    with serving(good) as server:
        assert pinged(ping_file(f"{server.url}?create=1#part")) == ""
    assert server.paths == [f"/{SECRET}/start?create=1", f"/{SECRET}/0?create=1"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failing, "status 500"),
        (closing, "the connection was closed"),
        (garbage, "the answer is not HTTP"),
        (looping, "it is redirected too often, or to where no ping is sent"),
        (to("ftp://127.0.0.1/x"), "it is redirected too often, or to where no ping is sent"),
        (to("file:///etc/passwd"), "it is redirected too often, or to where no ping is sent"),
        (to("//"), None),
        (to("http://[x/"), None),
    ],
)
def test_a_bad_answer_is_a_warning_without_the_url(
    ping_file: PingFile, answer: Callable[[Handler], None], reason: str | None
) -> None:
    with serving(answer) as server:
        path = ping_file(server.url)
        warning = pinged(path)
    beginning = f"a ping to the URL in {path} did not arrive "
    if reason is None:
        assert warning.startswith(f"{beginning}(start: ")
    else:
        assert warning == f"{beginning}(start: {reason}; exit code: {reason})"
    assert SECRET not in warning
    assert "127.0.0.1" not in warning
    assert len(server.paths) <= 2 * 4


@pytest.mark.parametrize("answer", [hanging, dripping])
def test_an_answer_that_never_comes_is_waited_for_until_the_time_is_up(
    ping_file: PingFile, answer: Callable[[Handler], None]
) -> None:
    with serving(answer) as server:
        path = ping_file(server.url)
        warning = pinged(path, seconds=SHORT)
        assert not server.over.is_set()
    reason = "no answer in time"
    assert warning == (
        f"a ping to the URL in {path} did not arrive (start: {reason}; exit code: {reason})"
    )


def test_a_redirect_to_another_path_is_followed(ping_file: PingFile) -> None:
    with serving(once) as server:
        assert pinged(ping_file(server.url)) == ""
    assert server.paths[-1] == f"/moved/{SECRET}/0"


def test_a_server_that_is_not_there_is_a_warning(ping_file: PingFile) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # and does not listen
        warning = pinged(ping_file(f"http://127.0.0.1:{other.getsockname()[1]}/{SECRET}"))
    assert "(start: Connection refused; exit code: Connection refused)" in warning


def test_an_encrypted_url_of_a_server_that_does_not_encrypt_is_a_warning(
    ping_file: PingFile,
) -> None:
    with serving(good) as server:
        warning = pinged(ping_file(server.url.replace("http:", "https:")))
    assert "the encrypted connection failed" in warning
    assert SECRET not in warning


def test_a_hanging_server_does_not_hold_up_the_work(ping_file: PingFile) -> None:
    with serving(hanging) as server:
        ping, _ = monitoring.start_ping(ping_file(server.url), HANG)
        assert ping is not None  # although nothing has been answered
        assert "no answer in time" in ping.finish(0, seconds=SHORT)
        assert not server.over.is_set()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\nhttp://127.0.0.1/",
        f"ftp://127.0.0.1/{SECRET}",
        f"file:///{SECRET}",
        f"{SECRET}",
        f"http:///{SECRET}",
        f"http://127.0.0.1:{SECRET}/",
        f"http://127.0.0.1:99999/{SECRET}",
        f"http://me:{SECRET}@127.0.0.1/",
        f"http://127.0.0.1/{SECRET} more",
        f"http://[{SECRET}/",
        f"http://127.0.0.1/{SECRET}\x1b[2J",
        f"http://exämple.org/{SECRET}",
    ],
)
def test_what_is_no_url_is_refused_without_showing_it(ping_file: PingFile, content: str) -> None:
    path = ping_file(content)
    with pytest.raises(SettingsError) as caught:
        monitoring.read_ping_url(path)
    assert caught.value.message == (
        f"{path}: the first line is not a URL that begins with http:// or https://"
    )
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    ping, warning = monitoring.start_ping(path)
    assert ping is None
    assert warning == (
        f"no ping is sent: {caught.value.message}; write the URL of the check, and nothing else, "
        "into the file of --ping-file"
    )


def test_a_byte_order_mark_is_no_part_of_the_url(tmp_path: Path) -> None:
    path = tmp_path / "ping.txt"
    path.write_bytes(b"\xef\xbb\xbfhttps://example.org/x\r\n")
    assert monitoring.read_ping_url(str(path)) == "https://example.org/x"


def test_a_file_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reasons = {
        str(pipe): "it is not a plain file",
        str(tmp_path): "it is not a plain file",
        str(tmp_path / "missing"): "No such file or directory",
        "a\0b": "no such path",
    }
    for path, reason in reasons.items():
        with pytest.raises(StorageError) as caught:
            monitoring.read_ping_url(path)
        assert caught.value.message == f"cannot read {path}: {reason}"
        assert caught.value.hint == "check the path after --ping-file"
