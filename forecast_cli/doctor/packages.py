"""Python and the packages: whether they are there, new enough, and those that were tested."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version

import forecast_cli
from forecast_cli.doctor.check import Check

DISTRIBUTION = "forecast-cli"
LEAST_PYTHON = "3.11"
DEVELOPMENT = "dev"  # the extra that nobody needs who only uses the tool
# As in constraints.txt; a test holds the two equal.
TESTED = {
    "matplotlib": "3.11.2",
    "numpy": "2.4.6",
    "pandas": "3.1.1",
    "pyarrow": "26.0.1",
    "pydantic": "2.14.3",
    "rich": "15.0.0",
    "safetensors": "0.8.0",
    "torch": "2.13.0",
    "typer": "0.29.2",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:>=([0-9.]+))?[^;]*(?:;.*extra == \"([^\"]+)\")?")


def check_packages() -> list[Check]:
    """The versions of this process."""
    try:
        requirements = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        requirements = []
    return checks_of(requirements, _installed(requirements), platform.python_version())


def checks_of(
    requirements: Sequence[str], installed: Mapping[str, str], python: str
) -> list[Check]:
    """What to say about requirements, such as `pyarrow>=18; extra == "parquet"`.

    installed: the versions by the names of packages; python: that of Python.
    """
    checks = []
    if is_older(python, LEAST_PYTHON):
        text = f"Python {python} is older than {LEAST_PYTHON}"
        checks.append(Check("versions", "finding", text, "install a newer Python"))
    if not requirements:
        text = f"the package {DISTRIBUTION} is not installed, so its requirements are not known"
        checks.append(Check("versions", "remark", text, "install it with pip"))

    missing: dict[str, list[str]] = {}
    for requirement in requirements:
        name, least, extra = _parsed(requirement)
        if name not in installed and extra:
            missing.setdefault(extra, []).append(name)
        elif name not in installed or (least and is_older(installed[name], least)):
            checks.append(_unfit(name, installed.get(name), least))

    checks += _differences(installed)
    checks += [_extra(extra, names) for extra, names in missing.items() if extra != DEVELOPMENT]
    known = {"forecast": forecast_cli.__version__, "Python": python, **installed}
    shown = ", ".join(f"{name} {known[name]}" for name in known if name in _SHOWN)
    return [Check("versions", "ok", shown), *checks]


_SHOWN = ("forecast", "Python", "torch", "numpy", "pandas", "matplotlib")


def _installed(requirements: Sequence[str]) -> dict[str, str]:
    """The versions of what is installed, without loading any of it."""
    versions = {}
    for name in sorted({_parsed(each)[0] for each in requirements} | TESTED.keys()):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _parsed(requirement: str) -> tuple[str, str, str]:
    """The name, the lower bound and the extra of a requirement."""
    match = _REQUIREMENT.match(requirement)
    return (match[1], match[2] or "", match[3] or "") if match else (requirement, "", "")


def _unfit(name: str, installed: str | None, least: str) -> Check:
    wanted = f"{name}>={least}" if least else name
    what = f"{name} {installed} is older than {least}" if installed else f"{name} is missing"
    return Check("versions", "finding", what, f"pip install '{wanted}'")


def _differences(installed: Mapping[str, str]) -> list[Check]:
    """Other versions than the tested ones. A newer first number may mean a changed interface."""
    newer, other = [], []
    for name, tested in TESTED.items():
        found = installed.get(name, tested)
        if _numbers(found)[:1] > _numbers(tested)[:1]:
            newer.append(f"{name} {found} (tested: {tested})")
        elif _numbers(found) != _numbers(tested):
            other.append(f"{name} {found} (tested: {tested})")

    hint = "install the tested versions: pip install --constraint constraints.txt forecast-cli"
    checks = []
    if newer:
        text = f"newer than what was tested: {', '.join(newer)}"
        checks.append(Check("versions", "finding", text, hint))
    if other:
        text = f"other versions than the tested ones: {', '.join(other)}"
        checks.append(Check("versions", "remark", text, f"if results look odd, {hint}"))
    return checks


def _extra(extra: str, names: Sequence[str]) -> Check:
    text = f"the extra {extra} is not installed ({', '.join(names)})"
    return Check("extras", "remark", text, f"if you need it: pip install 'forecast-cli[{extra}]'")


def is_older(found: str, least: str) -> bool:
    """Whether a version is below another one: `2.9` is older than `2.10`, and `2.0` is not than `2`."""
    one, other = _numbers(found), _numbers(least)
    length = max(len(one), len(other))
    return one + (0,) * (length - len(one)) < other + (0,) * (length - len(other))


def _numbers(text: str) -> tuple[int, ...]:
    """The release numbers of a version: `2.13.0+cpu` -> (2, 13, 0)."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(number) for number in match[0].split(".")) if match else ()
