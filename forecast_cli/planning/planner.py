"""make(): from the settings and the data to a plan, one decision after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from forecast_cli import covariates
from forecast_cli.panel import Panel
from forecast_cli.planning import conflicts, freezing, portfolio, rules, seasonal, seasonal_rules
from forecast_cli.planning.base_plan import with_base_share
from forecast_cli.planning.draft import Draft, TrainingParts
from forecast_cli.planning.plan import Decided, Plan
from forecast_cli.planning.presets import PRESETS
from forecast_cli.settings import Settings

T = TypeVar("T")

# Settings that are in the plan as the user set them, by the group that declares them.
COPIED = {
    "window": ("short",),
    "training": ("preset", "weight_decay", "jitter", "balance", "seed"),
    "ensemble": ("bagging", "boosting", "combine"),
    "interval": ("interval",),
}

# Parts of the network that the user or the preset chooses, whatever the data are.
PRESET_PARTS = ("dropout", "bidirectional", "attention", "decoder", "head")


def make(
    panel: Panel,
    settings: Settings,
    fixed: Mapping[str, Decided[Any]] | None = None,
) -> Plan:
    """Decide everything.

    fixed: decisions that stand whatever the rules say, by the name of their field in Plan or
    Architecture; the rules that come after them follow. Raises TooLittleDataError saying how
    many rows are needed, and SettingsError for settings that do not go together.
    """
    freezing.refuse_without_start(settings)
    preset = PRESETS[settings.training.preset]
    draft = Draft(settings, preset, dict(fixed or {}))

    data = _decide_parts(draft, panel)
    _decide_network(draft)
    if preset.is_seasonal:
        seasonal.decide(draft, panel, data)
    else:
        decide_window = _decide_textbook_window if preset.is_textbook else _decide_window
        windows = decide_window(draft, panel, data)
        _decide_size(draft, windows)
        _decide_training(draft, panel, windows)
    _copy_settings(draft)

    plan = draft.plan()
    conflicts.refuse_conflicts(plan)
    if preset.is_seasonal:
        plan = with_base_share(panel, plan)
    if preset.is_portfolio:
        return portfolio.with_parts(panel, settings, plan, data.training_parts)
    return plan


def _decide_parts(draft: Draft, panel: Panel) -> TrainingParts:
    """The horizon, the rows that are not trained on, and the seasons that the others show."""
    window, season_setting = draft.settings.window, draft.settings.data.season
    is_textbook = draft.preset.is_textbook
    longest = int(panel.lengths.max())

    horizon = draft.decide(
        "horizon",
        rules.choose_horizon(window.horizon, season_setting, panel.frequency, longest),
    )
    test = draft.decide("test", rules.choose_held_out(window.test, horizon))
    if is_textbook:
        conflicts.refuse_textbook_validation(window.validation)
        share = Decided(0, "preset classic: the last 5 % of the training windows instead")
    elif draft.preset.is_seasonal:
        share = seasonal_rules.choose_validation(window.validation, horizon, panel.lengths)
        if draft.preset.is_portfolio:
            share = portfolio.choose_validation(share, window, horizon, panel.lengths)
    else:
        share = rules.choose_held_out(window.validation, horizon)
    validation = draft.decide("validation", share)

    conflicts.refuse_too_few_rows(
        longest,
        horizon=horizon,
        lookback=window.lookback,
        to_learn=2 if is_textbook else horizon,
        validation=validation,
        test=test,
    )
    rows = longest - test - validation
    parts = rules.training_parts(panel, test + validation)
    draft.decide(
        "seasons",
        rules.choose_seasons(season_setting, panel.frequency, rows, parts),
    )
    return TrainingParts(test + validation, rows, parts)


def _decide_network(draft: Draft) -> None:
    """What the user or the preset says about the network, whatever the data are."""
    draft.decide("cell", Decided(draft.settings.network.cell))
    for name in PRESET_PARTS:
        setting = getattr(draft.settings.network, name)
        preset_value = getattr(draft.preset, name)
        draft.decide(name, rules.setting_or_preset(setting, draft.preset, preset_value))

    loss = draft.decide("loss", Decided(draft.settings.training.loss))
    levels = draft.decide("levels", Decided(draft.settings.interval.levels))
    draft.decide("quantiles", rules.choose_quantiles(loss, levels))


def _decide_window(draft: Draft, panel: Panel, data: TrainingParts) -> int:
    """What a window holds and how it is scaled; returns the number of training windows."""
    window = draft.settings.window
    horizon, seasons = draft.value("horizon"), draft.value("seasons")
    decoder, attention = draft.value("decoder"), draft.value("attention")
    conflicts.refuse_recursive_past(decoder, panel.past_names)
    conflicts.refuse_uneven_lookback(window.lookback, window.segment)

    parts, room = data.training_parts, data.rows - horizon
    draft.decide("normalization", rules.choose_normalization(draft.preset, panel.values, parts))
    # The season that repeats best sets the lookback, even if it is not the reference.
    best_lag = rules.choose_lag(parts, seasons, horizon, data.rows, window.lookback)
    lag = draft.decide("lag", rules.choose_reference(best_lag, draft.preset)) or best_lag.value

    wanted = rules.choose_lookback(window.lookback, lag, horizon, room)
    lookback = draft.decide("lookback", wanted)
    segment = draft.decide(
        "segment",
        rules.choose_segment(window.segment, lookback, seasons, attention),
    )
    lookback = draft.decide("lookback", rules.fit_lookback(wanted, segment, room))

    draft.decide("calendar", Decided(window.calendar))
    features, known, static = covariates.count(panel, window.calendar)
    draft.decide("inputs", rules.choose_inputs(features))
    draft.decide("known", Decided(known, "covariates known ahead"))
    draft.decide("static", Decided(static, "covariates of one value a series"))
    draft.decide("outputs", rules.choose_outputs(decoder, horizon))
    return rules.count_windows(panel, data.held_out, lookback, horizon)


def _decide_textbook_window(draft: Draft, panel: Panel, data: TrainingParts) -> int:
    """What a window holds in the textbook recipe; returns the number of training windows."""
    window, preset = draft.settings.window, draft.preset
    features = covariates.count(panel, window.calendar)
    conflicts.refuse_textbook_changes(features, window.segment, draft.value("decoder"))

    parts = data.training_parts
    draft.decide("normalization", rules.choose_normalization(preset, panel.values, parts))
    draft.decide("lag", rules.choose_reference(Decided(1), preset))
    lookback = draft.decide(
        "lookback",
        rules.choose_textbook_lookback(window.lookback, data.rows),
    )
    draft.decide("segment", Decided(1, f"preset {preset.name}"))
    draft.decide("calendar", Decided(False))
    draft.decide("inputs", rules.choose_inputs(0))
    draft.decide("outputs", rules.choose_outputs("recursive", draft.value("horizon")))
    # Those of the longest series, as for the single series that the recipe was written for.
    return max(data.rows - lookback, 1)


def _decide_size(draft: Draft, windows: int) -> None:
    """The size of the network and of its batches, by the number of training windows."""
    training, preset = draft.settings.training, draft.preset
    unit_setting = draft.settings.network.units
    units = draft.decide("units", rules.choose_units(unit_setting, preset, windows))
    batch_size = draft.decide(
        "batch_size",
        rules.choose_batch_size(training.batch_size, preset, windows),
    )
    epoch_batches = draft.decide(
        "epoch_batches",
        rules.choose_epoch_batches(preset, windows, batch_size),
    )
    epochs = draft.decide(
        "epochs",
        rules.choose_epochs(training.epochs, preset, windows, epoch_batches),
    )
    draft.decide("patience", rules.choose_patience(training.patience, preset, epochs))
    draft.decide("threads", rules.choose_threads(training.threads, units, batch_size))


def _decide_training(draft: Draft, panel: Panel, windows: int) -> None:
    """How steps are taken."""
    training, preset = draft.settings.training, draft.preset
    is_weighted = training.balance or len(panel.weights) > 0
    draft.decide(
        "optimizer",
        rules.setting_or_preset(training.optimizer, preset, preset.optimizer),
    )
    draft.decide(
        "learning_rate",
        rules.choose_learning_rate(training.learning_rate, preset, windows),
    )
    draft.decide("momentum", rules.choose_momentum(training.momentum, draft.value("optimizer")))
    draft.decide("schedule", rules.setting_or(training.schedule, Decided("constant")))
    draft.decide("members", rules.setting_or(draft.settings.ensemble.members, Decided(1)))
    draft.decide("skip", rules.setting_or(draft.settings.network.skip, Decided("none")))
    draft.decide("squash", rules.setting_or(draft.settings.network.squash, Decided("none")))
    draft.decide("warmup", rules.choose_warmup(preset, windows))
    draft.decide("averaging", rules.choose_averaging(preset))
    draft.decide("clip_norm", rules.choose_clip_norm(training.clip_norm, preset))
    draft.decide("target_clip", rules.choose_target_clip(preset, is_weighted=is_weighted))
    draft.decide("zero_head", rules.choose_zero_head(preset))
    draft.decide("refit", rules.choose_refit(training.refit, preset))


def _copy_settings(draft: Draft) -> None:
    for group, names in COPIED.items():
        for name in names:
            draft.decide(name, Decided(getattr(getattr(draft.settings, group), name)))
