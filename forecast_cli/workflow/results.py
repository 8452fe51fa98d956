"""What a training gives back."""

from __future__ import annotations

from dataclasses import dataclass

from forecast_cli.errors import DEGRADED, LowSkillError
from forecast_cli.forecasting import Forecast
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.store import Metrics, Run


@dataclass(frozen=True, eq=False)
class Trained:
    """A run, its forecast, and what to tell the user.

    refusal: why the run is kept, but was not promoted, so that `predict` goes on with the one
    before it; None where it is the latest.
    """

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]
    refusal: LowSkillError | None = None

    @property
    def metrics(self) -> Metrics:
        return self.run.metrics

    @property
    def reasons(self) -> list[str]:
        """Why the training is degraded; empty if it is not."""
        return [note.text for note in self.notes if note.level == "degraded"]

    @property
    def exit_code(self) -> int:
        if self.refusal is not None:
            return self.refusal.exit_code
        return DEGRADED if self.reasons else 0
