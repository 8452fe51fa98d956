"""Versions: below the bounds, missing, and others than the tested ones."""

from __future__ import annotations

import re

import pytest

from forecast_cli.doctor.packages import TESTED, check_packages, checks_of, is_older
from tests.conftest import ROOT
from tests.doctor.helpers import seen

REQUIREMENTS = (
    "numpy>=2.0",
    "torch>=2.4",
    'pyarrow>=18; extra == "parquet"',
    'pytest; extra == "dev"',
)
INSTALLED = {"numpy": TESTED["numpy"], "torch": TESTED["torch"], "pyarrow": TESTED["pyarrow"]}


def said(installed: dict[str, str], python: str = "3.11.7") -> list[tuple[str, str]]:
    return seen(checks_of(REQUIREMENTS, installed, python))[1:]


def test_the_tested_versions_are_those_of_the_constraints() -> None:
    text = (ROOT / "constraints.txt").read_text()
    pinned = dict(re.findall(r"^([\w-]+)==(.+)$", text, re.M))
    assert {name: pinned[name] for name in TESTED} == TESTED
    declared = (ROOT / "pyproject.toml").read_text().split("optional-dependencies")[0]
    assert set(re.findall(r'^  "([a-z]+)>=', declared, re.M)) <= TESTED.keys()


def test_the_tested_versions_need_no_word() -> None:
    assert said(INSTALLED) == []
    assert said(INSTALLED | {"torch": TESTED["torch"] + "+cpu"}) == []


def test_a_version_below_its_bound_or_a_missing_package_is_a_finding() -> None:
    checks = checks_of(REQUIREMENTS, INSTALLED | {"torch": "2.3.9"}, "3.11.7")
    assert ("finding", "torch 2.3.9 is older than 2.4") in seen(checks)
    assert [check.hint for check in checks if check.level == "finding"] == [
        "pip install 'torch>=2.4'"
    ]
    without = {name: version for name, version in INSTALLED.items() if name != "numpy"}
    assert said(without) == [("finding", "numpy is missing")]


def test_a_missing_extra_is_a_remark_and_tools_of_developers_are_none() -> None:
    without = {name: version for name, version in INSTALLED.items() if name != "pyarrow"}
    assert said(without) == [("remark", "the extra parquet is not installed (pyarrow)")]


def test_a_newer_first_number_is_a_finding_and_other_differences_are_a_remark() -> None:
    assert said(INSTALLED | {"numpy": "9.0"}) == [
        ("finding", f"newer than what was tested: numpy 9.0 (tested: {TESTED['numpy']})")
    ]
    assert said(INSTALLED | {"numpy": "2.0.1"}) == [
        ("remark", f"other versions than the tested ones: numpy 2.0.1 (tested: {TESTED['numpy']})")
    ]


def test_an_old_python_and_a_package_that_is_not_installed_are_said() -> None:
    assert ("finding", "Python 3.9.2 is older than 3.11") in said(INSTALLED, "3.9.2")
    assert any(
        "forecast-cli is not installed" in text for _, text in seen(checks_of((), {}, "3.12"))
    )


@pytest.mark.parametrize(
    ("found", "least", "answer"),
    [
        ("2.9", "2.10", True),
        ("2.10", "2.9", False),
        ("2", "2.0", False),
        ("2.0.1", "2", False),
        ("2.13.0+cpu", "2.13", False),
        ("3.0rc1", "3", False),
        ("unknown", "1", True),
    ],
)
def test_versions_are_compared_by_their_numbers(found: str, least: str, answer: bool) -> None:
    assert is_older(found, least) == answer


def test_what_runs_these_tests_is_new_enough() -> None:
    assert [check for check in check_packages() if "older" in check.text] == []
