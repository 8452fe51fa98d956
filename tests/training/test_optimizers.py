from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from forecast_cli import planning
from forecast_cli.panel import from_series
from forecast_cli.planning import Plan
from forecast_cli.sources import settings_from
from forecast_cli.training.optimizers import optimizer_of

SERIES = from_series([10 + np.sin(np.arange(200) / 5)])
RATE = 0.01


def plan_of(**settings: object) -> Plan:
    plan = planning.make(SERIES, settings_from(horizon=4, **settings))
    return replace(plan, skip_rate=1.0)


def theirs(plan: Plan, network: nn.Module) -> torch.optim.Optimizer:
    parameters, decay, momentum = network.parameters(), plan.weight_decay, plan.momentum
    if plan.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=RATE, weight_decay=decay)
    if plan.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=RATE, weight_decay=decay)
    if plan.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=RATE, momentum=momentum, weight_decay=decay)
    return torch.optim.RMSprop(
        parameters, lr=RATE, alpha=0.9, eps=1e-7, momentum=momentum, weight_decay=decay
    )


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [("rmsprop", 0.9), ("rmsprop", 0.0), ("adam", None), ("adamw", None), ("sgd", 0.9), ("sgd", 0)],
)
def test_steps_are_those_of_the_classes_of_pytorch(
    optimizer: str, momentum: float | None, decay: float
) -> None:
    plan = plan_of(optimizer=optimizer, momentum=momentum, weight_decay=decay)
    torch.manual_seed(1)
    ours, other = nn.Linear(5, 3), nn.Linear(5, 3)
    other.load_state_dict(ours.state_dict())
    mine, library = optimizer_of(plan, ours), theirs(plan, other)

    for step in range(20):
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(7, 5)).astype(np.float32))
        for network in (ours, other):
            network.zero_grad(set_to_none=True)
            network(x).square().mean().backward()
        mine.step(RATE)
        library.step()

    for one, two in zip(ours.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-7)


def test_the_skip_learns_at_its_part_of_the_rate() -> None:
    plan = replace(plan_of(optimizer="sgd", momentum=0.0), skip_rate=0.25)
    network = nn.ModuleDict({"skip": nn.Linear(1, 1), "head": nn.Linear(1, 1)})
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)

    optimizer_of(plan, network).step(RATE)
    for name, parameter in network.named_parameters():
        part = 0.25 if name.startswith("skip.") else 1.0
        torch.testing.assert_close(
            before[name] - parameter.detach(), torch.full_like(parameter, RATE * part)
        )


def test_training_does_not_load_the_compiler_of_pytorch() -> None:
    code = (
        "import sys, tempfile, numpy as np\n"
        "from forecast_cli import train\n"
        "from forecast_cli.panel import from_series\n"
        "panel = from_series([10 + np.sin(np.arange(100) / 5)])\n"
        "train(panel, horizon=4, epochs=1, units='3', members=1, draw=False,\n"
        "      store_folder=tempfile.mkdtemp())\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
