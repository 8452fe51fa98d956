"""`--from ID`: beginning with the weights of an earlier run."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import planning, store
from forecast_cli.choices import BASE
from forecast_cli.errors import SettingsError
from forecast_cli.network import Architecture
from forecast_cli.panel import Panel
from forecast_cli.planning import Decided, Plan
from forecast_cli.settings import Settings
from forecast_cli.store import Run

if TYPE_CHECKING:  # torch is imported when there is something to train on
    from forecast_cli.training import Weights

FROM_NOTHING = "none"

# Weights learned with one dropout may be trained on with another.
MUST_BE_EQUAL = tuple(f.name for f in fields(Architecture) if f.name != "dropout")
MUST_BE_EQUAL_IN_PLAN = ("normalization", "lag")

ALL_LAYERS_LEARN = Decided(0)


def plan_with_start(
    panel: Panel, settings: Settings, store_folder: str | os.PathLike[str], start: str | None
) -> tuple[Plan, Run | None]:
    """The plan of a training, and the run whose weights it begins with, if it does.

    start: the name of a run; `base`, the base network; `none`, to do without the base network; or
    None, where validation says what it is good for. Raises what `plan_from_run` raises.
    """
    if start not in (None, BASE, FROM_NOTHING):
        return plan_from_run(panel, settings, store_folder, start)

    if start == BASE:
        plan = planning.make(panel, planning.without_freeze(settings))
        return planning.tuned_plan(panel, settings, plan), None

    plan = planning.make(panel, settings)
    if start == FROM_NOTHING:
        plan = replace(plan, base=None)
    return plan, None


def plan_from_run(
    panel: Panel, settings: Settings, store_folder: str | os.PathLike[str], name: str
) -> tuple[Plan, Run]:
    """The plan of a training that begins with the weights of a run, and that run.

    What validation chose for the run is not chosen again: its weights fit no other choice.
    Raises what `store.load` raises for the run, and SettingsError where its network is another
    one.
    """
    preset = settings.training.preset
    if planning.PRESETS[preset].is_portfolio:
        raise SettingsError(
            f"--from does not go with --preset {preset}, which trains networks of several kinds",
            "leave one of them out",
            option="preset",
        )
    root = Path(store_folder)
    run = store.load(root, store.resolve(root, name))
    if run.config.plan.parts:
        raise SettingsError(
            f"--from {name}: that run is a portfolio of several kinds of networks",
            "start from a run of another preset, or train without --from",
        )
    scratch = planning.without_freeze(settings)
    plan = planning.make(panel, scratch, _chosen_before(run.config.plan, settings))
    if run.config.plan.architecture.by_season is not None:
        plan = planning.tuned_plan(panel, settings, plan)
    _refuse_other_network(name, run.config.plan, plan)
    if run.config.plan.architecture.by_season is None:
        plan = planning.with_frozen_layers(plan, settings, ALL_LAYERS_LEARN)
    return replace(plan, warm_start=run.name), run


def _chosen_before(theirs: Plan, settings: Settings) -> dict[str, Decided[Any]]:
    """What validation chose for a run, for `planning.make`; settings of the user come first."""
    if not theirs.trials:
        return {}

    reason = "as in the run that training begins with"
    chosen: dict[str, Decided[Any]] = {}
    if settings.window.lookback is None:
        chosen["level_steps"] = Decided(theirs.level_steps, reason)
    if settings.training.epochs is None:
        chosen["epochs"] = Decided(theirs.epochs, reason)
    return chosen


def _refuse_other_network(name: str, theirs: Plan, plan: Plan) -> None:
    differences = [
        *_differences(theirs.architecture, plan.architecture, MUST_BE_EQUAL),
        *_differences(theirs, plan, MUST_BE_EQUAL_IN_PLAN),
    ]
    if differences:
        raise SettingsError(
            f"--from {name}: the network of that run is another one: {'; '.join(differences)}",
            "give the same settings as there (see `forecast runs show`), or train without --from",
        )


def _differences(theirs: Any, ours: Any, names: tuple[str, ...]) -> list[str]:
    return [
        f"{name} {getattr(theirs, name)!r} there, {getattr(ours, name)!r} here"
        for name in names
        if getattr(theirs, name) != getattr(ours, name)
    ]


def start_weights(run: Run | None) -> tuple[Weights, ...]:
    """The weights that members begin with, in turn."""
    if run is None:
        return ()
    return tuple(dict(weights) for weights in run.model.members)


def saw_held_out_rows(run: Run | None, panel: Panel, plan: Plan) -> bool:
    """Whether the run to begin with was trained on rows that are held out here."""
    if run is None or not plan.test:
        return False

    theirs, tail = run.config.plan, run.tail
    unseen = 0 if theirs.refit else theirs.test
    trained_to = {
        name: int(tail.first[i] + tail.lengths[i]) - unseen for i, name in enumerate(tail.ids)
    }
    held_out_from = panel.first + panel.lengths - plan.test
    for i, name in enumerate(panel.ids):
        if name in trained_to and trained_to[name] > held_out_from[i]:
            return True
    return False
