"""The rules of the house: one-way imports, packages entered by their face, one room for each library."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "forecast_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {
    "typer": {"app", "commands"},
    "rich": {"console"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "matplotlib": {"plots"},
    "pandas": {"reading"},
    "pyarrow": {"reading"},
    "torch": {"network", "training"},
    "optuna": {"tuning"},
    "ray": {"engine"},
    "pydantic": {"store"},
    "safetensors": {"base", "store"},
    "urllib": {"monitoring"},
    "http": {"monitoring"},
}
# Inner packages that only these rooms may enter; of all others the face is enough.
INNER = {"network.modules": {"training"}}


def room(path: Path) -> str:
    """The name of a module in the tree: `reader`, or the folder for those in one."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def tree_in_readme() -> list[str]:
    """The rooms in the order of the README's tree."""
    text = (ROOT / "README.md").read_text()
    block = text.split("    forecast_cli/\n", 1)[1].split("\n\n", 1)[0]
    return [
        re.sub(r"\.py$|/$", "", line.split()[0])
        for line in block.splitlines()
        if not line.strip().startswith("--")
    ]


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a module, parsed once for all tests."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports(path: Path) -> list[str]:
    found = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def test_the_readme_tree_names_every_room_once() -> None:
    assert sorted(tree_in_readme()) == sorted({room(path) for path in MODULES})


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) not in ("__init__", "__main__")], ids=str
)
def test_a_module_imports_only_rooms_above_it(path: Path) -> None:
    order = tree_in_readme()
    here = order.index(room(path))
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "forecast_cli" and len(parts) > 1 and parts[1] in order:
            assert order.index(parts[1]) <= here, f"{path} imports {name}"


def faces() -> dict[str, set[str]]:
    """The names that a package shows to others, for each package that says so in `__all__`."""
    found = {}
    for path in PACKAGE.glob("*/__init__.py"):
        module = importlib.import_module(f"forecast_cli.{path.parent.name}")
        if hasattr(module, "__all__"):
            found[path.parent.name] = set(module.__all__)
    return found


FACES = faces()


def names_used_of(package: str, path: Path) -> set[str]:
    """The names of a package that a module imports from it, or uses after importing the package itself."""
    inside = f"forecast_cli.{package}."
    used = {name.removeprefix(inside) for name in imports(path) if name.startswith(inside)}

    aliases = {
        alias.asname or alias.name
        for node in nodes_of(path)
        if isinstance(node, ast.ImportFrom) and node.module == "forecast_cli"
        for alias in node.names
        if alias.name == package
    }
    for node in nodes_of(path):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in aliases
        ):
            used.add(node.attr)
    return used


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_other_packages_use_the_face_of_a_package_only(path: Path) -> None:
    entered = tuple(inner for inner, rooms in INNER.items() if room(path) in rooms)
    for package, shown in FACES.items():
        if room(path) != package:
            used = {f"{package}.{name}" for name in names_used_of(package, path)}
            inner = {name for name in used if name.startswith(entered)} if entered else set()
            assert used - inner <= {f"{package}.{name}" for name in shown}, (
                f"{path} reaches into {package}"
            )


def test_the_packages_that_have_a_face() -> None:
    assert {"network", "planning"} <= FACES.keys()


def test_the_store_has_a_face_and_every_name_of_it_is_used_or_documented() -> None:
    assert {"store", "network", "planning", "plots", "reading"} <= FACES.keys()
    documentation = (PACKAGE / "store" / "__init__.py").read_text().split('"""')[1]
    used = set().union(*(names_used_of("store", path) for path in MODULES if room(path) != "store"))
    documented = set(re.findall(r"\w+", documentation))
    parts_of_metrics = {
        "HeldOutScores",
        "IntervalScores",
        "MemberScores",
        "Scores",
        "Skill",
        "TrainingNote",
        "TrainingScores",
    }
    assert FACES["store"] - used - documented - parts_of_metrics == set()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from forecast_cli.network.cells import CELLS", "cells.CELLS"),
        ("from forecast_cli.network import cells", "cells"),
        ("import forecast_cli.network.cells", "cells"),
        ("from forecast_cli import network as net\nnet.cells.CELLS", "cells"),
    ],
)
def test_the_rule_of_faces_sees_what_it_is_for(line: str, name: str, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(line)
    assert name in names_used_of("network", module)
    assert not names_used_of("network", module) <= FACES["network"]


@pytest.mark.parametrize("package", FACES)
def test_a_face_offers_what_it_has_and_hides_no_module_under_a_name_of_it(package: str) -> None:
    face = importlib.import_module(f"forecast_cli.{package}")
    assert [name for name in face.__all__ if not hasattr(face, name)] == []
    modules = {path.stem for path in (PACKAGE / package).iterdir()}
    assert modules.isdisjoint(face.__all__)


def test_torch_is_nowhere_in_the_network_but_in_its_modules() -> None:
    """Not even inside of a function: `predict` runs all of these. The losses name torch's types, and one function."""
    for path in (PACKAGE / "network").glob("*.py"):
        loaded = [name for name in imports(path) if name.split(".")[0] == "torch"]
        assert loaded == [] or path.stem == "losses", path


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_one_library_one_room(path: Path) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        if library in ROOMS:
            assert room(path) in ROOMS[library], f"{path} imports {name}"
        assert library != "click"


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if room(p) not in ("app", "commands", "console", "__main__")],
    ids=str,
)
def test_the_core_never_prints_exits_or_reads_the_environment(path: Path) -> None:
    text = path.read_text()
    words = ["print(", "sys.exit", "os.environ", "getenv"]
    if path == PACKAGE / "engine" / "connection.py":
        words.remove("os.environ")  # Ray takes some of its settings from nowhere else
    for word in words:
        assert word not in text
