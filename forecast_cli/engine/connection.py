"""The connection to a Ray cluster: to that at an address, or to one of our own.

Ray is loaded here, and only where it was asked for.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

from forecast_cli.engine.contract import Place
from forecast_cli.engine.signals import Signals, without_terminal
from forecast_cli.errors import SettingsError, WorkerLostError

PAUSE = 0.1  # seconds between two looks at what another process does
PATIENCE = 15  # seconds until somebody answers at an address
PATIENCE_TO_JOIN = 30.0  # seconds until Ray must have answered there
PATIENCE_TO_START = 120  # seconds until the first process of Ray must have begun
PATIENCE_TO_END = 30.0  # seconds that processes of Ray may still write into a folder at the end
LONGEST_FOLDER = 24  # bytes of a name in which the sockets of Ray have room


@contextlib.contextmanager
def connected(place: Place) -> Iterator[Any]:
    """Ray, connected to the cluster of a place for as long as the block lasts.

    Where this process is connected to a cluster already, that is the one. A cluster of our own
    ends with the block.

    Raises SettingsError where there is no cluster at the address, and WorkerLostError where Ray
    does not start on this machine.
    """
    if place.address is not None:
        _require_listener(place.address)
        _require_answer(place.address)
    with Signals():  # Ray is compiled code
        ray = _load(place)
    with contextlib.ExitStack() as stack:
        # Standard output is for data, and Ray prints there what befell its workers.
        stack.enter_context(contextlib.redirect_stdout(_WithoutRay(sys.stdout)))
        if not ray.is_initialized():
            stack.enter_context(_joined(ray, place))
        yield ray


@contextlib.contextmanager
def temporary_folder(parent: str | None = None) -> Iterator[str]:
    """A folder that processes of Ray may write in, and that is gone after the block.

    They may end a little later than they are told to, and write until then.
    """
    folder = tempfile.mkdtemp(prefix="forecast-", dir=parent)
    try:
        yield folder
    finally:
        with Signals():
            _remove(folder)


def first_line(error: BaseException) -> str:
    """The first line of the text of an error, or what kind of error it is."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


# -- Ray itself --------------------------------------------------------------------------------


def _load(place: Place) -> Any:
    """Ray itself, which reads its environment when it is loaded."""
    # Nothing is told to anybody about what is run.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What it holds back would be printed at the end.
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    # What Ray will do by itself in its next release: leave the variables of GPUs alone.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if place.address is None:
        # A machine that has much else to do starts the processes of Ray slowly.
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", str(PATIENCE_TO_START))
    if place.address is None and "RAY_AUTH_MODE" not in os.environ:
        # A cluster listens on the network: only who knows this word may use that of ours.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    import ray

    return ray


@contextlib.contextmanager
def _joined(ray: Any, place: Place) -> Iterator[None]:
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
    with contextlib.ExitStack() as stack:
        if place.address is None:
            name = stack.enter_context(temporary_folder(_parent_of_folder()))
        stack.callback(_shut_down, ray)
        with Signals():  # which are ours again after the block: Ray sets its own
            if place.address is None:
                _start(ray, place, name, quiet)
            else:
                _join(ray, place.address, quiet)
        yield


def _shut_down(ray: Any) -> None:
    """Leave the cluster; end one of our own, with all its processes, whatever signals come."""
    with Signals():
        ray.shutdown(wait_for_processes=True)


def _parent_of_folder() -> str:
    """Where the folder is to be in which Ray keeps its sockets and logs for as long as it runs.

    Names of sockets are at most 107 bytes long, of which Ray needs 64.
    """
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else os.path.join(os.sep, "tmp")


def _remove(folder: str) -> None:
    """Remove a folder in which somebody may still be writing."""
    deadline = time.monotonic() + PATIENCE_TO_END
    shutil.rmtree(folder, ignore_errors=True)
    while os.path.lexists(folder) and time.monotonic() < deadline:
        time.sleep(PAUSE)
        shutil.rmtree(folder, ignore_errors=True)


def _start(ray: Any, place: Place, folder: str, quiet: dict[str, Any]) -> None:
    """Start a cluster on this machine, with its files in a folder."""
    try:
        with without_terminal():
            ray.init(
                "local", num_cpus=place.workers, include_dashboard=False, _temp_dir=folder, **quiet
            )
    except Exception as error:  # which is what Ray raises where one of its processes is late
        raise WorkerLostError(
            f"Ray does not start on this machine: {first_line(error)}",
            "use --engine processes, or name a cluster with --address",
        ) from None


# -- a cluster at an address ---------------------------------------------------------------------


def _require_listener(address: str) -> None:
    """Raise SettingsError where nobody listens: Ray itself would try for some time.

    `auto` is what Ray finds on this machine, or in its environment.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise SettingsError(
            f"--address must be HOST:PORT or auto, got {address!r}",
            "use, for example, --address 10.0.0.1:6379",
            option="address",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _require_answer(address: str) -> None:
    """Raise SettingsError where somebody listens who is not Ray: it would try for minutes, deaf to
    signals. A process tries first, which can be ended."""
    process = multiprocessing.get_context("spawn").Process(target=_try_to_join, args=(address,))
    process.start()
    deadline = time.monotonic() + PATIENCE_TO_JOIN
    try:
        while process.is_alive() and time.monotonic() < deadline:
            process.join(PAUSE)
        if process.is_alive():
            seconds = f"{PATIENCE_TO_JOIN:.0f} seconds"
            raise _no_cluster(address, TimeoutError(f"no answer of Ray within {seconds}"))
    finally:
        process.kill()
        process.join()


def _try_to_join(address: str) -> None:
    """In a process of its own: join the cluster, and leave it. What goes wrong is not told here,
    but where it is tried again."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    import ray

    with contextlib.suppress(Exception):
        ray.init(address, log_to_driver=False, configure_logging=False)
        ray.shutdown()


def _no_cluster(address: str, error: BaseException) -> SettingsError:
    return SettingsError(
        f"there is no Ray cluster at {address}: {first_line(error)}",
        "start one there with `ray start --head`, give its token (RAY_AUTH_MODE=token and "
        "RAY_AUTH_TOKEN_PATH), or leave out --address",
        option="address",
    )


def _join(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    try:
        ray.init(address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_cluster(address, error) from None


# -- standard output ----------------------------------------------------------------------------


class _WithoutRay(io.TextIOBase):
    """A stream that leaves out what the threads of Ray write."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()
