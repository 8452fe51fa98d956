"""Output that is closed, full or left by its reader."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.attacks.stores import AIRLINE, Figure, command, environment, new_store, tool


def lost_output(folder: Path) -> Figure:
    """Commands whose stdout is closed, full or left by its reader, without a HOME, and in a locale without UTF-8."""
    root = new_store(folder)
    broken: list[str] = []
    tried = 0
    commands = (
        ("predict",),
        ("predict", "--json"),
        ("runs", "list"),
        ("runs", "show"),
        ("runs", "verify"),
    )
    for words in commands:
        line = [*words, "--store", root, *((str(AIRLINE),) if words[0] == "predict" else ())]
        wanted = command(*line)
        plain = environment(LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
        with open("/dev/full", "wb") as full:
            codes = {
                "closed": subprocess.run(
                    ["sh", "-c", 'exec "$@" >&-', "sh", *tool(*line)],
                    env=environment(),
                    stderr=subprocess.PIPE,
                    check=False,
                ).returncode,
                "/dev/full": command(*line, stdout=full).returncode,
                "pipe": _into_closed_pipe(line),
            }
        tried += 4
        if (wanted.returncode, codes) != (0, {"closed": 30, "/dev/full": 30, "pipe": 141}):
            broken.append(f"{' '.join(words)}: exit {wanted.returncode}, {codes}")
        if command(*line, env=plain).stdout != wanted.stdout:
            broken.append(f"{' '.join(words)}: other bytes in another locale")
    return {"commands": len(commands), "tried": tried, "broken": broken}


def _into_closed_pipe(line: list[Any]) -> int:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return command(*line, stdout=writing).returncode
    finally:
        os.close(writing)
