"""RMSprop, Adam, AdamW and SGD: the update functions of PyTorch, with their state kept here.

The classes of `torch.optim` load the compiler of PyTorch as soon as one is made, which takes as
long as loading PyTorch itself, in every process that trains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from forecast_cli.planning import Plan

ALPHA = 0.9  # decay of the mean of squared gradients in RMSprop
BETAS = (0.9, 0.999)  # decays of Adam
EPSILON_OF_RMSPROP, EPSILON_OF_ADAM = 1e-7, 1e-8

State = dict[str, Tensor]  # of one parameter, under the names that PyTorch has for them


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters with their states; `part` is their part of the learning rate."""

    parameters: list[nn.Parameter]
    states: list[State]
    part: float


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the parameters that have a gradient, at a learning rate."""

    plan: Plan
    rate: float
    parameters: list[Tensor]
    gradients: list[Tensor]
    states: list[State]

    def each(self, name: str) -> list[Tensor]:
        """What the states have under a name."""
        return [state[name] for state in self.states]


@dataclass(frozen=True, eq=False)
class Optimizer:
    """What takes steps, and all that its next step depends on beside the gradients."""

    plan: Plan
    groups: tuple[Group, ...]

    def step(self, rate: float) -> None:
        """Change the parameters that have a gradient, in place, at a learning rate."""
        update = _UPDATES[self.plan.optimizer]
        with torch.no_grad():
            for group in self.groups:
                update(_step(self.plan, rate * group.part, group))

    def states(self) -> list[State]:
        """The states of all parameters, in their order, to be changed in place."""
        return [state for group in self.groups for state in group.states]


def optimizer_of(plan: Plan, network: nn.Module) -> Optimizer:
    """The optimizer of a plan before its first step. It never sees what is frozen."""
    named = [pair for pair in network.named_parameters() if pair[1].requires_grad]
    skip = [parameter for name, parameter in named if name.startswith("skip.")]
    others = [parameter for name, parameter in named if not name.startswith("skip.")]
    groups = [_group(plan, others, 1.0)]
    if skip:
        groups.append(_group(plan, skip, plan.skip_rate))
    return Optimizer(plan, tuple(groups))


def _group(plan: Plan, parameters: list[nn.Parameter], part: float) -> Group:
    return Group(parameters, [_first_state(plan, parameter) for parameter in parameters], part)


def _first_state(plan: Plan, parameter: Tensor) -> State:
    names = {
        "rmsprop": ["square_avg"],
        "adam": ["exp_avg", "exp_avg_sq"],
        "adamw": ["exp_avg", "exp_avg_sq"],
        "sgd": [],
    }[plan.optimizer]
    if plan.momentum:
        names.append("momentum_buffer")
    state = {name: torch.zeros_like(parameter) for name in names}
    return {"step": torch.tensor(0.0), **state}


def _step(plan: Plan, rate: float, group: Group) -> Step:
    """The step of the parameters of a group that have a gradient."""
    step = Step(plan, rate, [], [], [])
    for parameter, state in zip(group.parameters, group.states, strict=True):
        if parameter.grad is not None:
            step.parameters.append(parameter)
            step.gradients.append(parameter.grad)
            step.states.append(state)
    return step


# -- one step ----------------------------------------------------------------------------------


def _rmsprop(step: Step) -> None:
    """Tieleman & Hinton (2012), with momentum as in PyTorch."""
    rmsprop(
        step.parameters,
        step.gradients,
        step.each("square_avg"),
        [],
        step.each("momentum_buffer") if step.plan.momentum else [],
        step.each("step"),
        foreach=True,
        lr=step.rate,
        alpha=ALPHA,
        eps=EPSILON_OF_RMSPROP,
        weight_decay=step.plan.weight_decay,
        momentum=step.plan.momentum,
        centered=False,
    )


def _adam(step: Step) -> None:
    """Kingma & Ba (2015); AdamW decays the weights apart from the gradients."""
    adam(
        step.parameters,
        step.gradients,
        step.each("exp_avg"),
        step.each("exp_avg_sq"),
        [],
        step.each("step"),
        foreach=True,
        decoupled_weight_decay=step.plan.optimizer == "adamw",
        amsgrad=False,
        beta1=BETAS[0],
        beta2=BETAS[1],
        lr=step.rate,
        weight_decay=step.plan.weight_decay,
        eps=EPSILON_OF_ADAM,
        maximize=False,
    )


def _sgd(step: Step) -> None:
    """Stochastic gradient descent with momentum."""
    buffers: list[Tensor | None] = [state.get("momentum_buffer") for state in step.states]
    sgd(
        step.parameters,
        step.gradients,
        buffers,
        foreach=True,
        weight_decay=step.plan.weight_decay,
        momentum=step.plan.momentum,
        lr=step.rate,
        dampening=0,
        nesterov=False,
        maximize=False,
    )


_UPDATES: dict[str, Callable[[Step], None]] = {
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
    "sgd": _sgd,
}
