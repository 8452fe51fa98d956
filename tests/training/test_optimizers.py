from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from forecast_cli import planning
from forecast_cli.network.modules import network_of
from forecast_cli.panel import from_series
from forecast_cli.planning import Plan
from forecast_cli.sources import settings_from
from forecast_cli.training.learners import freeze_layers
from forecast_cli.training.optimizers import optimizer_of
from tests.conftest import HANG

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
    assert subprocess.run([sys.executable, "-c", code], timeout=HANG, check=False).returncode == 0


def test_the_optimizer_never_sees_what_is_frozen() -> None:
    plan = plan_of(preset="bilstm", units="4,5", segment=2, lookback=8, bidirectional=False)
    network = network_of(plan.architecture, zero_head=True)
    before = {id(one) for group in optimizer_of(plan, network).groups for one in group.parameters}
    assert before == {id(one) for one in network.parameters()}

    freeze_layers(network, 1)
    groups = optimizer_of(plan, network).groups
    seen = {id(one) for group in groups for one in group.parameters}
    names = {name for name, one in network.named_parameters() if id(one) not in seen}
    assert names == {
        "embedding.weight",
        "embedding.bias",
        "layers.0.weight_ih_l0",
        "layers.0.weight_hh_l0",
        "layers.0.bias_ih_l0",
        "layers.0.bias_hh_l0",
    }
    assert len(optimizer_of(plan, network).states()) == len(seen)
