"""What the preset `seasonal` decides: a window of whole seasons, and a fixed number of steps."""

from __future__ import annotations

import numpy as np

from forecast_cli import covariates
from forecast_cli.panel import Panel
from forecast_cli.planning import conflicts, rules
from forecast_cli.planning import seasonal_rules as seasonal
from forecast_cli.planning.draft import Draft, TrainingParts
from forecast_cli.planning.plan import Decided


def decide(draft: Draft, panel: Panel, data: TrainingParts) -> None:
    """Decide the window, the network and the training."""
    _decide_window(draft, panel, data)
    windows = rules.count_windows(
        panel, data.held_out, draft.value("lookback"), draft.value("horizon")
    )
    _decide_network(draft, panel, windows)
    _decide_training(draft, windows)


def _decide_window(draft: Draft, panel: Panel, data: TrainingParts) -> None:
    """What a window holds and how it is scaled."""
    window, horizon = draft.settings.window, draft.value("horizon")
    conflicts.refuse_recursive_past(draft.value("decoder"), panel.past_names)
    conflicts.refuse_uneven_lookback(window.lookback, window.segment)

    room = data.rows - horizon
    median = int(np.median(panel.lengths)) - draft.value("test")
    season = draft.decide("level_steps", seasonal.choose_main_season(draft.value("seasons")))
    wanted = seasonal.choose_lookback(window.lookback, season, horizon, median, room)
    segment = draft.decide("segment", _segment(draft, wanted.value, season))
    lookback = draft.decide("lookback", _whole_segments(draft, wanted, segment, room))

    parts = data.training_parts
    draft.decide("lag", seasonal.choose_lag(parts, season, lookback, horizon))
    draft.decide("normalization", seasonal.choose_normalization(panel.values, parts))
    draft.decide("calendar", Decided(window.calendar))
    features, known, static = covariates.count(panel, window.calendar)
    draft.decide("inputs", rules.choose_inputs(features))
    draft.decide("known", Decided(known, "covariates known ahead"))
    draft.decide("static", Decided(static, "covariates of one value a series"))
    draft.decide("outputs", rules.choose_outputs(draft.value("decoder"), horizon))


def _segment(draft: Draft, lookback: int, season: int) -> Decided[int]:
    """The length of a segment; attention has steps enough to look at."""
    setting, attention = draft.settings.window.segment, draft.value("attention")
    if attention != "none":
        return rules.choose_segment(setting, lookback, draft.value("seasons"), attention)
    return seasonal.choose_segment(setting, lookback, season)


def _whole_segments(draft: Draft, wanted: Decided[int], segment: int, room: int) -> Decided[int]:
    if draft.settings.window.lookback is None:
        shorter = wanted.value // segment * segment
        if shorter:
            return Decided(shorter, wanted.reason)
    return rules.fit_lookback(wanted, segment, room)


def _decide_network(draft: Draft, panel: Panel, windows: int) -> None:
    network, loss = draft.settings.network, draft.value("loss")
    draft.decide("units", seasonal.choose_units(network.units))
    draft.decide("embedding", seasonal.choose_embedding(len(panel)))
    draft.decide("skip", seasonal.choose_skip(network.skip, draft.value("decoder")))
    draft.decide("squash", seasonal.choose_squash(network.squash, loss))
    draft.decide("spread", seasonal.choose_spread(draft.value("normalization"), windows))
    draft.decide("zero_head", Decided(True))


def _decide_training(draft: Draft, windows: int) -> None:
    training, preset = draft.settings.training, draft.preset
    optimizer = draft.decide(
        "optimizer", rules.setting_or_preset(training.optimizer, preset, preset.optimizer)
    )
    batch_size = draft.decide(
        "batch_size", seasonal.choose_batch_size(training.batch_size, windows)
    )
    epoch_batches = draft.decide(
        "epoch_batches", seasonal.choose_epoch_batches(windows, batch_size)
    )
    draft.decide("epochs", seasonal.choose_epochs(training.epochs, windows, epoch_batches))
    draft.decide("patience", rules.setting_or_preset(training.patience, preset, 0))
    draft.decide(
        "learning_rate",
        seasonal.choose_learning_rate(training.learning_rate, draft.value("segment")),
    )
    draft.decide("schedule", rules.setting_or_preset(training.schedule, preset, "one-cycle"))
    momentum = 0.9 if optimizer in rules.WITH_MOMENTUM else 0.0
    draft.decide("momentum", rules.setting_or_preset(training.momentum, preset, momentum))
    draft.decide("skip_rate", Decided(0.3, "a linear map learns faster than the recurrence"))
    draft.decide("members", seasonal.choose_members(draft.settings.ensemble.members, windows))
    draft.decide(
        "threads", rules.choose_threads(training.threads, draft.value("units"), batch_size)
    )
    draft.decide("clip_norm", rules.setting_or_preset(training.clip_norm, preset, 1.0))
    draft.decide("refit", Decided(training.refit))
    for name, value in (("warmup", 0), ("averaging", 0.0), ("target_clip", 0.0)):
        draft.decide(name, Decided(value))
