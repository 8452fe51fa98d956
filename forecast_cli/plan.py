"""Plan: every number of a training decided, from the settings and the panel, each with its reason.

Rules look at lengths, seasons and the training part of the data, never at the clock. Of the test part they see one thing:
whether all values are positive, without which there are no logs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from forecast_cli import calendar, checks, config, covariates
from forecast_cli.baselines import seasonal_naive
from forecast_cli.cells import Architecture, Attention, Decoder, Head
from forecast_cli.config import Settings
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.scaling import Normalization
from forecast_cli.windows import between

SMALL = 2_000  # training windows under which a network of 2 x 50 learns all there is
LARGE = 50_000  # and above which 2 x 128 pays
WARMUP = (
    300  # steps over which the learning rate rises where windows are few: small steps first, so the best can be found
)
Optimizer = Literal["rmsprop", "adam", "adamw", "sgd"]
LOOKED_AT = 48  # steps of a window that attention weighs, unless the user says otherwise
EPOCH = 50  # most batches in an epoch: validation comes at least this often


@dataclass(frozen=True)
class Plan:
    """All that decides a training and a forecast. `reasons`: setting -> why, for people."""

    preset: Literal["auto", "classic", "bilstm", "seq2seq"]
    horizon: int
    seasons: tuple[int, ...]
    normalization: Normalization
    lag: int
    validation: int
    test: int
    architecture: Architecture
    short: Literal["fallback", "drop", "refuse"]
    calendar: bool
    zero_head: bool
    loss: Literal["mse", "mae", "huber", "quantile"]
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
    optimizer: Optimizer = "rmsprop"
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: float = 0.0
    jitter: float = 0.0
    balance: bool = False
    members: int = 1
    bagging: bool = False
    boosting: bool = False
    combine: Literal["median", "mean"] = "median"
    warm_start: str = ""
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def lookback(self) -> int:
        return self.architecture.lookback

    @property
    def season(self) -> int:
        """The main season; 1 where there is none."""
        return self.seasons[0] if self.seasons else 1


def make(panel: Panel, settings: Settings) -> Plan:
    """Decide everything. Raises TooLittleDataError saying how many rows are needed, SettingsError for a clash."""
    reasons: dict[str, str] = {}
    longest = int(panel.lengths.max())
    horizon = _horizon(panel, settings, longest, reasons)
    window = settings.window
    test = _given(window.test, horizon, "test", "one horizon", reasons)
    validation = _given(window.validation, horizon, "validation", "one horizon", reasons)
    if settings.training.preset == "classic":
        validation = 0
        reasons["validation"] = "classic: the last 5 % of the training windows instead"
        if window.validation:
            raise SettingsError(
                "--validation does not go with --preset classic", "leave it out: it takes 5 % of the windows"
            )
    rows = longest - test - validation
    least = (window.lookback or 2) + horizon + test + validation
    if settings.training.preset == "classic":
        least = (window.lookback or 2) + 2 + test
    if longest < least:
        raise TooLittleDataError(
            f"{longest} rows are too few for horizon {horizon}: at least {least} are needed "
            f"({window.lookback or 2} to look back on, {least - test - validation - (window.lookback or 2)} to learn from, "
            f"{validation} for validation, {test} held out)",
            f"give more rows, or a smaller --horizon, {'--lookback, ' if window.lookback else ''}--validation or --test",
        )
    seasons = _seasons(panel, settings, rows, reasons)
    common = _Common(horizon, test, validation, rows, seasons)
    decided = (_classic if settings.training.preset == "classic" else _auto)(panel, settings, common, reasons)
    _check_network(decided)
    return decided


@dataclass(frozen=True)
class _Common:
    horizon: int
    test: int
    validation: int
    rows: int
    seasons: tuple[int, ...]


def _given(value: int | None, otherwise: int, name: str, why: str, reasons: dict[str, str]) -> int:
    reasons[name] = "as given" if value is not None else why
    return otherwise if value is None else value


def _horizon(panel: Panel, settings: Settings, longest: int, reasons: dict[str, str]) -> int:
    if settings.window.horizon is not None:
        reasons["horizon"] = "as given"
        return settings.window.horizon
    named = config.seasons(settings.data.season)
    wanted = named[0] if named and named[0] <= 96 else calendar.default_horizon(panel.frequency)
    reasons["horizon"] = f"one main season ({calendar.describe(panel.frequency)})"
    most = max(longest // 5, 1)
    if wanted > most:
        reasons["horizon"] = f"a fifth of {longest} rows"
    return min(wanted, most)


def _seasons(panel: Panel, settings: Settings, rows: int, reasons: dict[str, str]) -> tuple[int, ...]:
    named = config.seasons(settings.data.season)
    if named is not None:
        reasons["seasons"] = "as given"
        return named
    usual = calendar.season_lengths(panel.frequency)
    found = tuple(length for length in usual if 2 * length <= rows)
    reasons["seasons"] = f"{calendar.describe(panel.frequency)}, with two full seasons in the training part"
    parts = _training_parts(panel, int(panel.lengths.max()) - rows)
    measured = np.array([checks.strengths(part, found) for part in parts], np.float64).reshape(len(parts), -1)
    weak = []
    for length, of_series in zip(found, measured.T, strict=True):
        known = of_series[~np.isnan(of_series)]  # what cannot be measured stays
        # and what a quarter of the series show: a network for all can learn it
        if len(known) and np.quantile(known, 0.75) < checks.WEAK:
            weak.append(length)
    if weak == list(found):  # the baseline needs one, and `_lag` sees for itself whether it is of use
        weak = weak[1:]
    if weak:
        reasons["seasons"] += f"; {', '.join(map(str, weak))} left out: the training part does not show it"
    return tuple(length for length in found if length not in weak)


def _training_parts(panel: Panel, held: int) -> list[Floats]:
    """The training parts of up to 200 series, at most 5,000 rows each: enough for a rule."""
    chosen = np.unique(np.linspace(0, len(panel) - 1, 200).astype(int))
    parts = [values_of(panel, int(i)) for i in chosen]
    parts = [p[: len(p) - held][-5000:] for p in parts if len(p) > held]
    longest = int(np.argmax(panel.lengths))
    return parts or [values_of(panel, longest)[: int(panel.lengths[longest]) - held]]


def _lag(parts: list[Floats], common: _Common, lookback: int | None, reasons: dict[str, str]) -> int:
    """The season (or 1: the last value) whose naive forecast errs least over the horizon in the training part.

    lookback: the one given, if any; a season that is longer is not in the window to be repeated.
    """
    most = common.rows if lookback is None else lookback
    candidates = [1, *(m for m in common.seasons if 2 * m + common.horizon <= common.rows and m <= most)]
    if len(candidates) == 1:
        reasons["lag"] = "no season to look back on"
        return 1
    longest = max(candidates)
    found = []
    for part in parts:
        origins = np.arange(longest, len(part) - common.horizon + 1)
        spread = np.nanstd(part)
        if not len(origins) or not spread:
            continue
        origins = origins[:: max(len(origins) // 200, 1)]
        past = part[origins[:, None] + np.arange(-longest, 0)]
        future = part[origins[:, None] + np.arange(common.horizon)]
        errors = np.stack([np.abs(seasonal_naive(past, common.horizon, m) - future) for m in candidates])
        known = ~np.isnan(errors).any(axis=0)  # seasons are compared on the same steps
        if known.any():
            found.append([of_season[known].mean() / spread for of_season in errors])
    if not found:
        reasons["lag"] = "no series is long enough to compare seasons"
        return 1
    errors = np.median(found, axis=0)
    best = candidates[int(np.argmin(errors))]
    # A long season holds the short ones: a week says what day it is, too.
    longer = [m for m, error in zip(candidates, errors, strict=True) if m > best > 1 and error <= 1.3 * errors.min()]
    reasons["lag"] = f"repeating {'the last value' if best == 1 else f'the value {best} steps earlier'} errs least"
    if longer:
        reasons["lag"] += f", {longer[-1]} steps hardly more and hold both seasons"
        return longer[-1]
    return best


def _normalization(values: Floats, parts: list[Floats], reasons: dict[str, str]) -> Normalization:
    """Logs where every value (N,) is positive and, in the training parts, hardly any is tiny beside its series' median."""
    known = values[~np.isnan(values)]
    # Logs must hold for every value that a window may ever show, and rounding must not be all that varies.
    possible = bool((known > 0).all()) and np.ptp(known) > 1e-6 * known.max()
    if possible and np.mean([np.mean(part < 0.02 * np.nanmedian(part)) for part in parts]) < 0.001:
        reasons["normalization"] = "all values are positive: logs, then each window by its own level and spread"
        return "log"
    reasons["normalization"] = "each window by its own level and spread"
    return "spread"


@dataclass(frozen=True)
class _Recipe:
    """What a preset takes where the user names nothing; None: by the rules of `auto`."""

    units: tuple[int, ...] | None = None
    dropout: float = 0.2
    bidirectional: bool = False
    attention: Attention = "none"
    decoder: Decoder = "direct"
    head: Head = "linear"
    optimizer: Optimizer = "rmsprop"
    learning_rate: float | None = None
    normalization: Normalization | None = None


RECIPES = {
    "auto": _Recipe(),
    "bilstm": _Recipe(
        units=(32, 32, 32, 32), dropout=0.0, bidirectional=True, head="mlp", optimizer="adam", learning_rate=1e-3,
        normalization="standard",
    ),
    "seq2seq": _Recipe(attention="bahdanau", decoder="seq2seq"),
    "classic": _Recipe(units=(50, 100), decoder="recursive", learning_rate=1e-3, normalization="minmax"),
}  # fmt: skip


def _network(settings: Settings, reasons: dict[str, str]) -> dict[str, Any]:
    """The parts of the network that the user names, else those of the preset."""
    recipe, given = RECIPES[settings.training.preset], settings.network
    found: dict[str, Any] = {"cell": given.cell}
    for name in ("dropout", "bidirectional", "attention", "decoder", "head"):
        value = getattr(given, name)
        found[name] = getattr(recipe, name) if value is None else value
        reasons[name] = "as given" if value is not None else f"preset {settings.training.preset}"
    levels = config.levels(settings.interval.levels) if settings.training.loss == "quantile" else ()
    tails = {(100 - level) / 200 for level in levels}
    found["quantiles"] = (
        tuple(sorted({0.5, *tails, *(1 - tail for tail in tails)})) if settings.training.loss == "quantile" else ()
    )
    return found


def _training(settings: Settings) -> dict[str, Any]:
    """The parts of a plan that are as given, whatever the preset."""
    training, ensemble = settings.training, settings.ensemble
    return {
        "loss": training.loss,
        "optimizer": training.optimizer or RECIPES[training.preset].optimizer,
        "schedule": training.schedule,
        "weight_decay": training.weight_decay,
        "jitter": training.jitter,
        "balance": training.balance,
        "seed": training.seed,
        "members": ensemble.members,
        "bagging": ensemble.bagging,
        "boosting": ensemble.boosting,
        "combine": ensemble.combine,
        "short": settings.window.short,
        "levels": config.levels(settings.interval.levels),
    }


def _check_network(plan: Plan) -> None:
    """Refuse what does not go together, before any work. Raises SettingsError."""
    shape = plan.architecture
    if shape.attention != "none" and shape.steps < 2:
        raise SettingsError(
            f"--attention {shape.attention} has nothing to weigh: lookback {shape.lookback} in segments of {shape.segment} is one step",
            "use a longer --lookback, a smaller --segment, or --attention none",
        )
    if plan.members == 1 and (plan.bagging or plan.boosting):
        name = "--bagging" if plan.bagging else "--boosting"
        raise SettingsError(f"{name} wants several members", "add --members 5")
    if plan.bagging and plan.boosting:
        raise SettingsError(
            "--bagging does not go with --boosting: one wants members alike, the other in turn", "leave one of them out"
        )
    if plan.boosting and plan.loss == "quantile":
        raise SettingsError(
            "--boosting does not go with --loss quantile: quantiles do not add up", "use --loss mae, or --bagging"
        )


def _auto(panel: Panel, settings: Settings, common: _Common, reasons: dict[str, str]) -> Plan:
    recipe, training, network = RECIPES[settings.training.preset], settings.training, _network(settings, reasons)
    parts = _training_parts(panel, common.test + common.validation)
    features, known, static = covariates.count(panel, settings.window.calendar)
    if network["decoder"] == "recursive" and panel.past_names:
        raise SettingsError(
            f"--decoder recursive does not go with --past {panel.past_names[0].split('=')[0]}: "
            "rolled forward, it would have to know it beyond the last row",
            "use --decoder direct, or --future where it is known",
        )
    lag = _lag(parts, common, settings.window.lookback, reasons)
    normalization = recipe.normalization or _normalization(panel.values, parts, reasons)
    if recipe.normalization:
        reasons["normalization"] = f"preset {training.preset}: fitted on the training part of each series"
    lookback, segment = _lookback(settings, common, lag, network["attention"], reasons)
    outputs = 1 if network["decoder"] == "recursive" else common.horizon
    ends = np.maximum(panel.lengths - common.test - common.validation, 0)
    windows = len(between(panel, lookback, common.horizon, ends * 0, ends))
    units = config.layer_units(settings.network.units)
    reasons["units"] = (
        "as given" if units else f"preset {training.preset}" if recipe.units else f"{windows:,} training windows"
    )
    units = units or recipe.units or ((50, 50) if windows < SMALL else (64, 64) if windows < LARGE else (128, 128))
    batch_size = training.batch_size or (32 if windows < SMALL else 64 if windows < LARGE else 256)
    reasons["batch_size"] = "as given" if training.batch_size else f"{windows:,} training windows"
    epoch_batches = max(1, min(-(-windows // batch_size), EPOCH))
    epochs = training.epochs or max(1, round((800 if windows < SMALL else 1500) / epoch_batches))
    reasons["epochs"] = "as given" if training.epochs else f"{epoch_batches} batches each"
    alone = recipe.normalization is None  # each window by itself, as a difference to its reference
    if not alone:
        reasons["lag"] = f"preset {training.preset}: the network answers with values, not with differences"
    reasons["inputs"] = "the target, covariates over the window" if features else "the target"
    reasons["outputs"] = "one step, rolled forward" if outputs < common.horizon else "the horizon"
    reasons["known"], reasons["static"] = "covariates known ahead", "covariates of one value a series"
    weighted = training.balance or settings.data.weight is not None
    return Plan(
        preset=training.preset,
        horizon=common.horizon,
        seasons=common.seasons,
        normalization=normalization,
        lag=lag if alone else 0,
        validation=common.validation,
        test=common.test,
        architecture=Architecture(
            lookback, 1 + features, segment, units, outputs=outputs, known=known, static=static, **network
        ),
        calendar=settings.window.calendar,
        zero_head=alone,
        epochs=epochs,
        epoch_batches=epoch_batches,
        patience=_given(training.patience, max(10, epochs // 3), "patience", "a third of the epochs", reasons),
        batch_size=batch_size,
        learning_rate=training.learning_rate or recipe.learning_rate or (3e-3 if windows < SMALL else 1e-3),
        warmup=WARMUP if windows < SMALL and alone else 0,
        averaging=0.98 if alone else 0.0,
        clip_norm=_clip_norm(training.clip_norm, 1.0 if alone else 0.0),
        # Squared errors of a few wild windows would drown all others; where rare levels are to count, they must not be cut.
        target_clip=3.0 if alone and not weighted else 0.0,
        threads=training.threads or _threads(units, batch_size, reasons),
        refit=training.refit,
        reasons=reasons,
        **_training(settings),
    )


def _clip_norm(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _lookback(
    settings: Settings, common: _Common, lag: int, attention: Attention, reasons: dict[str, str]
) -> tuple[int, int]:
    given, segment = settings.window.lookback, settings.window.segment
    room = common.rows - common.horizon  # steps before the horizon of the last training window
    if given is None:
        seasons = 1 if lag >= 96 else 2 if lag >= 12 else 4
        wanted = max(seasons * lag, 8) if lag > 1 else max(common.horizon, 8)
        lookback = max(1, min(wanted, max(lag, room // 2), room))
        words = {1: "one season", 2: "two seasons", 4: "four seasons"}[seasons] + f" of {lag}"
        usual = words if lag > 1 else "one horizon, at least 8"
        reasons["lookback"] = usual if lookback == wanted else "half of the training part"
    else:
        lookback, reasons["lookback"] = given, "as given"
    if segment is not None:
        reasons["segment"] = "as given"
        if given is not None and given % segment:
            raise SettingsError(
                f"--lookback {given} is not a multiple of --segment {segment}",
                f"use --lookback {given // segment * segment or segment}",
            )
        rounded = -(-lookback // segment) * segment
        if rounded > room and room >= segment:
            rounded = room // segment * segment
        if rounded > room:
            raise SettingsError(
                f"--segment {segment} is longer than the {room} steps to look back on", "use a smaller --segment"
            )
        return rounded, segment
    choices = [s for s in (*common.seasons, 24, 12, 8, 6) if 4 <= s <= 48 and lookback % s == 0 and lookback // s >= 4]
    if attention != "none":  # few enough to learn what to look at, short enough to see where it looks
        fine = [s for s in (1, 2, 3, 4, 6, 8, 12, 24) if lookback % s == 0 and 2 <= lookback // s <= LOOKED_AT]
        reasons["segment"] = f"attention looks at {LOOKED_AT} steps at most"
        return lookback, (fine or [1])[0]
    if lookback >= 36 and choices:
        reasons["segment"] = f"a lookback of {lookback} is long"
        return lookback, choices[0]
    reasons["segment"] = "the lookback is short" if lookback < 36 else "no segment divides the lookback"
    return lookback, 1


def _threads(units: tuple[int, ...], batch_size: int, reasons: dict[str, str]) -> int:
    """A rule on sizes, so that it is the same every time and for every load of the machine."""
    large = max(units) * batch_size > 512 * 256
    reasons["threads"] = "a large network" if large else "a small network trains as fast on one, also on a busy machine"
    return min(4, os.cpu_count() or 1) if large else 1


def _classic(panel: Panel, settings: Settings, common: _Common, reasons: dict[str, str]) -> Plan:
    """The textbook recipe, to the letter; only what the user names differs."""
    training, given, network = settings.training, settings.window.lookback, _network(settings, reasons)
    if any(covariates.count(panel, settings.window.calendar)):
        raise SettingsError("covariates do not go with --preset classic", "leave them out, or use --preset auto")
    if settings.window.segment not in (None, 1):
        raise SettingsError("--segment does not go with --preset classic", "leave one of them out")
    if network["decoder"] != "recursive":
        raise SettingsError(
            f"--decoder {network['decoder']} does not go with --preset classic, which rolls one step forward",
            "leave one of them out",
        )
    reasons["lookback"] = "as given" if given else "classic: 50, or a third of the rows"
    lookback = given or max(1, min(50, common.rows // 3))
    recipe = RECIPES["classic"]
    units = config.layer_units(settings.network.units) or recipe.units or ()
    windows = max(common.rows - lookback, 1)
    batch_size = training.batch_size or 50
    reasons["units"] = reasons["batch_size"] = reasons["epochs"] = "the textbook recipe"
    return Plan(
        preset="classic",
        horizon=common.horizon,
        seasons=common.seasons,
        normalization="minmax",
        lag=0,
        validation=0,
        test=common.test,
        architecture=Architecture(lookback, 1, 1, units, outputs=1, **network),
        calendar=False,
        zero_head=False,
        epochs=training.epochs or 20,
        epoch_batches=max(1, -(-windows // batch_size)),
        patience=training.patience or 0,
        batch_size=batch_size,
        learning_rate=training.learning_rate or 1e-3,
        warmup=0,
        averaging=0.0,
        clip_norm=_clip_norm(training.clip_norm, 0.0),
        target_clip=0.0,
        threads=training.threads or _threads(units, batch_size, reasons),
        refit=False,
        reasons=reasons,
        **_training(settings),
    )
