"""A trained network with what it knows of its series, and how a panel is seen by it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from forecast_cli import covariates, network, scaling
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates, FeatureScale
from forecast_cli.errors import RunMismatchError
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import Plan
from forecast_cli.scaling import SeriesScale

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network and what it knows of its series.

    - members: the weights of each network
    - ids: the series they were trained on
    - scale: the (S,) scales of these series
    - residuals: (K, horizon, Q) of each output, in units of the window
    - further: (R, steps, Q) the same of the steps after the horizon, where it was rolled forward
    - features: the scale of the covariates
    - covariates: the names of past, future and static ones
    - base: the weights of the base network, where it has a part in the forecast
    """

    plan: Plan
    members: tuple[network.Weights, ...]
    ids: tuple[str, ...]
    scale: SeriesScale
    residuals: Floats
    features: FeatureScale
    covariates: tuple[Names, Names, Names] = ((), (), ())
    base: network.Weights | None = None
    further: Floats = field(default_factory=lambda: np.empty((0, 0, 1)))

    @property
    def point_residuals(self) -> Floats:
        """Residuals (K, horizon) of the forecast itself."""
        return self.residuals[:, :, self.plan.architecture.point_index]


def extended(model: Model, horizon: int) -> Model:
    """The model for another horizon.

    For a longer one it is rolled forward; intervals are known as far as `further` goes.
    Raises RunMismatchError where past-only covariates would have to be known beyond the last row.
    """
    past_names = model.covariates[0]
    if horizon > model.plan.horizon and past_names:
        name = past_names[0].split("=")[0]
        raise RunMismatchError(
            f"the run was trained for {model.plan.horizon} steps, and to be rolled forward it "
            f"would have to know {name!r} beyond the last row",
            f"use --horizon {model.plan.horizon} or less, or train with --horizon {horizon}",
            option="horizon",
            column=name,
        )
    plan = replace(model.plan, horizon=horizon)
    if plan.architecture.by_season is not None:  # it answers any number of steps at once
        plan = replace(plan, architecture=replace(plan.architecture, outputs=horizon))
    if plan.base is not None:
        shape = replace(plan.base.architecture, outputs=horizon)
        plan = replace(plan, base=replace(plan.base, architecture=shape))
    return replace(model, plan=plan)


def scales_of(panel: Panel, model: Model) -> tuple[SeriesScale, Ints]:
    """Scales, and (S,) the position of each series of the panel in them.

    A series that the model does not know brings its own scale.
    """
    known = {name: i for i, name in enumerate(model.ids)}
    positions = np.array([known.get(name, -1) for name in panel.ids], np.int64)
    new = np.flatnonzero(positions < 0)
    if not len(new):
        return model.scale, positions

    own = scaling.fit(panel.values, panel.offsets, panel.lengths, model.plan.normalization)
    positions[new] = len(known) + np.arange(len(new))
    zero = np.append(model.scale.zero, own.zero[new])
    one = np.append(model.scale.one, own.one[new])
    return SeriesScale(zero, one), positions


def covariates_of(panel: Panel, model: Model) -> Covariates | None:
    """The covariates of a panel on the scale of the model; None where there are none.

    Raises RunMismatchError where the panel has others than the model was trained with.
    """
    names = (panel.past_names, panel.future_names, panel.static_names)
    if names != model.covariates:
        raise RunMismatchError(
            f"the data {_difference(model.covariates, names)} that the run was trained with",
            "give the same columns as in training",
        )
    outputs = model.plan.architecture.outputs
    rolled = -(-model.plan.horizon // outputs) * outputs
    return covariates.prepare(panel, model.plan.calendar, rolled, model.features)


def _difference(expected: tuple[Names, ...], actual: tuple[Names, ...]) -> str:
    for kind, others in zip(expected, actual, strict=True):
        for name in kind:
            if name not in others:
                return f"lack the covariate {name.split('=')[0]!r}"
    return "have other covariates"
