"""What the documents say is what the tool does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from forecast_cli import __version__
from tests.conftest import ROOT


def test_the_newest_changelog_entry_is_this_version() -> None:
    assert re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == __version__  # type: ignore[index]


def test_the_command_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_commands.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_dependency_is_explained() -> None:
    text, explained = (ROOT / "pyproject.toml").read_text(), (ROOT / "docs" / "dependencies.md").read_text()
    block = text.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = re.findall(r'"([a-z]+)>=', block)
    assert len(names) >= 7
    for name in names:
        assert f"**{name}**" in explained
        assert f"\n{name}==" in (ROOT / "constraints.txt").read_text()


def blocks(name: str) -> list[str]:
    return re.findall(r"^    ((?:forecast|env) .*)$", (ROOT / name).read_text(), re.M)


@pytest.mark.parametrize(("page", "least"), [("README.md", 8), ("docs/looking-inside.md", 7)])
def test_pages_show_only_commands_and_options_that_exist(page: str, least: int) -> None:
    from typer.main import get_command

    from forecast_cli.app import app

    root = get_command(app)
    shown = [shlex.split(part.split("#")[0]) for line in blocks(page) for part in re.split(r"&&|\||;", line)]
    lines = [words for words in shown if words and words[0] == "forecast"]
    assert len(lines) >= least
    for words in lines:
        command = root
        for word in words[1:]:
            if hasattr(command, "commands") and word in command.commands:
                command = command.commands[word]
        options = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)} | {"--help"}
        for word in words[1:]:
            if word.startswith("-") and word != "-":
                assert word in options, f"{' '.join(words)}: {word}"


def test_the_pictures_of_the_pages_are_there_and_small() -> None:
    shown = re.findall(r"!\[.+?\]\((pictures/.+?)\)", (ROOT / "docs" / "looking-inside.md").read_text())
    kept = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / "pictures").rglob("*.png")]
    assert sorted(shown) == sorted(kept)
    assert all((ROOT / "docs" / name).stat().st_size < 150_000 for name in shown)


@pytest.mark.slow
def test_the_quick_start_of_the_readme_runs_as_written(tmp_path: object) -> None:
    quick = (ROOT / "README.md").read_text().split("## Quick start", 1)[1].split("\n## ", 1)[0]
    commands = [line.split("#")[0] for line in re.findall(r"^    (forecast (?!=).*)$", quick, re.M)]
    assert commands
    script = "set -e\nforecast() { " + shlex.quote(sys.executable) + ' -m forecast_cli "$@"; }\n'
    script += "\n".join(commands).replace("sample_data/", f"{ROOT}/sample_data/")
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
