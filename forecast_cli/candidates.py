"""What validation chooses between where the rules of a preset are in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import learning, planning, windows
from forecast_cli.base import load_weights
from forecast_cli.choices import BASE
from forecast_cli.errors import DivergedError, TooLittleDataError
from forecast_cli.members import Execution
from forecast_cli.panel import Panel
from forecast_cli.planning import Candidate, Plan, Trial
from forecast_cli.progress import Event, Phase, Report
from forecast_cli.settings import Settings
from forecast_cli.shrinkage import Validation, validate

MEMBERS = 1  # in a trial


@dataclass(frozen=True, eq=False)
class _Tried:
    candidate: Candidate
    validation: Validation


def choose(panel: Panel, settings: Settings, plan: Plan, execution: Execution) -> Plan:
    """The plan of the candidate with the smallest error in validation.

    Each is trained once, on the training part alone. The plan as it is, where there is nothing to
    choose between, or where training begins with the weights of a run. A candidate that diverges, or has no window to learn from, is left out.
    """
    candidates = planning.candidates(panel, settings, plan)
    if len(candidates) < 2 or plan.warm_start:
        return plan

    tried = list(_try_all(panel, settings, candidates, execution))
    if not tried:
        return plan

    best = min(tried, key=lambda one: one.validation.error)
    chosen = planning.plan_of(panel, settings, best.candidate, _reason(best, tried))
    trials = tuple(_trial(one, is_best=one is best) for one in tried)
    share = None if best.candidate.from_base else plan.base
    return replace(chosen, base=share, trials=trials)


def with_start(execution: Execution, plan: Plan) -> Execution:
    """The execution whose members begin with the base network, where the plan says so."""
    if plan.warm_start != BASE:
        return execution
    return replace(execution, start=(dict(load_weights()),))


def _try_all(
    panel: Panel, settings: Settings, candidates: Sequence[Candidate], execution: Execution
) -> Iterator[_Tried]:
    for number, candidate in enumerate(candidates):
        text = f"trying {candidate.name} ({number + 1} of {len(candidates)})"
        trial = Execution(
            report=_as_trial(execution.report, text),
            engine=execution.engine,
            workers=execution.workers,
            deadline=execution.deadline,
            device=execution.device,
        )
        plan = planning.plan_of(panel, settings, candidate, "a candidate")
        plan = replace(
            plan,
            epochs=planning.trial_epochs(panel, plan),
            members=MEMBERS,
            parts=(),
            statistics=(),
            base=None,
        )
        ends = windows.split(panel, plan.validation, plan.test).training
        try:
            model = learning.fit_once(panel, plan, ends, with_start(trial, plan))
        except (DivergedError, TooLittleDataError):
            continue
        validation = validate(panel, model)
        if validation is not None and np.isfinite(validation.error):
            yield _Tried(candidate, validation)


def _as_trial(report: Report, text: str) -> Report:
    """Report the training of a candidate as such; its epochs are counted like others."""

    def report_trial(event: Event) -> None:
        if isinstance(event, Phase):
            event = replace(event, name="candidates", text=text)
        report(event)

    return report_trial


def _trial(one: _Tried, *, is_best: bool) -> Trial:
    validation = one.validation
    return Trial(
        name=one.candidate.name,
        error=validation.error,
        naive_error=validation.naive_error,
        origins=validation.origins,
        chosen=is_best,
    )


def _reason(best: _Tried, tried: Sequence[_Tried]) -> str:
    """Why it was chosen, in words."""
    errors = [f"{one.candidate.name} {one.validation.error:.3g}" for one in tried]
    origins = best.validation.origins
    count = "one origin" if origins == 1 else f"{origins} origins"
    return f"the smallest MASE from {count} of the validation part: {', '.join(errors)}"
