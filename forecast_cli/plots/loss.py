"""The losses of a training, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from forecast_cli import network, tables
from forecast_cli.panel import Floats
from forecast_cli.planning import Plan
from forecast_cli.plots import style
from forecast_cli.plots.fonts import Labels
from forecast_cli.plots.style import BLUE, GREEN, GREY, ORANGE
from forecast_cli.store import Run

UNITS = {
    "minmax": "values on the min-max scale",
    "standard": "values in standard deviations of their series",
}
UNIT = "values in units of each window's spread"  # for all other normalizations
TRAINING = {"color": BLUE, "linestyle": "-"}
VALIDATION = {"color": ORANGE, "linestyle": "--"}
FEW = 40  # epochs, up to which each has a dot


@dataclass(frozen=True, eq=False)
class Member:
    """One trained network: its epochs (E,), its losses (E,), and the epoch that was kept.

    Losses are NaN where there is none.

    best: 0 where the weights of no epoch were kept.
    """

    number: int
    epochs: Floats
    training: Floats
    validation: Floats
    best: int


def figure(run: Run, label: Labels) -> Figure:
    """Training and validation loss of every epoch, with the epochs that were kept.

    The scale is logarithmic where losses span a decade.

    Of several members the first is drawn strong and the others thin.
    """
    members = members_of(run)
    picture = Figure(figsize=(style.WIDTH, style.HEIGHT), layout="constrained")
    axes = picture.subplots()

    has_dots = len(members) == 1 and len(members[0].epochs) <= FEW
    for member in members:
        who = _who(member, members)
        _draw(axes, member, member.training, f"training{who}", TRAINING, has_dots)
        _draw(axes, member, member.validation, f"validation{who}", VALIDATION, has_dots)
    _mark_best(axes, members)

    title = ["Loss while training on", label(run.config.columns.target)]
    if len(members) > 1:
        title.append(f"({len(members):,} members)")
    style.title(picture, *title)

    plan = run.config.plan
    unit = UNITS.get(plan.normalization, UNIT)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"{_loss_names(plan)}\n({unit})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    _scale(axes, members)
    style.legend(picture, *axes.get_legend_handles_labels(), columns=3)
    return picture


def _loss_names(plan: Plan) -> str:
    """The loss, or the losses of a portfolio."""
    losses = dict.fromkeys([plan.loss, *(part.loss for part in plan.parts)])
    return " or ".join(network.LOSSES[loss].title for loss in losses)


def members_of(run: Run) -> list[Member]:
    """The members of a run, in order."""
    rows = tables.read_history(run.texts["history.csv"]).numbers
    # Runs of 0.2.0 have one member and no scores of it.
    scores = run.metrics.members
    bests = scores.best_epochs if scores else [run.metrics.training.best_epoch]

    members = []
    for number, best in enumerate(bests, 1):
        mine = rows["member"] == number
        members.append(
            Member(
                number=number,
                epochs=rows["epoch"][mine],
                training=rows["training_loss"][mine],
                validation=rows["validation_loss"][mine],
                best=best,
            )
        )
    return members


def _who(member: Member, members: list[Member]) -> str:
    """What the legend says of a member, after the name of the loss."""
    if len(members) == 1:
        return ""
    return ", member 1" if member.number == 1 else ", other members"


def _draw(
    axes: Axes, member: Member, losses: Floats, name: str, look: dict[str, Any], has_dots: bool
) -> None:
    if np.isnan(losses).all():
        return

    # Many members in the same colors stay readable if only one of them is drawn strong.
    is_first = member.number == 1
    axes.plot(
        member.epochs,
        losses,
        **look,
        linewidth=1.6 if is_first else 0.7,
        alpha=1 if is_first else 0.5,
        marker="o" if has_dots else "",
        markersize=3,
        zorder=3 if is_first else 2,
        label=name if member.number <= 2 else "_",  # an underscore keeps it out of the legend
    )


def _mark_best(axes: Axes, members: list[Member]) -> None:
    """A diamond on the loss by which the epoch was chosen: of validation, if there is one."""
    epochs, losses = [], []
    for member in members:
        for position in np.flatnonzero(member.epochs == member.best):
            validation, training = member.validation[position], member.training[position]
            epochs.append(member.best)
            losses.append(validation if np.isfinite(validation) else training)
    if not epochs:
        return

    low, high = min(epochs), max(epochs)
    kept = f"epoch {high}" if low == high else f"epochs {low} to {high}"
    if len(members) == 1:
        axes.axvline(low, color=GREY, linewidth=0.8, linestyle=":")
    axes.plot(
        epochs,
        losses,
        color=GREEN,
        marker="D",
        markersize=8 if len(members) == 1 else 5,
        linestyle="",
        zorder=4,
        clip_on=False,
        label=f"weights kept: {kept}",
    )


def _scale(axes: Axes, members: list[Member]) -> None:
    """A log scale where the losses span a decade, with plain numbers at its ticks."""
    losses = np.concatenate([[*member.training, *member.validation] for member in members])
    losses = losses[np.isfinite(losses) & (losses > 0)]
    if not len(losses) or losses.max() <= 10 * losses.min():
        return

    axes.set_yscale("log")
    decades = np.log10(losses.max() / losses.min())
    ticks_in_decade = (1, 2, 5) if decades < 3 else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=ticks_in_decade))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
