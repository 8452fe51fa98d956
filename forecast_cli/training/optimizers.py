"""RMSprop, Adam, AdamW and SGD: the update functions of PyTorch, with their state kept here.

The classes of `torch.optim` load the compiler of PyTorch as soon as one is made, which takes as
long as loading PyTorch itself, in every process that trains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
class Optimizer:
    """What takes steps, and all that its next step depends on beside the gradients."""

    plan: Plan
    groups: tuple[Group, ...]

    def step(self, rate: float) -> None:
        """Change the parameters that have a gradient, in place, at a learning rate."""
        update = _UPDATES[self.plan.optimizer]
        with torch.no_grad():
            for group in self.groups:
                parameters, gradients, states = _with_gradients(group)
                update(self.plan, rate * group.part, parameters, gradients, states)

    def states(self) -> list[State]:
        """The states of all parameters, in their order, to be changed in place."""
        return [state for group in self.groups for state in group.states]


def optimizer_of(plan: Plan, network: nn.Module) -> Optimizer:
    """The optimizer of a plan before its first step."""
    named = list(network.named_parameters())
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


def _with_gradients(
    group: Group,
) -> tuple[list[Tensor], list[Tensor], list[State]]:
    parameters: list[Tensor] = []
    gradients: list[Tensor] = []
    states: list[State] = []
    for parameter, state in zip(group.parameters, group.states, strict=True):
        if parameter.grad is not None:
            parameters.append(parameter)
            gradients.append(parameter.grad)
            states.append(state)
    return parameters, gradients, states


# -- one step ----------------------------------------------------------------------------------


def _rmsprop(
    plan: Plan,
    rate: float,
    parameters: list[Tensor],
    gradients: list[Tensor],
    states: Sequence[State],
) -> None:
    """Tieleman & Hinton (2012), with momentum as in PyTorch."""
    rmsprop(
        parameters,
        gradients,
        _each(states, "square_avg"),
        [],
        _each(states, "momentum_buffer") if plan.momentum else [],
        _each(states, "step"),
        foreach=True,
        lr=rate,
        alpha=ALPHA,
        eps=EPSILON_OF_RMSPROP,
        weight_decay=plan.weight_decay,
        momentum=plan.momentum,
        centered=False,
    )


def _adam(
    plan: Plan,
    rate: float,
    parameters: list[Tensor],
    gradients: list[Tensor],
    states: Sequence[State],
) -> None:
    """Kingma & Ba (2015); AdamW decays the weights apart from the gradients."""
    adam(
        parameters,
        gradients,
        _each(states, "exp_avg"),
        _each(states, "exp_avg_sq"),
        [],
        _each(states, "step"),
        foreach=True,
        decoupled_weight_decay=plan.optimizer == "adamw",
        amsgrad=False,
        beta1=BETAS[0],
        beta2=BETAS[1],
        lr=rate,
        weight_decay=plan.weight_decay,
        eps=EPSILON_OF_ADAM,
        maximize=False,
    )


def _sgd(
    plan: Plan,
    rate: float,
    parameters: list[Tensor],
    gradients: list[Tensor],
    states: Sequence[State],
) -> None:
    """Stochastic gradient descent with momentum."""
    buffers: list[Tensor | None] = [state.get("momentum_buffer") for state in states]
    sgd(
        parameters,
        gradients,
        buffers,
        foreach=True,
        weight_decay=plan.weight_decay,
        momentum=plan.momentum,
        lr=rate,
        dampening=0,
        nesterov=False,
        maximize=False,
    )


def _each(states: Sequence[State], name: str) -> list[Tensor]:
    return [state[name] for state in states]


_UPDATES: dict[str, Callable[[Plan, float, list[Tensor], list[Tensor], Sequence[State]], None]]
_UPDATES = {"rmsprop": _rmsprop, "adam": _adam, "adamw": _adam, "sgd": _sgd}
