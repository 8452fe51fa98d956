"""The list of modules in the docstring of the package."""

from __future__ import annotations

import re
from pathlib import Path

from forecast_cli import workflow


def test_the_docstring_says_of_every_module_what_use_case_it_is_of() -> None:
    assert workflow.__doc__ is not None
    listed = re.findall(r"\w+", workflow.__doc__.split("by use case:\n")[1])
    modules = {path.stem for path in Path(workflow.__file__).parent.glob("[!_]*.py")}
    assert modules - set(listed) == set()
    named = [name for name in listed if name in modules]
    assert sorted(set(named)) == sorted(named)
