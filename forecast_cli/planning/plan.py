"""The records of planning: one decision with its reason, and the plan that all make."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Generic, TypeVar

from forecast_cli import choices, network
from forecast_cli.network import Architecture
from forecast_cli.scaling import Frame

T = TypeVar("T")


@dataclass(frozen=True)
class Decided(Generic[T]):
    """A value, and why it is this one; no reason where there is nothing to explain."""

    value: T
    reason: str = ""


@dataclass(frozen=True)
class Trial:
    """What validation found on one candidate: its name, its error, and whether it was chosen.

    error: the mean MASE from `origins` origins; the one of a naive forecast is beside it.
    """

    name: str
    error: float
    naive_error: float
    origins: int
    chosen: bool


@dataclass(frozen=True)
class Part:
    """One kind of network in a portfolio: what in it differs from the plan of the whole.

    - name: in words
    - weight: in the forecast; the weights of all parts and statistics add up to 1. Before
      validation has chosen, those of a portfolio are all the same
    - members: networks that differ in nothing but their seeds; their median or mean is the
      forecast of the part

    The others are as in `Plan`.
    """

    name: str
    weight: float
    members: int
    architecture: Architecture
    lag: int
    level_steps: int
    spread: choices.Spread
    squash: choices.Squash
    loss: choices.Loss
    optimizer: choices.Optimizer
    momentum: float
    learning_rate: float
    epochs: int
    seed: int


@dataclass(frozen=True)
class Statistic:
    """A forecast of a portfolio that needs no training: its kind, the season that it repeats or
    takes off (1: none), and its weight."""

    kind: choices.Statistic
    season: int
    weight: float


@dataclass(frozen=True)
class BaseShare:
    """The base network in a forecast: its weight from 0 to 1, and how it reads the series."""

    weight: float
    architecture: Architecture


@dataclass(frozen=True)
class Plan:
    """Everything that decides a training and a forecast, saved in a run's config.json.

    - preset: which values hold where the user names nothing
    - horizon: steps to forecast
    - seasons: season lengths in steps, the main one first
    - normalization: how windows, or whole series, are scaled
    - lag: how many steps earlier the reference forecast looks; 0: there is none
    - validation, test: rows at the end of each series that are not trained on
    - short: what to do with series that are shorter than the lookback
    - calendar: whether the network sees calendar features
    - zero_head: whether the network starts at its reference forecast
    - epochs, epoch_batches: the maximum number of epochs, and the batches in each
    - patience: epochs without a better validation loss before training stops; 0: it never does
    - warmup: steps over which the learning rate rises
    - momentum: of the optimizers RMSprop and SGD
    - averaging: decay of the averaged weights; 0: no averaging
    - clip_norm: the norm to which gradients are clipped; 0: no clipping
    - target_clip: the spreads at which targets are cut; 0: not at all
    - refit: whether to train again on all rows after scoring
    - levels: of the intervals, in percent
    - interval: what the intervals are made of; None: learned quantiles where the network has them
    - warm_start: the run whose weights training began with
    - freeze: how many of the first layers keep the weights that training began with
    - level_steps, spread, squash: how windows are normalized, as in `scaling.Frame`
    - skip_rate: the learning rate of the linear skip, as a part of that of the others
    - shrinkage: the weight of the naive forecast of `shrink_lag` steps in the forecast
    - noise_power, noise_usual: how far errors follow the noise of a window, and the usual noise
    - symmetric: whether intervals reach as far up as down, as the errors are of one short time
    - base: the base network in the forecast; None where it has no weight
    - trials: what validation chose between
    - parts: of a portfolio, the one with the largest weight first, whose values are those of the
      plan, too; members are then those of all parts together
    - statistics: the other forecasts of a portfolio
    - reasons: why each value is as it is, for people

    New fields need a default, so that runs of older releases can be read.
    """

    preset: choices.Preset
    horizon: int
    seasons: tuple[int, ...]
    normalization: choices.Normalization
    lag: int
    validation: int
    test: int
    architecture: Architecture
    short: choices.ShortSeries
    calendar: bool
    zero_head: bool
    loss: choices.Loss
    epochs: int
    epoch_batches: int
    patience: int
    batch_size: int
    learning_rate: float
    warmup: int
    averaging: float
    clip_norm: float
    target_clip: float
    seed: int
    threads: int
    refit: bool
    levels: tuple[float, ...]
    optimizer: choices.Optimizer = "rmsprop"
    schedule: choices.Schedule = "constant"
    weight_decay: float = 0.0
    momentum: float = 0.0
    jitter: float = 0.0
    balance: bool = False
    members: int = 1
    bagging: bool = False
    boosting: bool = False
    combine: choices.Combine = "median"
    warm_start: str = ""
    freeze: int = 0
    level_steps: int = 0
    spread: choices.Spread = "deviation"
    squash: choices.Squash = "none"
    skip_rate: float = 1.0
    shrinkage: float = 0.0
    shrink_lag: int = 1
    noise_power: float = 0.0
    noise_usual: float = 1.0
    symmetric: bool = False
    interval: choices.Interval | None = None
    base: BaseShare | None = None
    trials: tuple[Trial, ...] = ()
    parts: tuple[Part, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def lookback(self) -> int:
        """Steps of the past in one window: of a portfolio, the longest of any part."""
        of_parts = [part.architecture.lookback for part in self.parts]
        return max([self.architecture.lookback, *of_parts])

    @property
    def frame(self) -> Frame:
        """How windows are normalized."""
        has_gaps = self.architecture.by_season is not None
        return Frame(
            self.normalization, self.lag, self.level_steps, self.spread, self.squash, has_gaps
        )

    @property
    def interval_kind(self) -> choices.Interval:
        """What the intervals are made of."""
        if self.interval is not None:
            return self.interval
        return "quantile" if self.architecture.quantiles else "conformal"

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of the parts of a portfolio, and then those of its statistics."""
        of_parts = [part.weight for part in self.parts]
        return (*of_parts, *(statistic.weight for statistic in self.statistics))

    @property
    def season(self) -> int:
        """The main season length; 1 if there is none."""
        return self.seasons[0] if self.seasons else 1


OF_A_PART = tuple(field.name for field in fields(Part) if field.name not in ("name", "weight"))


def part_of(plan: Plan, name: str, *, weight: float = 0.0) -> Part:
    """The plan of one kind of network as a part of a portfolio."""
    return Part(name=name, weight=weight, **{key: getattr(plan, key) for key in OF_A_PART})


def part_plan(plan: Plan, part: Part) -> Plan:
    """The plan of one part alone."""
    values = {key: getattr(part, key) for key in OF_A_PART}
    return replace(plan, parts=(), statistics=(), base=None, **values)


def part_plans(plan: Plan) -> tuple[Plan, ...]:
    """The plan of each part alone; of a plan that is no portfolio, the plan itself."""
    if not plan.parts:
        return (plan,)
    return tuple(part_plan(plan, part) for part in plan.parts)


def count_parameters(plan: Plan) -> int:
    """How many numbers all members learn."""
    return sum(
        alone.members * network.count_parameters(alone.architecture) for alone in part_plans(plan)
    )


def count_operations(plan: Plan) -> int:
    """Multiplications and additions of all members for one window."""
    return sum(
        alone.members * network.count_operations(alone.architecture) for alone in part_plans(plan)
    )
