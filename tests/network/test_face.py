from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import HANG


@pytest.mark.parametrize(
    "package", ["forecast_cli.network", "forecast_cli.planning", "forecast_cli.choices"]
)
def test_a_package_that_predict_needs_loads_no_torch(package: str) -> None:
    code = f"import sys, {package}; print({{'torch', 'pandas', 'matplotlib'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG, check=True
    )
    assert done.stdout == "set()\n"
