"""Addresses at which there is no cluster, and the folder that Ray writes in."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from forecast_cli.engine.connection import _require_listener, temporary_folder
from forecast_cli.errors import SettingsError


def test_an_address_where_nobody_listens_is_refused_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SettingsError) as caught:
        _require_listener(f"127.0.0.1:{port}")
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(f"there is no Ray cluster at 127.0.0.1:{port}: ")
    assert caught.value.hint == (
        "start one there with `ray start --head`, give its token (RAY_AUTH_MODE=token and "
        "RAY_AUTH_TOKEN_PATH), or leave out --address"
    )


@pytest.mark.parametrize("address", ["here", "10.0.0.1", "10.0.0.1:", ":6379", "a:b"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _require_listener(address)
    assert caught.value.message == (f"--address must be HOST:PORT or auto, got {address!r}")


def test_the_folder_of_ray_is_gone_after_the_block(tmp_path: Path) -> None:
    with temporary_folder(str(tmp_path)) as folder:
        (Path(folder) / "session").mkdir()
        assert Path(folder).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_still_writes_in_the_folder_is_waited_for(tmp_path: Path) -> None:
    """As the processes of Ray do, which end a little after they are told to."""
    code = (
        "import os, sys, time\n"
        "print('begun', flush=True)\n"
        "end = time.monotonic() + 2\n"
        "while time.monotonic() < end:\n"
        "    try: open(os.path.join(sys.argv[1], str(time.monotonic())), 'w').close()\n"
        "    except FileNotFoundError: break\n"
    )
    with temporary_folder(str(tmp_path)) as folder:
        words = [sys.executable, "-c", code, folder]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
    assert not os.path.lexists(folder)
    process.communicate(timeout=60)
    assert list(tmp_path.iterdir()) == []
