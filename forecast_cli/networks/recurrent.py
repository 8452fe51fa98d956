"""Stacked recurrent networks with dropout, reading points or segments, answering all steps at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from forecast_cli.cells import MIXING, Architecture
from forecast_cli.panel import Floats


class StackedLSTM(nn.Module):
    """[segments ->] LSTM -> dropout -> LSTM -> dropout -> ... -> linear, on (B, lookback, inputs) -> (B, outputs).

    What is known of the steps ahead (B, outputs, 2 * known) and of the series (B, static) joins before the head.

    Segments: a linear layer and a ReLU embed `segment` steps into one input of the recurrence (Lin et al., SegRNN, 2023).
    `zero_head`: the last layer starts with zeros, so the network starts at the reference forecast.
    """

    def __init__(self, architecture: Architecture, *, zero_head: bool) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture.inputs
        if architecture.segment > 1:
            self.embedding = nn.Linear(size * architecture.segment, architecture.units[0])
            size = architecture.units[0]
        sizes = (size, *architecture.units)
        self.layers = nn.ModuleList(
            nn.LSTM(before, after, batch_first=True) for before, after in zip(sizes, architecture.units, strict=False)
        )
        self.dropout = nn.Dropout(architecture.dropout)
        context = sizes[-1] + architecture.static
        self.head = nn.Linear(context, architecture.outputs)
        last = [self.head]
        if architecture.known:
            self.mixing = nn.Linear(context + 2 * architecture.known, MIXING)
            self.effect = nn.Linear(MIXING, 1)
            last.append(self.effect)
        for layer in last if zero_head else []:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, ahead: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        if self.architecture.segment > 1:
            x = x.reshape(len(x), -1, self.architecture.segment * self.architecture.inputs)
            x = torch.relu(self.embedding(x))
        for layer in self.layers[:-1]:
            x = self.dropout(layer(x)[0])
        x = self.layers[-1](x)[0][:, -1]
        context = self.dropout(x)
        if static is not None:
            context = torch.cat([context, static], dim=1)
        out: Tensor = self.head(context)
        if ahead is None or not self.architecture.known:
            return out
        repeated = context[:, None, :].expand(-1, ahead.shape[1], -1)
        effect: Tensor = self.effect(torch.relu(self.mixing(torch.cat([repeated, ahead], dim=2))))
        return out + effect[:, :, 0]


def weights_of(network: nn.Module) -> dict[str, Floats]:
    """The weights as float32 arrays, by torch's names."""
    return {name: value.detach().float().cpu().numpy().copy() for name, value in network.state_dict().items()}
