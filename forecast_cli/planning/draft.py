"""The decisions of a plan while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from forecast_cli.network import Architecture
from forecast_cli.panel import Floats
from forecast_cli.planning.plan import Decided, Plan
from forecast_cli.planning.presets import Preset
from forecast_cli.settings import Settings

T = TypeVar("T")


@dataclass
class Draft:
    """The decisions so far, by the names of their fields in Plan and Architecture."""

    settings: Settings
    preset: Preset
    fixed: dict[str, Decided[Any]]
    decisions: dict[str, Decided[Any]] = field(default_factory=dict)

    def decide(self, name: str, decided: Decided[T]) -> T:
        """Write a decision down, and return the value that holds."""
        self.decisions[name] = self.fixed.get(name, decided)
        value: T = self.decisions[name].value
        return value

    def value(self, name: str) -> Any:
        """What was decided before."""
        return self.decisions[name].value

    def plan(self) -> Plan:
        """The plan that they make. Raises TypeError where a decision is missing or unknown."""
        of_plan: dict[str, Any] = {}
        of_architecture: dict[str, Any] = {}
        reasons: dict[str, str] = {}
        in_architecture = {field.name for field in fields(Architecture)}
        for name, decided in self.decisions.items():
            values = of_architecture if name in in_architecture else of_plan
            values[name] = decided.value
            if decided.reason:
                reasons[name] = decided.reason
        return Plan(architecture=Architecture(**of_architecture), reasons=reasons, **of_plan)


@dataclass(frozen=True, eq=False)
class TrainingParts:
    """What the rules look at in the data.

    held_out: rows of validation and test; rows: of the longest training part.
    """

    held_out: int
    rows: int
    training_parts: list[Floats]
