"""Reads files that come in over a pipe, one after the other, in one process: what crashes or hangs it is a bug.

A message is its length in 8 bytes and that many bytes: settings as JSON, a newline, the file. The answer is its length
and JSON: the values, the error and its exit code, or the traceback of what is no error of ours. Warnings are errors.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import Any

from forecast_cli.errors import ForecastError
from forecast_cli.reading import read_csv


def answer(message: bytes) -> dict[str, Any]:
    settings, _, content = message.partition(b"\n")
    try:
        panel = read_csv("data.csv", content=content, **json.loads(settings))
    except ForecastError as error:
        return {"exit": error.exit_code, "message": error.message, "hint": error.hint}
    except Exception:
        return {"bug": traceback.format_exc()}
    return {"exit": 0, "values": len(panel.values), "notes": [note.level for note in panel.notes]}


def main() -> None:
    warnings.simplefilter("error")
    while size := sys.stdin.buffer.read(8):
        text = json.dumps(answer(sys.stdin.buffer.read(int.from_bytes(size, "big")))).encode()
        sys.stdout.buffer.write(len(text).to_bytes(8, "big") + text)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
