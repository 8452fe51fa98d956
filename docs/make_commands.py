"""Writes docs/commands.md from the help texts: `python docs/make_commands.py`, or `--check` to see whether it is current."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["TYPER_USE_RICH"] = "0"  # plain text, the same at any width
os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "100"

from typer.main import get_command
from typer.testing import CliRunner

from forecast_cli.app import app

PAGE = Path(__file__).with_name("commands.md")


def commands() -> list[list[str]]:
    root = get_command(app)
    found: list[list[str]] = [[]]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        found += (
            [[name, inner] for inner in command.commands]
            if hasattr(command, "commands")
            else [[name]]
        )
    return found


def render() -> str:
    parts = [
        "# Commands\n\nMade from the help texts by `python docs/make_commands.py`; a test holds it current.\n"
    ]
    for words in commands():
        result = CliRunner().invoke(app, [*words, "--help"], prog_name="forecast")
        if result.exit_code != 0:
            sys.exit(f"{' '.join(words)} --help failed: {result.output}")
        lines = "\n".join(line.rstrip() for line in result.output.strip().splitlines())
        parts.append(f"## `{' '.join(['forecast', *words])}`\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    page = render()
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        sys.exit("docs/commands.md is not current: run python docs/make_commands.py")
