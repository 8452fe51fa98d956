"""How the base network is run on a panel: its season, the horizon, and logarithms or not."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from forecast_cli import base
from forecast_cli.choices import BASE
from forecast_cli.errors import SettingsError
from forecast_cli.fields import option_name
from forecast_cli.network import Architecture
from forecast_cli.panel import Panel
from forecast_cli.planning import freezing, rules
from forecast_cli.planning.plan import BaseShare, Decided, Plan
from forecast_cli.settings import COVARIATES, NetworkSettings, Settings

USUAL_SHARE = 0.2  # weight of the base network beside a trained one
LONGEST_GROUP = 12  # steps that are read at once where there is no season
GROUPS = 4  # at least, in the longest series


def make_base_plan(panel: Panel, settings: Settings) -> Plan:
    """What decides the forecast of the base network, as the plan of a run has it.

    Raises SettingsError for covariates, which it does not know.
    """
    _refuse_covariates(settings)
    longest = int(panel.lengths.max())
    parts = rules.training_parts(panel, 0)

    wanted = settings.data.season
    horizon = rules.choose_horizon(settings.window.horizon, wanted, panel.frequency, longest)
    seasons = rules.choose_seasons(wanted, panel.frequency, longest, parts)
    season = _choose_season(seasons.value, longest)
    cycle = _choose_cycle(seasons.value)

    shape = base.architecture(season.value, horizon.value, cycle.value)
    return Plan(
        preset="auto",
        horizon=horizon.value,
        seasons=seasons.value,
        normalization="both",
        lag=season.value,
        validation=0,
        test=horizon.value,
        architecture=shape,
        short="fallback",
        calendar=False,
        zero_head=True,
        loss="quantile",
        epochs=1,
        epoch_batches=1,
        patience=0,
        batch_size=1,
        learning_rate=1e-3,
        warmup=0,
        averaging=0.0,
        clip_norm=0.0,
        target_clip=0.0,
        seed=0,
        threads=1,
        refit=False,
        levels=settings.interval.levels,
        reasons={
            "horizon": horizon.reason,
            "seasons": seasons.reason,
            "normalization": "windows by level and spread, and their logarithms: the mean of both",
            "season": season.reason,
            "cycle": cycle.reason,
        },
    )


def with_base_share(panel: Panel, plan: Plan) -> Plan:
    """The plan of a training, with the base network beside the networks that are trained."""
    share = BaseShare(USUAL_SHARE, _architecture(panel, plan))
    reasons = {**plan.reasons, "base": "base network: its weight is chosen by validation"}
    return replace(plan, base=share, reasons=reasons)


def _architecture(panel: Panel, plan: Plan) -> Architecture:
    """How the base network reads the series that a network is trained on."""
    longest = int(panel.lengths.max()) - plan.test
    season = _choose_season(plan.seasons, longest)
    cycle = _choose_cycle(plan.seasons)
    return base.architecture(season.value, plan.horizon, cycle.value)


def _refuse_covariates(settings: Settings) -> None:
    for name in COVARIATES:
        if getattr(settings.data, name):
            option = option_name(name)
            raise SettingsError(
                f"{option} does not go with the base network, which reads the target alone",
                f"leave out {option}, or train a network of your own: forecast train",
                option=name,
            )


def _choose_season(seasons: tuple[int, ...], longest: int) -> Decided[int]:
    """The season that is one step of the recurrence: the shortest one."""
    if seasons and seasons[0] > 1:
        return Decided(seasons[0], "the shortest season is read at once")
    group = int(np.clip(longest // GROUPS, 1, LONGEST_GROUP))
    return Decided(group, f"no season: read in groups of {group:,}")


def _choose_cycle(seasons: tuple[int, ...]) -> Decided[int]:
    """How many seasons make a longer one; 0 if there is none."""
    for longer in seasons[1:2]:
        if longer % seasons[0] == 0:
            return Decided(longer // seasons[0], f"the longer season of {longer:,}")
    return Decided(0, "no longer season")


# -- a training that begins with the base network ----------------------------------------------

# Settings that would make it another network, by the group that declares them.
OTHER_NETWORK = {
    "window": ("lookback", "segment", "calendar"),
    "network": tuple(field.name for field in fields(NetworkSettings)),
    "training": ("preset", "loss"),
}
RATE = 3e-4  # learning rate: of weights that know much already
MOST_STEPS = 300
STEPS_PER_WINDOW = 0.5
BATCH_SIZE = 32
EPOCH_STEPS = 25
FEW_WINDOWS = 1000  # with fewer, the first layer keeps its weights


def tuned_plan(panel: Panel, settings: Settings, plan: Plan) -> Plan:
    """The plan of a training that begins with the weights of the base network.

    plan: what a training from scratch would be; the parts of the data, the seed and the like are
    the same. Raises SettingsError for settings that would make another network.
    """
    _refuse_covariates(settings)
    _refuse_other_network(settings)
    training = settings.training
    windows = rules.count_windows(panel, plan.validation + plan.test, 2 * plan.season, plan.horizon)
    steps = int(np.clip(STEPS_PER_WINDOW * windows, EPOCH_STEPS, MOST_STEPS))
    epochs = training.epochs or steps // EPOCH_STEPS
    reasons = {
        name: reason
        for name, reason in plan.reasons.items()
        if name in ("horizon", "test", "validation", "seasons", "normalization", "levels")
    }
    reasons["warm_start"] = "begins with the base network"
    reasons["epochs"] = f"{steps:,} steps for {windows:,} windows"
    tuned = replace(
        plan,
        architecture=_architecture(panel, plan),
        base=None,
        parts=(),
        statistics=(),
        loss="quantile",
        optimizer=training.optimizer or "adam",
        learning_rate=training.learning_rate or RATE,
        momentum=training.momentum or 0.0,
        members=settings.ensemble.members or 1,
        batch_size=training.batch_size or BATCH_SIZE,
        epoch_batches=EPOCH_STEPS,
        epochs=epochs,
        lag=max(plan.season, 1),
        level_steps=0,
        spread="deviation",
        squash="none",
        warm_start=BASE,
        reasons=reasons,
    )
    return freezing.with_frozen_layers(tuned, settings, _choose_freeze(windows))


def _choose_freeze(windows: int) -> Decided[int]:
    """How many of the first layers keep their weights, by the number of training windows.

    The first layer reads any season alike; a few windows teach it what is theirs alone. Measured
    in docs/base-network.md.
    """
    if windows < FEW_WINDOWS:
        return Decided(1, f"{windows:,} windows are few: the first layer keeps its weights")
    return Decided(0, f"{windows:,} windows are enough for all layers")


def allows_base(settings: Settings) -> bool:
    """Whether the settings leave it to the base network what the network is."""
    try:
        _refuse_covariates(settings)
        _refuse_other_network(settings)
    except SettingsError:
        return False
    return True


def _refuse_other_network(settings: Settings) -> None:
    if settings.interval.interval == "dropout":
        raise SettingsError(
            "--interval dropout does not go with --from base, whose network has no dropout",
            "use --interval conformal, or train without --from base",
            option="interval",
        )
    defaults = Settings()
    for group, names in OTHER_NETWORK.items():
        for name in names:
            value = getattr(getattr(settings, group), name)
            if value == getattr(getattr(defaults, group), name):
                continue
            option = option_name(name)
            raise SettingsError(
                f"{option} does not go with --from base, which decides the network",
                f"leave out {option}, or train without --from base",
                option=name,
            )
