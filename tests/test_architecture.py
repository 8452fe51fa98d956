"""The rules of the house: one-way imports, packages entered by their face, one room for each library."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "forecast_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {
    "typer": {"app", "commands"},
    "rich": {"console"},
    "matplotlib": {"plots"},
    "pandas": {"dates", "reader"},
    "pyarrow": {"parquet"},
    "torch": {"network", "training"},
    "pydantic": {"store"},
    "safetensors": {"store", "checkpoints"},
}
# Packages with a face: others import what their `__init__` names in `__all__`, and the inner packages named here.
FACES: dict[str, dict[str, set[str]]] = {
    "network": {"modules": {"training"}},
    "planning": {},
}


def room(path: object) -> str:
    """The name of a module in the tree: `reader`, or the folder for those in one."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts  # type: ignore[attr-defined]
    return parts[0]


def tree_in_readme() -> list[str]:
    """The rooms in the order of the README's tree."""
    text = (ROOT / "README.md").read_text()
    block = text.split("    forecast_cli/\n", 1)[1].split("\n\n", 1)[0]
    return [
        re.sub(r"\.py$|/$", "", line.split()[0]) for line in block.splitlines() if not line.strip().startswith("--")
    ]


def imports(path: object) -> list[str]:
    tree = ast.parse(path.read_text())  # type: ignore[attr-defined]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def test_the_readme_tree_names_every_room_once() -> None:
    assert sorted(tree_in_readme()) == sorted({room(path) for path in MODULES})


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem not in ("__init__", "__main__")], ids=str)
def test_a_module_imports_only_rooms_above_it(path: object) -> None:
    order = tree_in_readme()
    here = order.index(room(path))
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "forecast_cli" and len(parts) > 1 and parts[1] in order:
            assert order.index(parts[1]) <= here, f"{path} imports {name}"


def strangers(package: str) -> list[str]:
    """What modules outside of a package import from it, although its face does not offer it."""
    offered = importlib.import_module(f"forecast_cli.{package}").__all__
    found = []
    for path in MODULES:
        here = room(path)
        for name in imports(path) if here != package else []:
            parts = name.split(".")[1:]
            if parts[:1] != [package] or len(parts) == 1:
                continue
            allowed = parts[1] in offered or here in FACES[package].get(parts[1], set())
            found += [] if allowed else [f"{path.relative_to(PACKAGE)} imports {name}"]
    return found


@pytest.mark.parametrize("package", FACES)
def test_a_package_is_entered_by_its_face(package: str) -> None:
    assert strangers(package) == []


@pytest.mark.parametrize("package", FACES)
def test_a_face_offers_what_it_has(package: str) -> None:
    face = importlib.import_module(f"forecast_cli.{package}")
    assert [name for name in face.__all__ if not hasattr(face, name)] == []
    inner = {path.stem for path in (PACKAGE / package).iterdir()}
    assert inner.isdisjoint(face.__all__)


def test_torch_is_nowhere_in_the_network_but_in_its_modules() -> None:
    """Not even inside of a function: `predict` runs all of these. The losses name torch's types, and one function."""
    for path in (PACKAGE / "network").glob("*.py"):
        loaded = [name for name in imports(path) if name.split(".")[0] == "torch"]
        assert loaded == [] or path.stem == "losses", path


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_one_library_one_room(path: object) -> None:
    for name in imports(path):
        library = name.split(".")[0]
        if library in ROOMS:
            assert room(path) in ROOMS[library], f"{path} imports {name}"
        assert library != "click"


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) not in ("app", "commands", "console", "__main__")], ids=str
)
def test_the_core_never_prints_exits_or_reads_the_environment(path: object) -> None:
    text = path.read_text()  # type: ignore[attr-defined]
    for word in ("print(", "sys.exit", "os.environ", "getenv"):
        assert word not in text
