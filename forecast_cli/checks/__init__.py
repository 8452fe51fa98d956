"""Findings: what is in a panel, and what is unusual about it, for people.

What stands in `__all__` is what the other modules may use. `findings` puts into words what
`seasons` and `outliers` measure.
"""

from __future__ import annotations

from forecast_cli.checks.findings import Finding, check
from forecast_cli.checks.seasons import WEAK, strengths

__all__ = ["WEAK", "Finding", "check", "strengths"]
